// The day as a line of minutes with their ranges, volume below, own orders across it.

import { count, minute, price } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 216, RIGHT = 68, BOTTOM = 18, TOP = 8, VOLUME = 38, LABEL = 66;
const STEPS = [1, 2, 2.5, 5, 10];

function shape(tag, given) {
	const node = document.createElementNS(SVG, tag);
	for (const [name, value] of Object.entries(given))
		node.setAttribute(name, value);
	return node;
}

function label(x, y, text, cls, anchor = "start") {
	const node = shape("text", { x, y, class: cls, "text-anchor": anchor });
	node.textContent = text;
	return node;
}

/** About four round values within a span. */
function grid(low, high) {
	const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
	const step = STEPS.map((one) => one * power).find((one) => one >= rough);
	const values = [];
	for (let value = Math.ceil(low / step) * step; value <= high; value += step)
		values.push(value);
	return values;
}

export class Chart {
	constructor(parent, says) {
		this.parent = parent;
		this.says = says;
		this.drawn = null;
		new ResizeObserver(() => this.drawn && this.draw(this.drawn)).observe(parent);
		parent.addEventListener("pointermove", (event) => this.point(event));
		parent.addEventListener("pointerleave", () => this.leave());
	}

	/** given: {minutes: [[ms, open, high, low, close, volume]], close, own: [{side, price, trigger}]} */
	draw(given) {
		this.drawn = given;
		const { minutes } = given, width = this.parent.clientWidth;
		if (!minutes.length || width < 120) {
			this.parent.replaceChildren();
			this.says.textContent = minutes.length ? "" : "Nothing was printed yet today.";
			return;
		}
		const spread = this.scales(minutes, given.close, width);
		const svg = shape("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
		svg.append(...this.axes(minutes, spread), ...this.lines(minutes), ...this.marks(given, spread));
		this.cross = shape("path", { class: "cross", d: "" });
		svg.append(this.cross);
		this.parent.replaceChildren(svg);
		if (!this.at)
			this.tell(minutes.length - 1);
	}

	scales(minutes, close, width) {
		const prices = minutes.flatMap((row) => [row[2], row[3]]);
		let low = Math.min(...prices), high = Math.max(...prices);
		// Yesterday's close is shown where it does not squeeze the day.
		if (close && close > low - (high - low) && close < high + (high - low)) {
			low = Math.min(low, close);
			high = Math.max(high, close);
		}
		const room = (high - low) * 0.06 || high * 0.001;
		low -= room;
		high += room;
		const floor = HEIGHT - BOTTOM - VOLUME, right = width - RIGHT, last = Math.max(1, minutes.length - 1);
		this.x = (index) => index / last * right;
		this.y = (value) => TOP + (high - value) / (high - low) * (floor - TOP);
		return { low, high, right, width };
	}

	axes(minutes, { low, high, right, width }) {
		const nodes = [], last = minutes[minutes.length - 1][4];
		for (const value of grid(low, high)) {
			const y = Math.round(this.y(value)) + 0.5;
			nodes.push(shape("path", { class: "grid", d: `M0 ${y}H${right}` }));
			if (Math.abs(y - this.y(last)) > 14)
				nodes.push(label(right + 6, y + 4, price(value), "axis"));
		}
		const every = [1, 5, 15, 30, 60, 120, 240].find((step) => minutes.length / step * LABEL < width) ?? 480;
		minutes.forEach((row, index) => {
			if ((row[0] / 60_000 + 330) % every !== 0)
				return;
			const x = this.x(index);
			nodes.push(shape("path", { class: "grid", d: `M${x} ${TOP}V${HEIGHT - BOTTOM}` }));
			if (x > 16 && x < right - 16)
				nodes.push(label(x, HEIGHT - 5, minute(row[0]), "axis", "middle"));
		});
		return nodes;
	}

	lines(minutes) {
		const busiest = Math.max(...minutes.map((row) => row[5]));
		const at = (index) => this.x(index).toFixed(1), to = (value) => this.y(value).toFixed(1);
		const foot = HEIGHT - BOTTOM;
		const ranges = minutes.map((row, index) => `M${at(index)} ${to(row[2])}V${to(row[3])}`).join("");
		const closes = minutes.map((row, index) => `${index ? "L" : "M"}${at(index)} ${to(row[4])}`).join("");
		const volumes = busiest && minutes.map((row, index) =>
			`M${at(index)} ${foot}v${(-row[5] / busiest * (VOLUME - 6)).toFixed(1)}`).join("");
		const thick = Math.max(1, this.x(1) * 0.6 || 1).toFixed(1);
		return [
			...(busiest ? [shape("path", { class: "volume", d: volumes, "stroke-width": thick })] : []),
			shape("path", { class: "range", d: ranges, "stroke-width": thick }),
			shape("path", { class: "line", d: closes }),
		];
	}

	marks({ close, own, minutes }, { low, high, right }) {
		const nodes = [];
		const across = (value, cls, text) => {
			if (value <= low || value >= high)
				return;
			const y = Math.round(this.y(value)) + 0.5;
			nodes.push(shape("path", { class: cls, d: `M0 ${y}H${right}` }));
			if (text)
				nodes.push(label(4, y - 3, text, `${cls} words`));
		};
		across(close, "close", "yesterday");
		for (const order of own)
			across(order.price || order.trigger, `own ${order.side.toLowerCase()}`, `${order.side} ${order.pending}`);
		const last = minutes[minutes.length - 1][4], y = this.y(last);
		const tag = `M${right} ${y}l5 -8H${right + RIGHT}v16H${right + 5}z`;
		nodes.push(shape("path", { class: "tag", d: tag }), label(right + 6, y + 4, price(last), "tag words"));
		return nodes;
	}

	point(event) {
		const minutes = this.drawn?.minutes;
		if (!minutes?.length || !this.cross)
			return;
		const inside = event.clientX - this.parent.getBoundingClientRect().left;
		const share = inside / (this.parent.clientWidth - RIGHT);
		const index = Math.max(0, Math.min(minutes.length - 1, Math.round(share * (minutes.length - 1))));
		this.at = true;
		this.cross.setAttribute("d", `M${this.x(index)} ${TOP}V${HEIGHT - BOTTOM}`);
		this.tell(index);
	}

	leave() {
		this.at = false;
		this.cross?.setAttribute("d", "");
		if (this.drawn?.minutes.length)
			this.tell(this.drawn.minutes.length - 1);
	}

	tell(index) {
		const [ms, open, high, low, close, volume] = this.drawn.minutes[index];
		this.says.textContent = `${minute(ms)}  O ${price(open)}  H ${price(high)}  L ${price(low)}  C ${price(close)}`
			+ (volume ? `  V ${count(volume)}` : "");
	}
}
