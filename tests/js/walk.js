// The official JavaScript client, unmodified, through a day at the exchange; says what it found as one line of JSON.
// argv: {"root", "api_key", "api_secret", "request_token", "postback", "option", "without"}
"use strict";

const { KiteConnect } = require("kiteconnect");
const { again, everyVariety } = require("./varieties.js");

const given = JSON.parse(process.argv[2]);
const INFY = 408065, SCHEME = "INF179K01YV8";

async function refused(asked) {
	try {
		await asked;
	} catch (error) {
		return error.error_type;
	}
	return "taken";
}

async function fundsOf(kite) {
	const fund = await again(() => kite.placeMFOrder({ tradingsymbol: SCHEME, transaction_type: "BUY", amount: 5000 }));
	await again(() => kite.cancelMFOrder(fund.order_id));
	const sip = await again(() => kite.placeMFSIP({
		tradingsymbol: SCHEME, amount: 1000, instalments: -1, frequency: "monthly",
	}));
	await again(() => kite.modifyMFSIP(sip.sip_id, { amount: 2000 }));
	await again(() => kite.cancelMFSIP(sip.sip_id));
	return [
		(await again(() => kite.getMFInstruments())).length,
		(await again(() => kite.getMFOrders(fund.order_id))).status,
		(await again(() => kite.getMFSIPS(sip.sip_id))).status,
		(await again(() => kite.getMFHoldings())).length,
	];
}

async function triggersOf(kite, last) {
	const [low, high] = [0.96, 1.05].map((part) => Math.round(last * part * 10) / 10);
	const leg = { transaction_type: "SELL", quantity: 5, order_type: "LIMIT", product: "CNC" };
	const where = { tradingsymbol: "INFY", exchange: "NSE", last_price: last };
	const single = { ...where, trigger_type: kite.GTT_TYPE_SINGLE, trigger_values: [low], orders: [{ ...leg, price: low }] };
	const pair = {
		...where, trigger_type: kite.GTT_TYPE_OCO, trigger_values: [low, high],
		orders: [{ ...leg, price: low }, { ...leg, price: high }],
	};
	const found = [];
	for (const trigger of [single, pair]) {
		const { trigger_id } = await again(() => kite.placeGTT(trigger));
		const changed = { ...trigger, orders: trigger.orders.map((one) => ({ ...one, quantity: 3 })) };
		await again(() => kite.modifyGTT(trigger_id, changed));
		const active = (await again(() => kite.getGTTs())).find((row) => row.id === trigger_id);
		await again(() => kite.deleteGTT(trigger_id));
		found.push([active.type, active.status, active.orders.map((one) => one.quantity)]);
		found.push((await again(() => kite.getGTT(trigger_id))).status);
	}
	return found;
}

async function converted(kite) {
	const what = { exchange: "NSE", tradingsymbol: "ITC", transaction_type: "BUY" };
	const bought = { ...what, quantity: 5, product: "MIS", order_type: "MARKET", market_protection: -1 };
	await again(() => kite.placeOrder("regular", bought));
	const change = { ...what, position_type: "day", quantity: 2, old_product: "MIS", new_product: "CNC" };
	await again(() => kite.convertPosition(change));
	const { net } = await again(() => kite.getPositions());
	return net.filter((row) => row.tradingsymbol === "ITC").map((row) => [row.product, row.quantity]);
}

async function walk() {
	const kite = new KiteConnect({ api_key: given.api_key, root: given.root });
	const session = await kite.generateSession(given.request_token, given.api_secret);
	const rows = await again(() => kite.getInstruments());
	const last = (await again(() => kite.getLTP(["NSE:INFY"])))["NSE:INFY"].last_price;
	const margin = {
		exchange: "NSE", tradingsymbol: "INFY", transaction_type: "BUY", quantity: 10, product: "CNC", variety: "regular",
		order_type: "LIMIT", price: 1500, trigger_price: 0,
	};
	const quote = (await again(() => kite.getQuote(["NSE:INFY"])))["NSE:INFY"];
	const executed = { ...margin, order_id: "1", average_price: 1500 };

	const found = {
		user: (await again(() => kite.getProfile())).user_id,
		login: session.login_time,
		instruments: rows.length,
		infy: rows.find((row) => row.tradingsymbol === "INFY" && row.exchange === "NSE"),
		varieties: await everyVariety(kite, last, given),
		trades: (await again(() => kite.getTrades())).length,
		positions: await converted(kite),
		holdings: (await again(() => kite.getHoldings())).length,
		money: await again(() => kite.getMargins("equity")),
		depth: quote.depth.buy.length,
		ohlc: Object.keys((await again(() => kite.getOHLC(["NSE:INFY"])))["NSE:INFY"].ohlc),
		candles: (await again(() => kite.getHistoricalData(INFY, "day", "2026-11-16 00:00:00", "2026-11-18 00:00:00"))).map(
			(row) => row.date.toISOString()),
		funds: await fundsOf(kite),
		triggers: await triggersOf(kite, last),
		margin: (await again(() => kite.orderMargins([margin], ""))).map((row) => row.total),
		basket: (await again(() => kite.orderBasketMargins([margin, margin], false, ""))).final.total,
		charges: (await again(() => kite.getvirtualContractNote([executed]))).map((row) => row.charges.total),
		refused: await refused(again(() => kite.placeOrder("regular", { ...margin, tradingsymbol: "NOPE" }))),
		postback: kite.validatePostback(given.postback, given.api_secret),
	};
	await again(() => kite.invalidateAccessToken());
	found.after = await refused(kite.getOrders());
	return found;
}

walk().then(
	(found) => {
		process.stdout.write(JSON.stringify(found) + "\n", () => process.exit(0));
	},
	(error) => {
		process.stderr.write(JSON.stringify({ message: error.message, type: error.error_type, stack: error.stack }) + "\n");
		process.exit(1);
	},
);
