// Elements, and tables that change in place: a row keeps its element, its focus and its place on the screen.

export const by = (id) => document.getElementById(id);

/** An element. Text is always text: nothing that comes from a client is ever read as HTML. */
export function el(tag, given = {}, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(given)) {
		if (name === "on")
			for (const [event, deed] of Object.entries(value))
				node.addEventListener(event, deed);
		else if (value !== null && value !== undefined && value !== false)
			node.setAttribute(name === "cls" ? "class" : name, value === true ? "" : value);
	}
	node.append(...children.filter((child) => child !== null && child !== undefined));
	return node;
}

/** Sets a text where it differs. */
export function say(node, text) {
	const said = String(text);
	if (node.textContent !== said)
		node.textContent = said;
}

export function mark(node, cls) {
	if (node.className !== cls)
		node.className = cls;
}

/**
 * Makes the children of a parent those of the items, in their order.
 * make(item) gives a new element, fill(element, item) brings one up to date.
 */
export function keep(parent, items, key, make, fill) {
	const known = new Map([...parent.children].map((node) => [node.dataset.key, node]));
	let next = parent.firstElementChild;
	for (const item of items) {
		const name = String(key(item));
		let node = known.get(name);
		if (!node) {
			node = make(item);
			node.dataset.key = name;
		}
		known.delete(name);
		if (node === next)
			next = next.nextElementSibling;
		else
			parent.insertBefore(node, next);
		fill(node, item);
	}
	for (const node of known.values())
		node.remove();
}

/** A row of so many cells; with a deed it can be chosen by mouse and keyboard. */
export function row(classes, chosen = null) {
	const line = el("tr", chosen ? { tabindex: "0", "aria-selected": "false" } : {});
	for (const cls of classes)
		line.append(el("td", { cls: cls || null }));
	if (chosen) {
		line.addEventListener("click", () => chosen(line.dataset.key));
		line.addEventListener("keydown", (event) => {
			if (event.key !== "Enter" && event.key !== " ")
				return;
			event.preventDefault();
			chosen(line.dataset.key);
		});
	}
	return line;
}

/** Arrow keys go from row to row of a table. */
export function walk(body) {
	body.addEventListener("keydown", (event) => {
		const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
		let line = step && event.target.closest("tr")?.[step];
		while (line && line.tabIndex < 0)
			line = line[step];
		if (line) {
			event.preventDefault();
			line.focus();
		}
	});
}
