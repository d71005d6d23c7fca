// The operator's page and the login page in a real browser, while the official client trades; says what it found as JSON.
// argv: {"root", "page", "api_key", "access_token", "browser"}
"use strict";

const http = require("node:http");
const { KiteConnect } = require("kiteconnect");
const { browse, complaints, WAIT_MS } = require("./browser.js");

const given = JSON.parse(process.argv[2]);
const kite = new KiteConnect({ api_key: given.api_key, access_token: given.access_token, root: given.root });
const INFY = 408065;
const ORDER = { exchange: "NSE", tradingsymbol: "INFY", transaction_type: "BUY", quantity: 3, product: "MIS" };

const refused = (asked) => asked.then(() => "taken", (error) => error.error_type);
const texts = (page, selector) => page.locator(selector).allInnerTexts();

async function market(page) {
	await page.goto(`${given.page}#${INFY}`);
	await page.locator("#live.live").waitFor();
	const seen = { clocks: new Set(), prices: new Set() };
	const end = Date.now() + WAIT_MS;
	while (Date.now() < end && (seen.clocks.size < 3 || seen.prices.size < 2)) {
		seen.clocks.add(await page.locator("#clock").innerText());
		seen.prices.add(await page.locator("#view-last").innerText());
		await page.waitForTimeout(250);
	}
	return {
		title: await page.locator("#view-title").innerText(),
		clocks: seen.clocks.size,
		prices: seen.prices.size,
		levels: await page.locator("#depth tr").count(),
		line: (await page.locator("#chart path.line").getAttribute("d")).split("L").length,
		listed: await page.locator("#list-rows tr").count(),
	};
}

async function orders(page) {
	const last = (await kite.getLTP(["NSE:INFY"]))["NSE:INFY"].last_price;
	const price = Math.round(last * 9.7) / 10;
	const { order_id } = await kite.placeOrder("regular", { ...ORDER, order_type: "LIMIT", price, tag: "seen" });
	const row = page.locator(`#order-rows tr[data-key="${order_id}"]`);
	await row.waitFor();
	const first = await row.innerText();
	await row.focus();
	await page.keyboard.press("Enter");
	await page.locator(".story .states tbody tr").first().waitFor();
	const history = await texts(page, ".story .states tbody tr td:first-child");
	await kite.cancelOrder("regular", order_id);
	await page.locator(".story .states .gone").waitFor();
	const after = await texts(page, ".story .states tbody tr td:first-child");
	await page.keyboard.press("Escape");
	await page.locator(".story").waitFor({ state: "detached" });
	await kite.placeOrder("regular", { ...ORDER, order_type: "MARKET", market_protection: -1 });
	await page.keyboard.press("t");
	await page.locator("#trade-rows tr").first().waitFor();
	const trades = (await texts(page, "#trade-rows tr")).length;
	await page.locator("#tab-orders").click();
	const wrong = await refused(kite.placeOrder("regular", { ...ORDER, tradingsymbol: "NOPE", order_type: "MARKET" }));
	await page.locator("#refused li", { hasText: wrong }).first().waitFor();
	return { first, history, after, trades, wrong, positions: await texts(page, "#accounts tbody tr") };
}

async function faults(page) {
	await page.locator("#arm-name").selectOption("html_429");
	await page.locator('#arm input[name="where.route"]').fill("/user/profile");
	await page.locator('#arm button[type="submit"]').click();
	await page.locator("#armed li").waitFor();
	const before = await page.locator("#armed .times").innerText();
	const met = await refused(kite.getProfile());
	await page.locator("#armed .times", { hasText: "happened 1 of 1" }).waitFor();
	await page.locator("#happened li", { hasText: "html_429" }).waitFor();
	await page.locator("#armed button").click();
	await page.locator("#armed li").waitFor({ state: "detached" });
	const after = await refused(kite.getProfile());
	await page.locator("#arm-name").selectOption("delay");
	await page.locator('#arm input[name="ms"]').fill("-1");
	await page.locator('#arm button[type="submit"]').click();
	await page.locator("#arm-says.bad").waitFor();
	return { before, met, after, wrong: await page.locator("#arm-says").innerText() };
}

async function keyboard(page) {
	await page.keyboard.press("Escape");
	await page.keyboard.press("/");
	await page.keyboard.type("nifty bank");
	await page.keyboard.press("Enter");
	await page.locator("#view-title", { hasText: "NIFTY BANK" }).waitFor();
	await page.keyboard.press("Escape");
	const late = await pausedInAReading(page);
	const asked = [];
	page.on("request", (request) => asked.push(request.url()));
	await page.waitForTimeout(2_000);
	const still = asked.length;
	await page.keyboard.press("p");
	await page.locator("#live.live").waitFor();
	return { still, late };
}

