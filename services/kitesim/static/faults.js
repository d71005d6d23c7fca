// Which faults are armed and how often they happened; arming one with its parameters, disarming.

import { post, remove } from "./api.js";
import { by, el, keep, say } from "./dom.js";
import { time } from "./format.js";

const GROUPS = { request: "Requests and orders", frame: "Sockets", cut: "The market", postback: "Postbacks" };
const COUNTS = ["id", "name", "seen", "happened"];
const HAPPENED_MAX = 12;

export class Faults {
	constructor(about, chooseOrder, refresh) {
		this.about = about;
		this.chooseOrder = chooseOrder;
		this.refresh = refresh;
		this.changes = 0; // made here: an answer from before one shows what is no more
		this.kinds = new Map(about.catalogue.map((kind) => [kind.name, kind]));
		by("arm").hidden = !about.switchable;
		if (!about.switchable) {
			by("faults-off").hidden = false;
			by("faults-off").append(...(about.on ? fixed() : off()));
			return;
		}
		this.offer();
		by("arm-name").addEventListener("change", () => this.describe());
		by("arm").addEventListener("submit", (event) => this.arm(event));
		by("disarm-all").addEventListener("click", () => this.disarm(""));
	}

	offer() {
		for (const [to, caption] of Object.entries(GROUPS)) {
			const kinds = this.about.catalogue.filter((kind) => kind.to[0] === to);
			by("arm-name").append(el("optgroup", { label: caption }, ...kinds.map((kind) => el("option", {}, kind.name))));
		}
		this.describe();
	}

	describe() {
		const kind = this.kinds.get(by("arm-name").value);
		say(by("arm-sees"), kind.sees);
		say(by("arm-says"), "");
		const own = Object.entries(kind.parameters).filter(([name]) => name !== "where");
		const common = ["probability", "count", "after"];
		own.sort(([one], [other]) => common.includes(one) - common.includes(other));
		const where = kind.selects.map((name) => field(`where.${name}`, {
			type: "str", default: kind.usually[name] ?? "", says: `only ${name}: a pattern with * and ?`,
		}));
		by("arm-fields").replaceChildren(...own.map(([name, one]) => field(name, one)), ...where);
	}

	async arm(event) {
		event.preventDefault();
		const fault = { name: by("arm-name").value }, where = {};
		for (const input of by("arm-fields").querySelectorAll("input, select")) {
			const text = input.type === "checkbox" ? (input.checked ? "1" : "") : input.value.trim();
			if (!text)
				continue;
			const [name, selector] = input.name.split(".");
			const value = input.type === "checkbox" ? true : input.type === "number" ? Number(text) : text;
			if (selector)
				where[selector] = value;
			else
				fault[name] = value;
		}
		if (Object.keys(where).length)
			fault.where = where;
		await this.do(() => post("faults", fault), `${fault.name} is armed.`);
	}

	disarm(id) {
		return this.do(() => remove(id === "" ? "faults" : `faults/${id}`), "Disarmed.");
	}

	async do(deed, done) {
		try {
			await deed();
			say(by("arm-says"), done);
			by("arm-says").className = "";
		} catch (error) {
			say(by("arm-says"), error.message);
			by("arm-says").className = "bad";
		}
		this.changes++;
		this.refresh();
	}

	show({ active, happened }) {
		say(by("faults-count"), active.length ? `${active.length} armed` : "");
		by("disarm-all").hidden = !this.about.switchable || active.length < 2;
		keep(by("armed"), active, (one) => one.id, (one) => this.armed(one), (node, one) => {
			say(node.querySelector(".times"), `happened ${one.happened} of ${one.seen}`);
		});
		by("happened-title").hidden = !happened.length;
		const lines = happened.slice(0, HAPPENED_MAX).map((one, index) => ({ ...one, key: `${happened.length - index} ${one.at_ms} ${one.name}` }));
		keep(by("happened"), lines, (one) => one.key, (one) => this.happening(one), () => {});
	}

	armed(one) {
		const kind = this.kinds.get(one.name);
		const differs = Object.entries(one).filter(([name, value]) =>
			!COUNTS.includes(name) && name !== "where" && String(value) !== String(kind.parameters[name]?.default));
		const where = Object.entries(one.where ?? {}).map(([name, text]) => `${name} ${text}`);
		const words = [...differs.map(([name, value]) => `${name} ${value}`), ...where].join(" · ");
		const button = this.about.switchable
			? el("button", { type: "button", "aria-label": `Disarm ${one.name}`, on: { click: () => this.disarm(one.id) } }, "Disarm")
			: null;
		return el("li", { title: kind.sees }, el("div", {}, el("b", {}, one.name), el("small", { cls: "times" })), button,
			words ? el("small", { cls: "words" }, words) : null);
	}

	happening(one) {
		const order = one.order
			? el("button", { type: "button", cls: "link", on: { click: () => this.chooseOrder(one.order) } }, "order")
			: null;
		const what = (one.what || one.kind).replace(one.order ? `/${one.order}` : "", "");
		return el("li", { title: one.order }, el("time", {}, time(one.at_ms)), el("b", {}, one.name), el("span", {}, what), order);
	}
}

function field(name, { type, default: usual, says }) {
	const words = type.includes(" or ") ? type.split(" or ") : null;
	const shown = usual === null || typeof usual === "object" ? "" : String(usual);
	const input = words
		? el("select", { name }, ...words.map((word) => el("option", word === usual ? { selected: true } : {}, word)))
		: type === "bool"
			? el("input", { name, type: "checkbox" })
			: el("input", type === "int" || type === "float"
				? { name, type: "number", step: "any", placeholder: shown }
				: { name, type: "text", placeholder: shown, spellcheck: "false" });
	return el("label", { title: says, cls: name.startsWith("where.") || type === "str" ? "long" : null },
		el("span", {}, name.replace("where.", "only ")), input);
}

function off() {
	return ["Nothing stands between the clients and the exchange, so it cannot lie. Start it with ",
		el("code", {}, "--admin 127.0.0.1:8788"), " and faults are switched here, and by programs at that address."];
}

function fixed() {
	return ["Those of the beginning stay as they are. Started with ", el("code", {}, "--admin 127.0.0.1:8788"),
		", faults are switched here too."];
}
