// Debian's Chromium, driven by playwright-core: never a browser of npm's.
"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");

const QUIET = [
	"--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
	"--disable-sync",
];

const WAIT_MS = 120_000; // for a condition, on a machine that is busy with other things

/** Runs a visit with a fresh profile; `rules` map host names, as a hostile name server would. */
async function browse(executable, rules, visit) {
	const profile = fs.mkdtempSync(path.join(os.tmpdir(), "kitev3-browser-"));
	// Chromium's own sandbox does not start for root.
	const root = process.getuid() === 0 ? ["--no-sandbox"] : [];
	const context = await chromium.launchPersistentContext(profile, {
		executablePath: executable,
		headless: true,
		viewport: { width: 1280, height: 800 },
		args: [...QUIET, ...root, `--host-resolver-rules=${rules}`],
	});
	context.setDefaultTimeout(WAIT_MS);
	try {
		return await visit(context);
	} finally {
		await context.close();
		fs.rmSync(profile, { recursive: true, force: true });
	}
}

/** What a page complains of: errors, and what its policy forbade. */
function complaints(page) {
	const found = [];
	page.on("console", (message) => {
		if (["error", "warning"].includes(message.type()))
			found.push(message.text());
	});
	page.on("pageerror", (error) => found.push(error.message));
	page.on("requestfailed", (request) => {
		// The last readings of a page that is left are given up.
		if (request.failure()?.errorText !== "net::ERR_ABORTED")
			found.push(`${request.url()} ${request.failure()?.errorText}`);
	});
	return found;
}

module.exports = { browse, complaints, WAIT_MS };
