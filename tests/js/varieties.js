// Orders of every variety through the official JavaScript client; what became of each.
"use strict";

const ORDER = { exchange: "NSE", tradingsymbol: "INFY", transaction_type: "BUY", quantity: 5, product: "CNC" };

// Asks until the window of its kind has room: a 429 says that nothing was accepted, so a program asks again.
async function again(ask) {
	for (let tries = 0; tries < 200; tries++) {
		try {
			return await ask();
		} catch (error) {
			if (error.message !== "Too many requests")
				throw error;
		}
	}
	throw new Error("refused 200 times");
}

class Desk {
	constructor(kite, last) {
		this.kite = kite;
		this.price = (part) => Math.round(last * part * 10) / 10;
	}

	async place(variety, changes) {
		return (await again(() => this.kite.placeOrder(variety, { ...ORDER, ...changes }))).order_id;
	}

	async cancel(variety, order_id) {
		await again(() => this.kite.cancelOrder(variety, order_id));
	}

	modify(variety, order_id, changes) {
		return again(() => this.kite.modifyOrder(variety, order_id, changes));
	}

	async row(order_id) {
		return (await again(() => this.kite.getOrders())).find((row) => row.order_id === order_id);
	}

	async history(order_id) {
		return (await again(() => this.kite.getOrderHistory(order_id))).map((row) => row.status);
	}

	// Placed, modified, cancelled: its row before that, and all of its states.
	async whole(variety, fields, change) {
		const order_id = await this.place(variety, fields);
		const row = await this.row(order_id);
		await this.modify(variety, order_id, change);
		await this.cancel(variety, order_id);
		return { row, history: await this.history(order_id) };
	}
}

const RESTS = { order_type: "LIMIT" };
const VARIETIES = {
	limit: (desk) => desk.whole("regular", { ...RESTS, price: desk.price(0.97), tag: "js" }, { quantity: 6 }),
	stop: (desk) => desk.whole(
		"regular",
		{ order_type: "SL", trigger_price: desk.price(1.03), price: desk.price(1.035) },
		{ trigger_price: desk.price(1.031) },
	),
	stop_market: (desk) => desk.whole(
		"regular",
		{ order_type: "SL-M", trigger_price: desk.price(1.03), market_protection: 2 },
		{ trigger_price: desk.price(1.031) },
	),
	amo: (desk) => desk.whole("amo", { ...RESTS, price: desk.price(0.97) }, { quantity: 6 }),
	iceberg: (desk) => desk.whole(
		"iceberg",
		{ ...RESTS, price: desk.price(0.97), quantity: 10, iceberg_legs: 3, iceberg_quantity: 4 },
		{ price: desk.price(0.965) },
	),
	async market(desk) {
		const order_id = await desk.place("regular", { order_type: "MARKET", market_protection: -1 });
		const trades = await again(() => desk.kite.getOrderTrades(order_id));
		return { row: await desk.row(order_id), history: await desk.history(order_id), trades };
	},
	async immediate(desk) {
		const order_id = await desk.place("regular", { ...RESTS, price: desk.price(0.97), validity: "IOC" });
		return { row: await desk.row(order_id), history: await desk.history(order_id) };
	},
	async minutes(desk) {
		const fields = { ...RESTS, price: desk.price(0.97), validity: "TTL", validity_ttl: 60 };
		const order_id = await desk.place("regular", fields);
		const row = await desk.row(order_id);
		await desk.cancel("regular", order_id);
		return { row, history: await desk.history(order_id) };
	},
	async cover(desk) {
		const fields = { product: "MIS", order_type: "MARKET", market_protection: -1, trigger_price: desk.price(0.97) };
		const entry = await desk.place("co", fields);
		const leg = (await again(() => desk.kite.getOrders())).find((row) => row.parent_order_id === entry);
		await again(() => desk.kite.exitOrder("co", leg.order_id, { parent_order_id: entry }));
		return { row: leg, history: await desk.history(leg.order_id), entry: await desk.row(entry) };
	},
	async auction(desk) {
		const offers = await again(() => desk.kite.getAuctionInstruments());
		const { auction_number } = offers.find((row) => row.tradingsymbol === "INFY");
		const fields = { ...RESTS, transaction_type: "SELL", price: desk.price(0.99), auction_number };
		const order_id = await desk.place("auction", fields);
		const row = await desk.row(order_id);
		await desk.cancel("auction", order_id);
		return { row, history: await desk.history(order_id) };
	},
	async sliced(desk, option) {
		const fields = {
			...ORDER, ...RESTS, exchange: "NFO", tradingsymbol: option.tradingsymbol, product: "NRML",
			quantity: 2 * 1755 + 65, price: option.price, autoslice: true,
		};
		const answer = await again(() => desk.kite.placeOrder("regular", { ...fields }));
		const rows = [];
		for (const child of answer.children) {
			rows.push(await desk.row(child.order_id));
			await desk.cancel("regular", child.order_id);
		}
		return { parent: answer.order_id, rows };
	},
};

async function everyVariety(kite, last, given) {
	const desk = new Desk(kite, last), found = {};
	for (const name of Object.keys(VARIETIES).filter((name) => !given.without.includes(name)))
		found[name] = await VARIETIES[name](desk, given.option);
	return found;
}

module.exports = { again, everyVariety };
