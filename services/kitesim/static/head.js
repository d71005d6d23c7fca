// The clock, where the day stands, the indices, and whether what is shown is fresh.

import { by, el, keep, mark, say } from "./dom.js";
import { date, lasting, price, signed, time, trend } from "./format.js";

const LATE_MS = 1_500;

function chips(market) {
	const phases = new Map();
	for (const { segment, phase } of market.phases)
		phases.set(phase, [...(phases.get(phase) ?? []), segment]);
	const list = [...phases].map(([phase, segments]) => ({
		key: phase,
		cls: `chip ${phase}`,
		text: phases.size === 1 ? phase : `${phase}: ${segments.length > 2 ? `${segments.length} segments` : segments.join(", ")}`,
		title: segments.join(", "),
	}));
	if (market.halted)
		list.push({ key: "halted", cls: "chip halted", text: "halted", title: "by a fault" });
	if (market.ended)
		list.push({ key: "ended", cls: "chip closed", text: "day over", title: "Orders still meet what was quoted last" });
	else if (!market.running)
		list.push({ key: "stands", cls: "chip closed", text: "stands", title: "Nobody has started the market" });
	list.push({ key: "speed", cls: "chip", text: `${market.speed}×`, title: "Market seconds in a second" });
	if (market.lag_ms > LATE_MS * market.speed)
		list.push({ key: "late", cls: "chip late", text: `${lasting(market.lag_ms)} late`, title: "The market is behind its clock" });
	return list;
}

export function showHead(market) {
	say(by("clock"), time(market.clock_ms));
	say(by("date"), `${date(market.clock_ms)} IST`);
	keep(by("chips"), chips(market), (chip) => chip.key, () => el("span"), (node, chip) => {
		mark(node, chip.cls);
		say(node, chip.text);
		node.title = chip.title;
	});
}

export function showIndices(rows, names, choose) {
	const make = ([token]) => el("button", { type: "button", on: { click: () => choose(token) } },
		el("span"), el("b"), el("i"));
	keep(by("indices"), rows, (row) => row[0], make, (node, [token, last, close]) => {
		const [name, shown, change] = node.children;
		say(name, names.get(token).tradingsymbol);
		say(shown, price(last));
		say(change, `${signed((last - close) / close * 100)} %`);
		mark(change, trend(last - close));
	});
}

/** Old numbers look old. */
export function showLive(state, since) {
	const words = { live: "live", paused: "paused", lost: `no answer for ${lasting(Date.now() - since)}` };
	say(by("live"), words[state]);
	mark(by("live"), state);
	document.documentElement.classList.toggle("stale", state !== "live");
}
