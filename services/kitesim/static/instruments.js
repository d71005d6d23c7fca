// All instruments, found by typing.

import { by, el, keep, mark, row, say, walk } from "./dom.js";
import { count, price, signed, trend } from "./format.js";

const SHOWN_MAX = 60;
const USUAL = ["NSE", "NFO"]; // exchanges that need not be named
const KINDS = [
	["all", "All kinds", () => true],
	["index", "Indices", (one) => one.lot_size === 0],
	["share", "Shares", (one) => one.instrument_type === "EQ" && one.lot_size > 0],
	["future", "Futures", (one) => one.instrument_type === "FUT"],
	["call", "Calls", (one) => one.instrument_type === "CE"],
	["put", "Puts", (one) => one.instrument_type === "PE"],
];

const rank = (one) => KINDS.findIndex(([, , fits], index) => index && fits(one));

export class Instruments {
	constructor(all, choose) {
		this.all = all.sort((a, b) => rank(a) - rank(b) || a.order - b.order);
		this.choose = choose;
		this.prices = new Map();
		by("kind").append(...KINDS.map(([value, text]) => el("option", { value }, text)));
		by("kind").addEventListener("change", () => this.find());
		by("search").addEventListener("input", () => this.find());
		by("search").addEventListener("keydown", (event) => this.typed(event));
		walk(by("list-rows"));
		this.find();
	}

	find() {
		const words = by("search").value.trim().toUpperCase().split(/\s+/).filter(Boolean);
		const [, , fits] = KINDS.find(([value]) => value === by("kind").value);
		const found = this.all.filter((one) => fits(one) && words.every((word) => one.text.includes(word)));
		// What begins with the word comes before what only holds it.
		const first = words[0] ?? "";
		const early = (one) => one.tradingsymbol === first ? 0 : one.tradingsymbol.startsWith(first) ? 1 : 2;
		this.found = words.length ? found.sort((a, b) => early(a) - early(b)) : found;
		this.found = this.found.slice(0, SHOWN_MAX);
		const some = found.length > SHOWN_MAX ? `${SHOWN_MAX} of ${count(found.length)}` : count(found.length);
		say(by("list-count"), some);
		this.show();
	}

	typed(event) {
		if (event.key === "Enter" && this.found.length)
			this.choose(this.found[0].instrument_token);
		if (event.key === "ArrowDown") {
			event.preventDefault();
			by("list-rows").querySelector("tr")?.focus();
		}
	}

	get tokens() {
		return this.found.map((one) => one.instrument_token);
	}

	take(rows) {
		for (const line of rows)
			this.prices.set(line[0], line);
		this.show();
	}

	select(token) {
		this.selected = token;
		this.show();
	}

	show() {
		const make = () => row(["sym", "n", "n", "n dim", "n dim"], (key) => this.choose(Number(key)));
		keep(by("list-rows"), this.found, (one) => one.instrument_token, make, (node, one) => {
			const [, last, close, bid, ask] = this.prices.get(one.instrument_token) ?? [];
			const [symbol, shown, change, bids, asks] = node.children;
			if (!symbol.firstChild) {
				symbol.append(el("span", {}, one.tradingsymbol), el("small", {}, USUAL.includes(one.exchange) ? "" : one.exchange));
				symbol.title = `${one.exchange}:${one.tradingsymbol}`;
			}
			const moved = last === undefined ? "" : trend(last - close);
			if (node.last !== undefined && last !== node.last)
				flash(shown, last > node.last);
			node.last = last;
			say(shown, last === undefined ? "" : price(last));
			say(change, last === undefined || !close ? "" : signed((last - close) / close * 100));
			mark(change, `n ${moved}`);
			say(bids, bid === undefined ? "" : price(bid));
			say(asks, ask === undefined ? "" : price(ask));
			node.setAttribute("aria-selected", String(one.instrument_token === this.selected));
		});
	}
}

function flash(node, up) {
	node.getAnimations().forEach((one) => one.cancel());
	const colour = getComputedStyle(node).getPropertyValue(up ? "--up" : "--down");
	node.animate([{ color: colour }, {}], { duration: 900 });
}
