"use strict";
// One script for all reports: it sorts, folds and filters the tables, draws the treemap, and shows formulas.

const formulas = JSON.parse(document.getElementById("formulas").textContent);

function element(name, attributes = {}, text = "") {
  const made = name === "svg" || ["g", "rect", "text", "title"].includes(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

class View {
  constructor(section) {
    this.table = section.querySelector("table");
    this.body = this.table.tBodies[0];
    this.tools = section.querySelector(".tools");
    this.root = { children: [], row: null };
    this.fixed = [];
    const open = [this.root];
    [...this.body.rows].forEach((row, place) => {
      if (row.classList.contains("total") || row.classList.contains("rest")) return this.fixed.push(row);
      const level = Number(row.dataset.level || 0);
      const node = { row, place, children: [], folded: false, parent: null, text: `${row.dataset.name || ""} ${row.textContent}`.toLowerCase() };
      open.length = Math.min(open.length, level + 1);
      node.parent = open[open.length - 1];
      node.parent.children.push(node);
      open.push(node);
    });
    this.wanted = "";
    this.sorted = null;
    this.addFolds(this.root);
    this.addSorting();
    this.addTools();
  }

  each(visit, node = this.root) {
    for (const child of node.children) { visit(child); this.each(visit, child); }
  }

  addFolds() {
    this.each((node) => {
      if (!node.children.length) return;
      const name = node.row.cells[0];
      node.button = element("button", { class: "fold", "aria-expanded": "true", "aria-label": `Fold ${name.textContent}` });
      node.button.addEventListener("click", () => { node.folded = !node.folded; this.show(); });
      name.prepend(node.button);
    });
  }

  addSorting() {
    [...this.table.tHead.rows[0].cells].forEach((head, column) => {
      head.querySelector("button")?.addEventListener("click", () => this.sort(head, column));
    });
  }

  sort(head, column) {
    const number = head.classList.contains("n");
    const next = { none: number ? "descending" : "ascending", descending: number ? "ascending" : "none", ascending: number ? "none" : "descending" };
    const order = next[head.getAttribute("aria-sort") || "none"];
    for (const other of this.table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    if (order !== "none") head.setAttribute("aria-sort", order);
    const values = new Map();
    this.each((node) => values.set(node, number ? this.figure(node, column) : node.row.cells[column].textContent));
    const key = (node) => values.get(node);
    const sign = order === "ascending" ? 1 : -1;
    const compare = order === "none"
      ? (a, b) => a.place - b.place
      : number ? (a, b) => sign * (key(a) - key(b)) || a.place - b.place
        : (a, b) => sign * key(a).localeCompare(key(b), "en", { numeric: true }) || a.place - b.place;
    const arrange = (node) => { node.children.sort(compare); node.children.forEach(arrange); };
    arrange(this.root);
    const rows = document.createDocumentFragment();
    this.body.remove(); // Rows are moved in a table that is not shown: each move would lay out the whole table.
    this.each((node) => rows.append(node.row));
    rows.append(...this.fixed);
    this.body.append(rows);
    this.table.append(this.body);
  }

  // A heading has no figure of its own: its figure is the sum of the rows below it.
  figure(node, column) {
    const cell = node.row.cells[column];
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    if (!node.children.length) return Number(cell.textContent.replace(/[^-.0-9]/g, ""));
    return node.children.reduce((sum, child) => sum + this.figure(child, column), 0);
  }

  show() {
    const visit = (node, visible) => {
      let found = false;
      for (const child of node.children) {
        const inside = visit(child, visible && !node.folded);
        const match = !this.wanted || child.text.includes(this.wanted);
        const here = this.wanted ? match || inside : visible && !node.folded;
        child.row.hidden = !here;
        found ||= match || inside;
      }
      if (node.button) this.mark(node);
      return found;
    };
    visit(this.root, true);
  }

  // A folded heading shows the sums of its rows; an unfolded one does not, so that the visible rows sum to the total.
  mark(node) {
    node.button.setAttribute("aria-expanded", String(!node.folded));
    if (!node.row.classList.contains("heading")) return;
    [...this.table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.classList.contains("n")) return;
      const sum = this.figure(node, column);
      const text = head.dataset.kind === "share" ? `${(100 * sum).toFixed(1)}%` : sum.toLocaleString("en");
      node.row.cells[column].textContent = node.folded ? text : "";
    });
  }

  addTools() {
    if (this.body.rows.length < 8) return;
    this.tools.hidden = false;
    this.tools.querySelector("input").addEventListener("input", (event) => {
      this.wanted = event.target.value.trim().toLowerCase();
      this.show();
    });
    const folds = this.tools.querySelector(".folds");
    const groups = [];
    this.each((node) => { if (node.button) groups.push(node); });
    folds.hidden = groups.length === 0;
    folds.addEventListener("click", () => {
      const fold = groups.some((node) => !node.folded);
      for (const node of groups) node.folded = fold;
      folds.textContent = fold ? "Unfold all" : "Fold all";
      this.show();
    });
    const columns = this.tools.querySelector("fieldset");
    [...this.table.tHead.rows[0].cells].forEach((head, column) => {
      if (!column || !head.textContent.trim()) return;
      const label = element("label");
      const box = element("input", { type: "checkbox" });
      box.checked = true;
      box.addEventListener("change", () => {
        for (const row of this.table.rows) row.cells[column].hidden = !box.checked;
      });
      label.append(box, ` ${head.textContent.trim()}`);
      columns.append(label);
    });
  }

  metrics() {
    return [...this.table.tHead.rows[0].cells].flatMap((head, column) => head.dataset.kind === "count" ? [[head.textContent, column]] : []);
  }
}

// Squarified treemap (Bruls, Huizing and van Wijk 2000): rows of rectangles, each as near to squares as possible.
function squarify(items, box, place) {
  let [x, y, width, height] = box;
  let rest = items.reduce((sum, item) => sum + item.value, 0);
  let start = 0;
  while (start < items.length && rest > 0 && width > 0 && height > 0) {
    const side = Math.min(width, height);
    const scale = (width * height) / rest;
    let sum = 0, stop = start, worst = Infinity;
    while (stop < items.length) {
      const next = sum + items[stop].value;
      const long = next * scale / side;
      const ratio = Math.max(...[items[start].value, items[stop].value].map((value) => { const short = value * scale / long; return Math.max(long / short, short / long); }));
      if (ratio > worst) break;
      worst = ratio; sum = next; stop += 1;
    }
    const long = sum * scale / side;
    let offset = 0;
    for (const item of items.slice(start, stop)) {
      const short = item.value * scale / long;
      place(item, width >= height ? [x, y + offset, long, short] : [x + offset, y, short, long]);
      offset += short;
    }
    if (width >= height) { x += long; width -= long; } else { y += long; height -= long; }
    rest -= sum; start = stop;
  }
}

function drawMap(view, column, target) {
  const svg = element("svg", { viewBox: "0 0 1000 360", role: "img", "aria-label": "Treemap of the layers" });
  let count = 0;
  const fill = (node, box) => {
    const items = node.children.map((child) => ({ child, value: view.figure(child, column) })).filter((item) => item.value > 0);
    items.sort((a, b) => b.value - a.value);
    squarify(items, box, (item, [x, y, width, height]) => {
      if (width < 1 || height < 1 || count >= 20000) return;
      const large = width > 16 && height > 16; // a smaller group is one rectangle
      if (item.child.children.length && large) return fill(item.child, [x + 1, y + 1, width - 2, height - 2]);
      count += 1;
      const name = item.child.row.dataset.name, text = `${name}: ${item.value.toLocaleString("en")}`;
      const group = element("g");
      group.append(element("title", {}, text), element("rect", { x, y, width, height }));
      if (width > 7 * Math.min(name.length, 6) && height > 14) {
        group.append(element("text", { x: x + 4, y: y + 13 }, name.length * 6.5 > width - 6 ? `…${name.slice(-Math.max(1, Math.floor(width / 6.5) - 2))}` : name));
      }
      svg.append(group);
    });
  };
  fill(view.root, [0, 0, 1000, 360]);
  target.replaceChildren(svg);
}

function addMap(view) {
  const section = document.getElementById("treemap");
  const metrics = view.metrics();
  if (!section || !metrics.length) return;
  section.hidden = false;
  const choice = section.querySelector("select"), target = document.getElementById("map");
  for (const [name, column] of metrics) choice.append(element("option", { value: column }, name));
  choice.value = (metrics.find(([name]) => name === "MACs") || metrics[0])[1];
  const draw = () => drawMap(view, Number(choice.value), target);
  choice.addEventListener("change", draw);
  draw();
}

function addFormulas(view) {
  const dialog = document.querySelector("dialog");
  const quantity = (cell) => view.table.tHead.rows[0].cells[cell.cellIndex].dataset.key;
  const written = (cell) => formulas[cell.parentElement.dataset.name]?.[quantity(cell)];
  for (const cell of view.body.querySelectorAll("td[data-v]")) {
    if (written(cell)) { cell.dataset.q = ""; cell.tabIndex = 0; cell.setAttribute("role", "button"); }
  }
  const open = (cell) => {
    const lines = written(cell).map((entry) => {
      const line = element("p", {}, `${entry[0]}  ${entry[1]} = ${entry[2] === entry[3] ? "" : `${entry[2]} = `}`);
      line.append(element("strong", {}, entry[3]));
      return line;
    });
    dialog.querySelector("h2").textContent = `${cell.parentElement.dataset.name} · ${view.table.tHead.rows[0].cells[cell.cellIndex].textContent}`;
    dialog.querySelector("div").replaceChildren(...lines);
    dialog.showModal();
  };
  view.body.addEventListener("click", (event) => { const cell = event.target.closest("td[data-q]"); if (cell) open(cell); });
  view.body.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && event.target.matches("td[data-q]")) { event.preventDefault(); open(event.target); }
  });
}

const views = [...document.querySelectorAll("section.table")].map((section) => new View(section));
if (views.length) { addFormulas(views[0]); addMap(views[0]); }
