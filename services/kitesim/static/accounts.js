// Each account's money and positions.

import { by, el, keep, mark, row, say } from "./dom.js";
import { count, money, price, signed, trend } from "./format.js";

const FIGURES = [["Cash", "cash"], ["Margin used", "used"], ["Available", "available"], ["P&L", "pnl"]];

function card() {
	const figures = FIGURES.map(([name]) => el("div", {}, el("dt", {}, name), el("dd")));
	const head = ["Position", "Qty", "Average", "P&L"].map((text, index) => el("th", { cls: index ? "n" : null }, text));
	return el("article", {}, el("h3", {}, el("b"), el("small")), el("dl", { cls: "figures" }, ...figures),
		el("table", { cls: "grid" }, el("thead", {}, el("tr", {}, ...head)), el("tbody")));
}

function fillPosition(node, position) {
	const [symbol, quantity, average, pnl] = node.children;
	if (!symbol.firstChild)
		symbol.append(el("span", {}, position.tradingsymbol), el("small", {}, position.product));
	say(quantity, count(position.quantity));
	mark(quantity, `n ${trend(position.quantity)}`);
	say(average, price(position.average_price));
	say(pnl, signed(position.pnl));
	mark(pnl, `n ${trend(position.pnl)}`);
}

export function showAccounts(accounts, choose) {
	keep(by("accounts"), accounts, (one) => one.user, card, (node, account) => {
		const [head, figures, table] = node.children;
		say(head.firstChild, account.user);
		const keys = account.logged_in;
		say(head.lastChild, keys.length ? `logged in: ${keys.join(", ")}` : "no login holds");
		FIGURES.forEach(([, field], index) => {
			const shown = figures.children[index].lastChild;
			say(shown, field === "pnl" ? signed(account.pnl) : money(account[field]));
			mark(shown, field === "pnl" ? trend(account.pnl) : "");
		});
		table.hidden = !account.positions.length;
		const make = (position) => row(["sym", "n", "n", "n"], () => choose(position.instrument_token));
		keep(table.lastChild, account.positions, (one) => `${one.exchange}:${one.tradingsymbol} ${one.product}`, make, fillPosition);
	});
}
