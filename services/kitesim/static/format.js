// Numbers and times as a trader reads them. Times are India's, wherever the browser is.

const IST_MS = 19_800_000;
const rupees = new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const fine = new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2, maximumFractionDigits: 4 });
const whole = new Intl.NumberFormat("en-IN", { maximumFractionDigits: 0 });
const two = (number) => String(number).padStart(2, "0");

export const price = (value) => value ? fine.format(value) : "–";
export const money = (value) => rupees.format(value);
export const count = (value) => whole.format(value);

export function signed(value, digits = 2) {
	const text = Math.abs(value).toFixed(digits);
	return Number(text) === 0 ? text : (value > 0 ? "+" : "−") + text;
}

export function short(value) {
	const size = Math.abs(value);
	if (size >= 1e7)
		return `${(value / 1e7).toFixed(2)} cr`;
	return size >= 1e5 ? `${(value / 1e5).toFixed(2)} L` : whole.format(value);
}

export const trend = (value) => value > 0 ? "up" : value < 0 ? "down" : "flat";

function parts(ms) {
	return new Date(ms + IST_MS);
}

export function time(ms) {
	const at = parts(ms);
	return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

export const minute = (ms) => time(ms).slice(0, 5);
export const precise = (ms) => `${time(ms)}.${String(parts(ms).getUTCMilliseconds()).padStart(3, "0")}`;

export function date(ms) {
	return parts(ms).toLocaleDateString("en-GB", {
		weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC",
	});
}

export function lasting(ms) {
	if (ms < 1_000)
		return `${Math.round(ms)} ms`;
	return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}
