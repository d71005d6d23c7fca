// What the exchange is asked. Every answer is JSON; a refusal is an Error with its words.

async function ask(path, options = {}) {
	const response = await fetch(`api/${path}`, { cache: "no-store", ...options });
	const said = await response.json();
	if (!response.ok)
		throw new Error(said.error ?? `HTTP ${response.status}`);
	return said;
}

export const get = (path) => ask(path);
export const remove = (path) => ask(path, { method: "DELETE" });
export const post = (path, body) =>
	ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
