// Who listens, what is asked, what was refused.

import { by, el, keep, row, say } from "./dom.js";
import { count, lasting, time } from "./format.js";

const ROUTES_MAX = 12, REFUSED_MAX = 20;

export function showSockets(sockets) {
	const sums = [`${sockets.open.length} open`, `${count(sockets.frames)} frames`];
	if (sockets.conflated)
		sums.push(`${count(sockets.conflated)} skipped`);
	if (sockets.dropped)
		sums.push(`${count(sockets.dropped)} dropped`);
	say(by("sockets-count"), sums.join(", "));
	const lines = sockets.open.map((one, index) => ({ ...one, key: index }));
	keep(by("sockets"), lines, (one) => one.key, () => row(["", "", "n", "n", "n"]), (node, one) => {
		const modes = Object.entries(one.modes).map(([mode, many]) => `${count(many)} ${mode}`);
		const texts = [`${one.api_key} · ${one.user}`, modes.join(", ") || "none", one.waiting, lasting(one.behind_ms), count(one.conflated)];
		texts.forEach((text, index) => say(node.children[index], text));
	});
}

export function showRequests(requests) {
	const sum = requests.routes.reduce((all, [, , many]) => all + many, 0);
	const wrong = requests.statuses.map(([status, many]) => `${count(many)} × ${status}`);
	say(by("requests-count"), [`${count(sum)}`, ...wrong].join(", "));
	const routes = requests.routes.slice(0, ROUTES_MAX);
	keep(by("requests"), routes, ([method, path]) => `${method} ${path}`, () => row(["dim", "path", "n"]), (node, texts) =>
		texts.forEach((text, index) => say(node.children[index], index === 2 ? count(text) : text)));
	const refused = requests.refused.slice(0, REFUSED_MAX);
	const lines = refused.map((one, index) => ({ ...one, key: `${refused.length - index} ${one.at_ms} ${one.path}` }));
	keep(by("refused"), lines, (one) => one.key, (one) => el("li", { title: one.api_key },
		el("time", {}, time(one.at_ms)), el("b", {}, String(one.status)), el("span", {}, `${one.method} ${one.path}`),
		el("small", {}, one.why)), () => {});
}
