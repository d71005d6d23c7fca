// One instrument: its day, its five levels with our own orders among them, its facts.

import { Chart } from "./chart.js";
import { by, el, keep, mark, say } from "./dom.js";
import { count, price, short, signed, trend } from "./format.js";

const LEVELS = [0, 1, 2, 3, 4];

export class Instrument {
	constructor() {
		this.chart = new Chart(by("chart"), by("chart-says"));
		this.minutes = [];
	}

	begin(listed) {
		this.listed = listed;
		this.minutes = [];
		say(by("view-title"), listed.tradingsymbol);
		const lot = listed.lot_size > 1 ? `lot ${listed.lot_size}` : "";
		const what = [listed.exchange, listed.name !== listed.tradingsymbol && listed.name, listed.expiry, lot, listed.instrument_token];
		say(by("view-what"), what.filter(Boolean).join(" · "));
	}

	takeMinutes(minutes) {
		this.minutes = minutes;
	}

	show({ quote, own }) {
		const close = quote.ohlc.close, change = quote.last_price - close;
		say(by("view-last"), price(quote.last_price));
		say(by("view-change"), `${signed(change)} (${signed(close ? change / close * 100 : 0)} %)`);
		mark(by("view-change"), trend(change));
		// An index has no depth.
		by("view").classList.toggle("bare", !quote.upper_circuit_limit && !quote.depth.buy[0].price);
		this.showDepth(quote, own);
		this.showFacts(quote);
		// Between two readings of the minutes the last one goes on with the last price.
		const last = this.minutes.at(-1);
		if (last)
			last.splice(2, 3, Math.max(last[2], quote.last_price), Math.min(last[3], quote.last_price), quote.last_price);
		this.chart.draw({ minutes: this.minutes, close, own });
	}

	showDepth(quote, own) {
		const most = Math.max(1, ...["buy", "sell"].flatMap((side) => quote.depth[side].map((level) => level.quantity)));
		const make = () => el("tr", {}, ...["n dim", "n bar bid", "n up", "n l down", "n l bar ask", "n l dim"].map((cls) => el("td", { cls })));
		keep(by("depth"), LEVELS, (level) => level, make, (node, level) => {
			const [bidOrders, bidQuantity, bid, ask, askQuantity, askOrders] = node.children;
			const fill = (shown, quantity, orders, side) => {
				const { price: at, quantity: size, orders: many } = quote.depth[side][level];
				say(shown, at ? price(at) : "");
				say(quantity, at ? count(size) : "");
				quantity.style.setProperty("--share", `${size / most * 100}%`);
				say(orders, at ? many : "");
			};
			fill(bid, bidQuantity, bidOrders, "buy");
			fill(ask, askQuantity, askOrders, "sell");
		});
		say(by("depth-buy"), count(quote.buy_quantity));
		say(by("depth-sell"), count(quote.sell_quantity));
		this.showOwn(quote, own);
	}

	// The street's levels are what clients are shown; our own orders stand beside them, at their level where there is one.
	showOwn(quote, own) {
		[...by("depth").children].forEach((node, level) => {
			for (const [side, cell] of [["buy", node.children[2]], ["sell", node.children[3]]]) {
				const at = quote.depth[side][level].price;
				const here = own.filter((order) => at && order.side.toLowerCase() === side && order.price === at);
				const quantity = here.reduce((sum, order) => sum + order.pending, 0);
				cell.classList.toggle("own", quantity > 0);
				cell.title = quantity ? `own: ${quantity}` : "";
			}
		});
	}

	showFacts(quote) {
		const { open, high, low, close } = quote.ohlc;
		const facts = [
			["Open", price(open)], ["High", price(high)], ["Low", price(low)], ["Yesterday", price(close)],
			["Average", price(quote.average_price)], ["Volume", short(quote.volume)],
			["Open interest", quote.oi ? short(quote.oi) : "–"],
			["Band", quote.upper_circuit_limit ? `${price(quote.lower_circuit_limit)} – ${price(quote.upper_circuit_limit)}` : "–"],
			["Last trade", quote.last_trade_time?.slice(11) ?? "–"],
		];
		const make = ([name]) => el("div", {}, el("dt", {}, name), el("dd"));
		keep(by("facts"), facts, ([name]) => name, make, (node, [, text]) => say(node.lastChild, text));
	}
}
