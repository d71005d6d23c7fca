// Asks each second for what is on the screen, and only while somebody looks.

import { showAccounts } from "./accounts.js";
import { get } from "./api.js";
import { by } from "./dom.js";
import { Faults } from "./faults.js";
import { showHead, showIndices, showLive } from "./head.js";
import { Instrument } from "./instrument.js";
import { Instruments } from "./instruments.js";
import { Orders } from "./orders.js";
import { showRequests, showSockets } from "./traffic.js";

const EVERY_MS = 1_000;
const CHART_EVERY = 5; // readings of all else

class Page {
	constructor(about) {
		const rows = about.instruments.map((row, order) =>
			({ ...Object.fromEntries(about.columns.map((name, index) => [name, row[index]])), order }));
		for (const one of rows)
			one.text = `${one.tradingsymbol} ${one.name} ${one.exchange} ${one.instrument_token}`.toUpperCase();
		this.listed = new Map(rows.map((one) => [one.instrument_token, one]));
		this.indices = rows.filter((one) => one.lot_size === 0).map((one) => one.instrument_token);
		this.instrument = new Instrument();
		this.instruments = new Instruments(rows, (token) => this.choose(token));
		this.orders = new Orders(about.users, () => this.soon());
		this.faults = new Faults(about.faults, (id) => this.openOrder(id), () => this.soon());
		this.readings = 0;
		this.paused = this.lost = this.wanted = false;
		this.fresh = Date.now();
		const { started } = about;
		document.title = `kitesim ${started.session}`;
		by("date").title = Object.entries(started).map(([name, text]) => `${name}: ${text}`).join("\n");
		addEventListener("hashchange", () => this.choose(this.addressed()));
		addEventListener("visibilitychange", () => this.wake?.());
		this.choose(this.addressed());
		this.run();
	}

	/** The instrument that the address names, so that a reload shows the same. */
	addressed() {
		const token = Number(location.hash.slice(1));
		return this.listed.has(token) ? token : this.instruments.tokens.find((one) => !this.indices.includes(one));
	}

	choose(token) {
		if (token === this.token)
			return;
		this.token = token;
		this.stale = true;
		history.replaceState(null, "", `#${token}`);
		this.instruments.select(token);
		this.instrument.begin(this.listed.get(token));
		this.soon();
	}

	openOrder(id) {
		part("orders");
		this.orders.turn("orders");
		if (this.orders.opened !== id)
			this.orders.choose(id);
	}

	/** Reads at once rather than at its time, and once while it is stopped: a person did something. */
	soon() {
		this.wanted = true;
		this.wake?.();
	}

	pause() {
		this.paused = !this.paused;
		by("pause").setAttribute("aria-pressed", String(this.paused));
		by("pause").textContent = this.paused ? "Go on" : "Pause";
		this.showState();
		this.wake?.();
	}

	/** What a person chose stands, whatever an answer that was on its way says. */
	showState() {
		showLive(this.paused ? "paused" : this.lost ? "lost" : "live", this.fresh);
	}

	async run() {
		for (;;) {
			const due = document.visibilityState === "visible" && (this.wanted || !this.paused);
			if (due) {
				this.wanted = false;
				await this.read();
			}
			// What was wanted during a reading is read at once: that answer was older.
			if (!due || !this.wanted)
				await new Promise((resolve) => {
					this.wake = resolve;
					setTimeout(resolve, EVERY_MS);
				});
		}
	}

	async read() {
		try {
			await this.readAll();
			this.fresh = Date.now();
			this.lost = false;
		} catch (error) {
			if (!(error instanceof TypeError))
				console.error(error);
			this.lost = true;
		}
		this.showState();
	}

	async readAll() {
		const { token } = this, wanted = [...new Set([...this.indices, ...this.instruments.tokens])];
		const asked = this.orders.wish(token), opened = this.orders.opened, { changes } = this.faults;
		const charts = this.stale || this.readings++ % CHART_EVERY === 0;
		const [now, prices, shown, minutes, rows, story] = await Promise.all([
			get("now"),
			get(`prices?tokens=${wanted}`),
			get(`instruments/${token}`),
			charts ? get(`instruments/${token}/chart`) : null,
			get(asked),
			opened ? get(`orders/${opened}`) : null,
		]);
		showHead(now.market);
		showIndices(prices.filter(([one]) => this.indices.includes(one)), this.listed, (one) => this.choose(one));
		this.instruments.take(prices);
		if (token === this.token) {
			if (minutes) {
				this.instrument.takeMinutes(minutes);
				this.stale = false;
			}
			this.instrument.show(shown);
		}
		if (asked === this.orders.wish(this.token))
			this.orders.show(rows, opened === this.orders.opened ? story : null);
		showAccounts(now.accounts, (one) => this.choose(one));
		if (changes === this.faults.changes)
			this.faults.show(now.faults);
		showSockets(now.sockets);
		showRequests(now.requests);
	}
}

function part(name) {
	document.documentElement.dataset.show = name;
	for (const button of by("parts").children)
		button.setAttribute("aria-current", String(button.dataset.part === name));
}

function keys(page) {
	const deeds = {
		"/": () => (part("market"), by("search").select(), by("search").focus()),
		o: () => (part("orders"), page.orders.turn("orders"), by("order-rows").querySelector("tr")?.focus()),
		t: () => (part("orders"), page.orders.turn("trades")),
		f: () => (part("faults"), by("arm-name").focus()),
		p: () => page.pause(),
		"?": () => by("help").showModal(),
	};
	addEventListener("keydown", (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey || by("help").open)
			return;
		const typing = event.target.matches("input, select, textarea");
		if (event.key === "Escape")
			typing ? event.target.blur() : page.orders.opened && page.orders.close();
		else if (!typing && deeds[event.key]) {
			event.preventDefault();
			deeds[event.key]();
		}
	});
	by("pause").addEventListener("click", () => page.pause());
	by("keys").addEventListener("click", () => by("help").showModal());
	for (const button of by("parts").children)
		button.addEventListener("click", () => part(button.dataset.part));
	part("market");
}

get("about").then((about) => keys(new Page(about)), (error) => {
	by("live").textContent = error.message;
	by("live").className = "lost";
});
