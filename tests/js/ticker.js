// The official JavaScript ticker, unmodified; prints each of its callbacks as a line of JSON.
// argv: {"feed", "api_key", "access_token", "modes": {"full": [408065]}}
"use strict";

const { KiteTicker } = require("kiteconnect");

const given = JSON.parse(process.argv[2]);
const ticker = new KiteTicker({ api_key: given.api_key, access_token: given.access_token, root: given.feed });

function say(call, what) {
	process.stdout.write(JSON.stringify({ call, ...what }) + "\n");
}

ticker.autoReconnect(false);
ticker.on("connect", () => {
	say("connect", {});
	for (const [mode, tokens] of Object.entries(given.modes)) {
		ticker.subscribe(tokens);
		ticker.setMode(mode, tokens);
	}
});
ticker.on("ticks", (ticks) => say("ticks", { ticks }));
ticker.on("order_update", (data) => say("order", { data }));
ticker.on("message", (payload) => say("message", { bytes: payload.byteLength }));
ticker.connect();
