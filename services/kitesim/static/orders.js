// Orders of all accounts; one of them opens to its whole history. And trades.

import { by, el, keep, mark, row, say, walk } from "./dom.js";
import { count, lasting, precise, price, time } from "./format.js";

const COLUMNS = 7;
const SHADES = { COMPLETE: "done", REJECTED: "bad", CANCELLED: "gone", OPEN: "open", "TRIGGER PENDING": "open" };

const shade = (status) => SHADES[status] ?? "moving";

export class Orders {
	constructor(users, refresh) {
		this.refresh = refresh;
		this.opened = null;
		this.tab = "orders";
		this.list = [];
		by("book-user").append(el("option", { value: "" }, "all accounts"), ...users.map((user) => el("option", {}, user)));
		for (const id of ["book-user", "book-open", "book-this"])
			by(id).addEventListener("change", refresh);
		for (const tab of ["orders", "trades"])
			by(`tab-${tab}`).addEventListener("click", () => this.turn(tab));
		walk(by("order-rows"));
	}

	turn(tab) {
		this.tab = tab;
		for (const one of ["orders", "trades"]) {
			by(`tab-${one}`).setAttribute("aria-selected", String(one === tab));
			by(one).hidden = one !== tab;
		}
		say(by("book-none"), "");
		this.refresh();
	}

	/** What is to be asked: orders by the filters, or trades. */
	wish(token) {
		if (this.tab === "trades")
			return "trades";
		const asked = new URLSearchParams();
		if (by("book-user").value)
			asked.set("user", by("book-user").value);
		if (by("book-open").checked)
			asked.set("open", "1");
		if (by("book-this").checked)
			asked.set("token", token);
		return `orders?${asked}`;
	}

	close() {
		this.choose(this.opened);
	}

	choose(id) {
		this.opened = this.opened === id ? null : id;
		this.story = null;
		this.showOrders(this.list);
		if (this.opened)
			this.refresh();
	}

	show(rows, story) {
		if (this.tab === "trades")
			return this.showTrades(rows);
		this.story = story;
		this.showOrders(rows);
	}

	showOrders(rows) {
		this.list = rows;
		const lines = rows.flatMap((order) => order.id === this.opened ? [order, { id: `${order.id}+`, of: order }] : [order]);
		const make = (line) => line.of
			? el("tr", { cls: "story" }, el("td", { colspan: COLUMNS }))
			: row(["dim", "", "sym", "", "n", "n", ""], (id) => this.choose(id));
		keep(by("order-rows"), lines, (line) => line.id, make, (node, line) =>
			line.of ? this.fillStory(node.firstChild, line.of) : this.fillOrder(node, line));
		say(by("book-none"), rows.length ? "" : "No orders.");
	}

	fillOrder(node, order) {
		const [at, user, symbol, side, filled, at_price, status] = node.children;
		const limit = order.price || order.trigger, shown = order.filled ? order.average : limit;
		say(at, time(order.placed_ms));
		say(user, order.user);
		if (!symbol.firstChild)
			symbol.append(el("span", {}, order.symbol), el("small", {}, order.product));
		say(side, order.side === "BUY" ? "Buy" : "Sell");
		mark(side, order.side === "BUY" ? "up" : "down");
		say(filled, `${count(order.filled)} / ${count(order.quantity)}`);
		say(at_price, shown ? price(shown) : order.type);
		const terms = [order.type, order.price && `at ${price(order.price)}`, order.trigger && `trigger ${price(order.trigger)}`,
			order.filled && `average ${price(order.average)}`];
		at_price.title = terms.filter(Boolean).join(", ");
		if (!status.firstChild)
			status.append(el("span"), el("em"));
		say(status.firstChild, order.status);
		mark(status.firstChild, `state ${shade(order.status)}`);
		say(status.lastChild, order.faults.length ? `⚡ ${order.faults.join(", ")}` : "");
		status.title = order.message ?? "";
		node.setAttribute("aria-expanded", String(order.id === this.opened));
	}

	fillStory(cell, order) {
		const story = this.story?.id === order.id ? this.story : null;
		const now = story ? `${story.states.length} ${story.fills.length} ${story.faults}` : "";
		if (cell.dataset.now === now)
			return;
		cell.dataset.now = now;
		cell.replaceChildren(...(story ? told(story) : [el("p", { cls: "says" }, "…")]));
	}

	showTrades(rows) {
		const make = () => row(["dim", "", "sym", "", "n", "n", "dim"]);
		keep(by("trade-rows"), rows, (fill) => `${fill.id} ${fill.order}`, make, (node, fill) => {
			const texts = [time(fill.at_ms), fill.user, fill.symbol, fill.side === "BUY" ? "Buy" : "Sell",
				count(fill.quantity), price(fill.price), fill.order];
			texts.forEach((text, index) => say(node.children[index], text));
			mark(node.children[3], fill.side === "BUY" ? "up" : "down");
		});
		say(by("book-none"), rows.length ? "" : "No trades.");
	}
}

function told(story) {
	const pairs = [
		["Order", story.id], ["At exchange", story.exchange_order_id], ["Tag", story.tag], ["Variety", story.variety],
		["Type", `${story.type} ${story.validity}`], ["Parent", story.parent],
		["Modified", story.modifications ? `${story.modifications} ×` : null],
	].filter(([, text]) => text);
	const facts = el("dl", { cls: "facts" }, ...pairs.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text))));
	const notes = [];
	if (story.message)
		notes.push(el("p", { cls: story.status === "REJECTED" ? "why bad" : "why" }, story.message));
	if (story.faults.length)
		notes.push(el("p", { cls: "why fault" }, `⚡ Faults that happened to it: ${story.faults.join(", ")}`));
	return [facts, ...notes, states(story), ...(story.fills.length ? [fills(story)] : [])];
}

function states(story) {
	const cells = (texts, tag) => el("tr", {}, ...texts.map(([text, cls]) => el(tag, { cls: cls || null }, text)));
	const head = cells([["State"], ["At"], ["After", "n"], ["Filled", "n"], ["Pending", "n"], ["Price", "n"]], "th");
	const lines = story.states.map((state, index) => {
		const before = story.states[index - 1]?.at_ms ?? state.at_ms;
		const line = cells([
			["", ""], [precise(state.at_ms)], [index ? `+${lasting(state.at_ms - before)}` : "", "n dim"],
			[count(state.filled), "n"], [count(state.pending), "n"], [state.price ? price(state.price) : state.type, "n"],
		], "td");
		line.firstChild.append(el("span", { cls: `state ${shade(state.status)}` }, state.status));
		return line;
	});
	return el("table", { cls: "grid states", "aria-label": "History" }, el("thead", {}, head), el("tbody", {}, ...lines));
}

function fills(story) {
	const text = story.fills.map((fill) => `${count(fill.quantity)} at ${price(fill.price)} (${precise(fill.at_ms)})`);
	return el("p", { cls: "says" }, `Trades: ${text.join(", ")}`);
}
