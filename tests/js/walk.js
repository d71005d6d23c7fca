// The official JavaScript client, unmodified, through a day at the exchange; says what it found as one line of JSON.
// argv: {"root", "feed", "api_key", "api_secret", "request_token", "postback"}
"use strict";

const { KiteConnect, KiteTicker } = require("kiteconnect");

const given = JSON.parse(process.argv[2]);
const INFY = 408065, NIFTY = 256265;

async function refused(asked) {
	try {
		await asked;
	} catch (error) {
		return error.error_type;
	}
	return "taken";
}

function listen(access_token) {
	const seen = { modes: {}, orders: [] };
	const ticker = new KiteTicker({ api_key: given.api_key, access_token, root: given.feed });
	return new Promise((resolve) => {
		ticker.on("connect", () => {
			ticker.subscribe([INFY, NIFTY, 738561]);
			ticker.setMode(ticker.modeFull, [INFY, NIFTY]);
			ticker.setMode(ticker.modeLTP, [738561]);
			resolve([ticker, seen]);
		});
		ticker.on("ticks", (ticks) => {
			for (const tick of ticks)
				seen.modes[`${tick.instrument_token} ${tick.mode}`] = tick;
		});
		ticker.on("order_update", (order) => seen.orders.push(order));
		ticker.connect();
	});
}

async function until(true_) {
	for (let tries = 0; tries < 500 && !true_(); tries++)
		await new Promise((resolve) => setTimeout(resolve, 20));
}

async function walk() {
	const kite = new KiteConnect({ api_key: given.api_key, root: given.root });
	const session = await kite.generateSession(given.request_token, given.api_secret);
	const [ticker, seen] = await listen(session.access_token);
	const rows = await kite.getInstruments();
	const last = (await kite.getLTP(["NSE:INFY"]))["NSE:INFY"].last_price;
	const away = Math.round(last * 9.6) / 10;
	const order = { exchange: "NSE", tradingsymbol: "INFY", transaction_type: "BUY", quantity: 5, product: "MIS" };

	const resting = await kite.placeOrder("regular", { ...order, order_type: "LIMIT", price: away, tag: "js" });
	await kite.modifyOrder("regular", resting.order_id, { quantity: 6 });
	await kite.cancelOrder("regular", resting.order_id);
	const traded = await kite.placeOrder("regular", { ...order, order_type: "MARKET", market_protection: -1 });
	await kite.convertPosition({ ...order, position_type: "day", quantity: 2, old_product: "MIS", new_product: "CNC" });
	const fund = await kite.placeMFOrder({ tradingsymbol: "INF179K01YV8", transaction_type: "BUY", amount: 5000 });
	await kite.cancelMFOrder(fund.order_id);
	const sip = await kite.placeMFSIP({
		tradingsymbol: "INF179K01YV8", amount: 1000, instalments: -1, frequency: "monthly",
	});
	await kite.modifyMFSIP(sip.sip_id, { amount: 2000 });
	await kite.cancelMFSIP(sip.sip_id);
	const above = Math.round(last * 10.5) / 10;
	const leg = { ...order, order_type: "LIMIT", product: "CNC", transaction_type: "SELL" };
	const trigger = {
		trigger_type: kite.GTT_TYPE_OCO, tradingsymbol: "INFY", exchange: "NSE", trigger_values: [away, above],
		last_price: last, orders: [{ ...leg, price: away }, { ...leg, price: above }],
	};
	const gtt = await kite.placeGTT(trigger);
	await kite.modifyGTT(gtt.trigger_id, trigger);
	const active = (await kite.getGTTs()).map((row) => row.status);
	await kite.deleteGTT(gtt.trigger_id);
	const margin = { ...order, variety: "regular", order_type: "LIMIT", price: away, trigger_price: 0 };
	await until(() => Object.keys(seen.modes).length >= 3 && seen.orders.length >= 2);

	const found = {
		user: (await kite.getProfile()).user_id,
		instruments: rows.length,
		infy: rows.find((row) => row.tradingsymbol === "INFY" && row.exchange === "NSE"),
		history: (await kite.getOrderHistory(resting.order_id)).map((row) => row.status),
		traded: (await kite.getOrderTrades(traded.order_id)).map((row) => row.quantity),
		trades: (await kite.getTrades()).length,
		orders: (await kite.getOrders()).map((row) => row.status),
		positions: (await kite.getPositions()).net.map((row) => [row.product, row.quantity]),
		holdings: (await kite.getHoldings()).length,
		auctions: (await kite.getAuctionInstruments()).length,
		margins: (await kite.getMargins("equity")).net,
		quote: Object.keys((await kite.getQuote(["NSE:INFY"]))["NSE:INFY"].depth.buy).length,
		ohlc: Object.keys((await kite.getOHLC(["NSE:INFY"]))["NSE:INFY"].ohlc),
		candles: (await kite.getHistoricalData(INFY, "day", "2026-11-16 00:00:00", "2026-11-18 00:00:00")).map((row) =>
			row.date.toISOString()),
		funds: [
			(await kite.getMFInstruments()).length,
			(await kite.getMFOrders(fund.order_id)).status,
			(await kite.getMFSIPS(sip.sip_id)).status,
			(await kite.getMFHoldings()).length,
		],
		gtt: [...active, (await kite.getGTT(gtt.trigger_id)).status],
		margin: (await kite.orderMargins([margin], "")).map((row) => row.total),
		basket: (await kite.orderBasketMargins([margin, margin], false, "")).final.total,
		charges: (await kite.getvirtualContractNote([{ ...margin, order_id: "1", average_price: 1500 }])).map((row) =>
			row.charges.total > 0),
		refused: await refused(kite.placeOrder("regular", { ...order, tradingsymbol: "NOPE", order_type: "MARKET" })),
		postback: kite.validatePostback(given.postback, given.api_secret),
		modes: Object.keys(seen.modes).sort(),
		depth: seen.modes[`${INFY} full`].depth.buy.length,
		updates: seen.orders.map((update) => update.status),
	};
	ticker.autoReconnect(false);
	await kite.invalidateAccessToken();
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
