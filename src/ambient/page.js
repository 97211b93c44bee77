"use strict";
(() => {
	const all = (selector, root = document) => [...root.querySelectorAll(selector)];
	const make = (name, text, parent) => {
		const e = document.createElement(name);

		if (text !== undefined)
			e.textContent = text;
		if (parent)
			parent.append(e);
		return e;
	};

	/* ---- what is linked to is open ---- */

	const open = () => {
		const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));

		for (let e = target; e; e = e.parentElement)
			if (e instanceof HTMLDetailsElement)
				e.open = true;
		if (target)
			target.scrollIntoView();
	};

	addEventListener("hashchange", open);

	/* ---- on paper everything is open ---- */

	let closed = [];

	addEventListener("beforeprint", () => {
		closed = all("details:not([open])");
		closed.forEach(e => e.open = true);
	});
	addEventListener("afterprint", () => closed.forEach(e => e.open = false));

	/* ---- sorting ---- */

	const key = (row, i) => {
		const cell = row.cells[i];

		return cell ? cell.dataset.sort ?? cell.textContent.trim() : "";
	};
	const compare = new Intl.Collator("en", { numeric: true }).compare;

	const sort = (table, th, i) => {
		const down = th.getAttribute("aria-sort") === "ascending";
		const rows = all("tbody > tr", table).map(row => [key(row, i), row]);
		const numbers = rows.every(([k]) => k !== "" && !isNaN(k));

		rows.sort(([a], [b]) => (down ? -1 : 1) * (numbers ? a - b : compare(a, b)));
		all("th[aria-sort]", table.tHead).forEach(e => e.removeAttribute("aria-sort"));
		th.setAttribute("aria-sort", down ? "descending" : "ascending");
		table.tBodies[0].append(...rows.map(([, row]) => row));
	};

	for (const table of all("table"))
		all("thead th", table).forEach((th, i) => {
			const button = make("button");

			button.type = "button";
			button.append(...th.childNodes);
			th.append(button);
			button.addEventListener("click", () => sort(table, th, i));
		});

	/* ---- the filter: by name and by standing of a namespace ---- */

	const filters = document.getElementById("filters");
	const text = document.getElementById("filter");
	const standing = document.getElementById("standing");
	const subjects = all("[data-ns]");
	const rows = all(".namespaces tbody tr");

	/* Namespaces of one environment are not those of another; phases are about all of them. */
	const home = e => e.closest(".environment")?.id + "\n";
	const standings = new Map();

	for (const row of rows)
		for (const id of [home(row), home(document.body)])
			standings.set(id + row.dataset.ns, [...standings.get(id + row.dataset.ns) ?? [], row.dataset.standing]);

	const names = e => e.dataset.to === undefined ? e.dataset.ns.split(" ") : [e.dataset.ns, e.dataset.to];
	const fits = (e, wanted, state) => names(e).some(name => name.toLowerCase().includes(wanted) &&
		(!state || standings.get(home(e) + name)?.includes(state)));

	const filter = () => {
		const wanted = text.value.trim().toLowerCase(), state = standing.value;

		for (const e of subjects) {
			const fit = fits(e, wanted, state);

			if (e instanceof SVGElement)
				e.classList.toggle("dim", !fit);
			else
				e.hidden = !fit;
		}
		for (const e of all(".environment"))
			shade(e);
		for (const e of all(".drawing"))
			e.graph?.frame();
		document.getElementById("shown").textContent =
			`${rows.filter(r => !r.hidden).length} of ${rows.length}`;
	};

	/* An edge is as visible as the two that it joins. */
	const shade = environment => {
		const nodes = new Map(all(".node", environment).map(n => [n.dataset.i, n]));

		for (const e of all(".edge", environment))
			e.classList.toggle("dim", nodes.get(e.dataset.a).classList.contains("dim") &&
				nodes.get(e.dataset.b).classList.contains("dim"));
	};

	let pending = 0;
	const soon = () => {
		cancelAnimationFrame(pending);
		pending = requestAnimationFrame(filter);
	};

	text.addEventListener("input", soon);
	standing.addEventListener("change", soon);
	filters.addEventListener("submit", e => e.preventDefault());
	filters.hidden = false;
	filter();

	/* ---- the graph ---- */

	const WIDTH = 168, HEIGHT = 26;

	/* As in html_graph.c. */
	const path = ([ax, y1], [bx, y2]) => {
		const ay = y1 + HEIGHT / 2, by = y2 + HEIGHT / 2;

		if (bx > ax) {
			const d = Math.max(24, (bx - ax - WIDTH) / 2);

			return `M${ax + WIDTH} ${ay}C${ax + WIDTH + d} ${ay} ${bx - d} ${by} ${bx} ${by}`;
		}
		if (bx === ax)
			return `M${ax + WIDTH} ${ay}C${ax + WIDTH + 32} ${ay} ${bx + WIDTH + 32} ${by} ${bx + WIDTH} ${by}`;

		const d = Math.max(24, (ax - bx - WIDTH) / 2);

		return `M${ax} ${ay}C${ax - d} ${ay} ${bx + WIDTH + d} ${by} ${bx + WIDTH} ${by}`;
	};

	/* A list of nodes as columns that grow away from x. */
	const column = (nodes, x, step, places) => {
		const rows = Math.max(12, Math.ceil(Math.sqrt(nodes.length) * 2));
		const high = Math.min(rows, nodes.length);

		nodes.forEach((n, i) => places.set(n, [x + step * Math.floor(i / rows), (i % rows - (high - 1) / 2) * 36]));
	};

	/* The box of nodes at these places. */
	const around = places => {
		const xs = places.map(p => p[0]), ys = places.map(p => p[1]);
		const x = Math.min(...xs), y = Math.min(...ys);

		return [x - 20, y - 20, Math.max(...xs) - x + WIDTH + 40, Math.max(...ys) - y + HEIGHT + 40];
	};

	class Graph {
		constructor(figure) {
			this.figure = figure;
			this.canvas = figure.querySelector(".canvas");
			this.svg = figure.querySelector("svg");
			this.tools = figure.querySelector(".tools");
			this.panel = figure.querySelector(".panel");
			this.nodes = all(".node", this.svg);
			this.edges = all(".edge", this.svg);
			this.byNumber = new Map(this.nodes.map(n => [n.dataset.i, n]));
			this.home = new Map(this.nodes.map(n => {
				const m = n.transform.baseVal[0].matrix;

				return [n, [m.e, m.f]];
			}));
			const box = this.svg.viewBox.baseVal;

			this.whole = [box.x, box.y, box.width, box.height];
			this.calls = new Map();
			for (const row of all("tr.call", figure.closest(".environment"))) {
				const id = row.dataset.ns + "\n" + row.dataset.to;

				this.calls.set(id, [...this.calls.get(id) ?? [], row]);
			}
			this.canvas.classList.add("live");
			this.canvas.style.height = `${Math.min(Math.max(box.height + 20, 220), innerHeight * .68)}px`;
			this.toolbar();
			this.listen();
			this.shown = this.nodes.length;
			this.begin();
		}

		/* All of it, or as much from the left as leaves names that can be read. */
		begin() {
			const r = this.canvas.getBoundingClientRect(), [x, y, w, h] = this.whole;
			const readable = .7;

			this.fit();
			if (this.scale < readable)
				this.look([x, y, r.width / readable, r.height / readable]);
		}

		/* -- tools -- */

		button(label, title, act) {
			const b = make("button", label, this.tools);

			b.type = "button";
			b.title = title;
			b.setAttribute("aria-label", title);
			b.addEventListener("click", act);
		}

		toolbar() {
			this.button("−", "Zoom out", () => this.zoom(1.3));
			this.button("+", "Zoom in", () => this.zoom(1 / 1.3));
			this.button("Fit", "Show the whole graph", () => this.fit());
			const label = make("label", undefined, this.tools);

			this.only = make("input", undefined, label);
			this.only.type = "checkbox";
			label.append(" neighbours only");
			this.only.addEventListener("change", () => this.arrange());
			this.button("Clear", "Choose nothing", () => this.choose(null));
			make("span", "choose a namespace or an arrow · drag to move · Ctrl and wheel to zoom", this.tools)
				.className = "hint";
			this.tools.hidden = false;
		}

		listen() {
			const c = this.canvas;
			let from = null, moved = 0;

			c.addEventListener("pointerdown", e => {
				if (e.button)
					return;
				from = [e.clientX, e.clientY];
				moved = 0;
			});
			addEventListener("pointermove", e => {
				if (!from)
					return;
				const dx = e.clientX - from[0], dy = e.clientY - from[1];

				moved += Math.abs(dx) + Math.abs(dy);
				if (moved > 4)
					c.classList.add("moving");
				this.shift(-dx, -dy);
				from = [e.clientX, e.clientY];
			});
			addEventListener("pointerup", () => {
				from = null;
				c.classList.remove("moving");
			});
			addEventListener("pointercancel", () => from = null);
			c.addEventListener("dragstart", e => e.preventDefault());
			c.addEventListener("wheel", e => {
				if (!e.ctrlKey && !e.metaKey)
					return;
				e.preventDefault();
				this.zoom(Math.exp(e.deltaY / 300), e);
			}, { passive: false });
			c.addEventListener("click", e => {
				const hit = e.target.closest(".node, .edge");

				if (hit)
					e.preventDefault();
				if (moved <= 4)
					this.choose(hit);
			});
			this.svg.addEventListener("focusin", e => this.show(e.target.closest(".node")));
			this.figure.addEventListener("keydown", e => this.press(e));
			addEventListener("resize", () => this.look());
		}

		press(e) {
			const far = 80, keys = {
				"+": () => this.zoom(1 / 1.3), "=": () => this.zoom(1 / 1.3), "-": () => this.zoom(1.3),
				"0": () => this.fit(), "Escape": () => this.choose(null),
				"ArrowLeft": () => this.shift(-far, 0), "ArrowRight": () => this.shift(far, 0),
				"ArrowUp": () => this.shift(0, -far), "ArrowDown": () => this.shift(0, far),
			};

			if (!keys[e.key] || e.ctrlKey || e.metaKey || e.altKey || this.panel.contains(e.target))
				return;
			e.preventDefault();
			keys[e.key]();
		}

		/* -- the part that is seen: [x, y, width, height] in units of the graph -- */

		look(view = this.view ?? this.whole) {
			const r = this.canvas.getBoundingClientRect();

			/* Not while it has no size, as when it is not displayed. */
			if (!r.width || !r.height)
				return;
			this.view = view;
			this.svg.setAttribute("viewBox", view.map(v => v.toFixed(1)).join(" "));
			this.scale = Math.min(r.width / view[2], r.height / view[3]);
			this.svg.classList.toggle("far", this.scale < .5);
		}

		/* The smallest part of the shape of the canvas that shows a box, but not larger than life. */
		fit([x, y, w, h] = this.bounds ?? this.whole) {
			const r = this.canvas.getBoundingClientRect();
			const scale = Math.min(1, r.width / w, r.height / h) || 1;
			const vw = r.width / scale, vh = r.height / scale;

			this.look([x + (w - vw) / 2, y + (h - vh) / 2, vw, vh]);
		}

		/* Those that the filter leaves; all of them again when it leaves all. */
		frame() {
			const left = this.nodes.filter(n => !n.classList.contains("dim"));

			if (this.places || left.length === this.shown)
				return;
			this.shown = left.length;
			if (left.length && left.length < this.nodes.length)
				this.fit(around(left.map(n => this.home.get(n))));
			else
				this.begin();
		}

		shift(dx, dy) {
			if (!this.view)
				return;
			const [x, y, w, h] = this.view;

			this.look([x + dx / this.scale, y + dy / this.scale, w, h]);
		}

		zoom(by, at) {
			if (!this.view)
				return;
			const r = this.canvas.getBoundingClientRect(), [x, y, w, h] = this.view;
			const fx = at ? (at.clientX - r.left) / r.width : .5, fy = at ? (at.clientY - r.top) / r.height : .5;
			const to = Math.min(Math.max(this.scale / by, .05), 4), k = this.scale / to;

			this.look([x + w * fx * (1 - k), y + h * fy * (1 - k), w * k, h * k]);
		}

		/* Bring a node that has the focus into sight. */
		show(node) {
			if (!node || !this.view)
				return;
			const [x, y] = this.place(node), [vx, vy, w, h] = this.view;

			if (x < vx || y < vy || x + WIDTH > vx + w || y + HEIGHT > vy + h)
				this.look([x + WIDTH / 2 - w / 2, y + HEIGHT / 2 - h / 2, w, h]);
		}

		/* -- choosing -- */

		ends(edge) {
			return [this.byNumber.get(edge.dataset.a), this.byNumber.get(edge.dataset.b)];
		}

		choose(what) {
			for (const e of all(".chosen, .near", this.svg))
				e.classList.remove("chosen", "near");
			this.chosen = what;
			this.svg.classList.toggle("choosing", !!what);
			if (what) {
				what.classList.add("chosen", "near");
				this.near(what).forEach(e => e.classList.add("near"));
			}
			this.tell();
			this.arrange();
		}

		near(what) {
			if (what.matches(".edge"))
				return this.ends(what);
			return this.edges.filter(e => this.ends(e).includes(what)).flatMap(e => [e, ...this.ends(e)]);
		}

		place(node) {
			return this.places?.get(node) ?? this.home.get(node);
		}

		/* Neighbours only: callers to the left, callees to the right. */
		arrange() {
			const node = this.only.checked && this.chosen?.matches(".node") ? this.chosen : null;

			if (!node && !this.places)
				return;
			this.places = null;
			if (node) {
				const callers = this.edges.filter(e => this.ends(e)[1] === node).map(e => this.ends(e)[0]);
				const callees = this.edges.filter(e => this.ends(e)[0] === node).map(e => this.ends(e)[1])
					.filter(n => !callers.includes(n));

				this.places = new Map([[node, [0, 0]]]);
				column(callers, -WIDTH - 120, -WIDTH - 30, this.places);
				column(callees, WIDTH + 120, WIDTH + 30, this.places);
			}
			this.svg.classList.toggle("ego", !!node);
			this.draw();
		}

		draw() {
			for (const n of this.nodes)
				n.setAttribute("transform", `translate(${this.place(n).join(" ")})`);
			for (const e of this.edges)
				e.setAttribute("d", path(...this.ends(e).map(n => this.place(n))));
			this.bounds = this.places && around([...this.places.values()]);
			this.fit();
		}

		/* -- telling -- */

		tell() {
			const what = this.chosen;

			this.panel.replaceChildren();
			this.panel.hidden = !what;
			if (!what)
				return;
			if (what.matches(".edge"))
				this.tellCall(...this.ends(what));
			else
				this.tellNode(what);
		}

		tellNode(node) {
			const p = make("p", undefined, this.panel);

			make("b", node.dataset.ns, p);
			p.append(node.dataset.standing ? ` ${node.dataset.standing} · ` : " not in the tree");
			if (node.dataset.standing) {
				const a = make("a", "details", p);

				a.href = node.getAttribute("href");
			}
			this.tellList("called by", this.edges.filter(e => this.ends(e)[1] === node), 0);
			this.tellList("calls", this.edges.filter(e => this.ends(e)[0] === node), 1);
		}

		tellList(title, edges, end) {
			const p = make("p", `${title} ${edges.length ? "" : "nobody that the tree shows"}`, this.panel);

			for (const e of edges) {
				const b = make("button", this.ends(e)[end].dataset.ns, p);

				b.type = "button";
				b.title = "the evidence";
				b.addEventListener("click", () => this.choose(e));
			}
		}

		tellCall(a, b) {
			const p = make("p", undefined, this.panel);

			for (const [i, n] of [a, b].entries()) {
				const button = make("button", n.dataset.ns, p);

				button.type = "button";
				button.addEventListener("click", () => this.choose(n));
				if (!i)
					p.append(" calls ");
			}
			for (const row of this.calls.get(a.dataset.ns + "\n" + b.dataset.ns) ?? []) {
				const line = make("p", undefined, this.panel);

				line.append(`${row.cells[3].textContent}: `);
				line.append(...[...row.cells[4].childNodes].map(n => n.nodeName === "BR" ? " " : n.cloneNode(true)));
			}
		}
	}

	for (const figure of all(".drawing"))
		figure.graph = new Graph(figure);
	open();
})();