/** Pause is pressed while answers are on their way, and an instrument is chosen while it is paused. */
async function pausedInAReading(page) {
	const held = [];
	let arrived;
	const onItsWay = new Promise((resolve) => { arrived = resolve; });
	await page.route("**/_sim/api/now", (route) => { held.push(route); arrived(); });
	await onItsWay;
	await page.keyboard.press("p");
	await page.locator("#live.paused").waitFor();
	const answered = page.waitForResponse("**/_sim/api/now");
	await held[0].continue();
	await (await answered).finished();
	await page.unroute("**/_sim/api/now");
	await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 0)));
	const after = await page.locator("#live").innerText();
	const read = page.waitForResponse(`**/_sim/api/instruments/${INFY}`);
	await page.evaluate((token) => { location.hash = `#${token}`; }, INFY);
	await (await read).finished();
	await page.locator("#view-last:not(:empty)").waitFor();
	await page.waitForLoadState("networkidle");
	return { after, chosen: await page.locator("#view-title").innerText(), still: await page.locator("#live").innerText() };
}

async function phone(page) {
	await page.setViewportSize({ width: 390, height: 844 });
	const parts = {};
	for (const part of ["market", "orders", "accounts", "faults", "traffic"]) {
		await page.locator(`#parts [data-part="${part}"]`).click();
		parts[part] = await page.evaluate(() => ({
			wide: document.documentElement.scrollWidth > innerWidth,
			shown: [...document.querySelectorAll("section")].filter((one) => one.offsetHeight).map((one) => one.id || one.dataset.part),
		}));
	}
	return parts;
}

/** What a page of another origin, in the same browser, can do. */
async function stranger(context) {
	const server = http.createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<title>x</title>"));
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	const page = await context.newPage();
	await page.goto(`http://127.0.0.1:${server.address().port}/`);
	const tried = await page.evaluate(async (root) => {
		const body = JSON.stringify({ name: "halt" }), url = `${root}/_sim/api/faults`;
		const said = (asked) => asked.then((answer) => answer.status, () => "blocked");
		const json = { method: "POST", headers: { "content-type": "application/json" }, body };
		const frame = document.body.appendChild(document.createElement("iframe"));
		frame.src = `${root}/_sim/`;
		await new Promise((resolve) => { frame.onload = frame.onerror = resolve; });
		return {
			json: await said(fetch(url, json)),
			blind: await said(fetch(url, { method: "POST", mode: "no-cors", body })),
			read: await said(fetch(`${root}/_sim/api/now`)),
		};
	}, given.root);
	const framed = page.frames().filter((frame) => frame.url().startsWith(given.root)).length;
	await page.close();
	server.close();
	return { ...tried, framed };
}

/** The page by a name of somebody else's that leads here. */
async function rebound(context) {
	const page = await context.newPage();
	const port = new URL(given.root).port;
	const answer = await page.goto(`http://evil.example:${port}/_sim/`);
	const read = await page.evaluate(() => fetch("/_sim/api/now").then((one) => one.status));
	await page.close();
	return [answer.status(), read];
}

async function login(context) {
	const page = await context.newPage();
	const found = { complaints: complaints(page) };
	const extra = encodeURIComponent("state=a b&request_token=forged&<script>=1");
	await page.goto(`${given.root}/connect/login?api_key=${given.api_key}&v=3&redirect_params=${extra}`);
	found.asked = await page.locator("main").innerText();
	await page.locator("button").click();
	await page.waitForURL(/request_token/);
	found.url = page.url();
	found.done = await page.locator("main").innerText();
	found.complaints = [...found.complaints];
	const wrong = await page.goto(`${given.root}/connect/login?api_key=<script>alert(1)</script>&v=3`);
	found.wrong = [wrong.status(), await page.locator("h1").innerText(), await page.locator("script").count()];
	await page.close();
	return found;
}

async function visit(context) {
	const page = await context.newPage();
	const found = { complaints: complaints(page) };
	found.market = await market(page);
	found.orders = await orders(page);
	found.faults = await faults(page);
	found.keyboard = await keyboard(page);
	found.phone = await phone(page);
	// The one refusal that was provoked on the page itself is the browser's to mention.
	found.complaints = found.complaints.filter((words) => !words.includes("status of 400"));
	found.stranger = await stranger(context);
	found.rebound = await rebound(context);
	found.armed = (await (await context.request.get(`${given.root}/_sim/api/now`)).json()).faults.active.length;
	found.login = await login(context);
	return found;
}

browse(given.browser, "MAP evil.example 127.0.0.1", visit).then(
	(found) => process.stdout.write(JSON.stringify(found) + "\n", () => process.exit(0)),
	(error) => process.stderr.write(`${error.stack ?? JSON.stringify(error)}\n`, () => process.exit(1)),
);
