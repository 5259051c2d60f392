"use strict";
// Filters, sorting, pictures side by side and charts; everything stands in this file, nothing is fetched.
const data = JSON.parse(document.getElementById("data").textContent);
const runs = new Map(data.lists.flatMap((list) => list.runs).map((run) => [run.run_id, run]));
const form = document.getElementById("filters");
const most = 4;
let chosen = [];

// ---- small tools ----
function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
function draw(name, attributes = {}, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  return node;
}
function titled(node, text) { node.prepend(draw("title", {}, text)); return node; }
function number(value, places = 3) { return value === null || value === undefined ? "-" : value.toFixed(places); }
function compact(value) {
  const size = Math.abs(value);
  for (const [divisor, suffix] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]]) if (size >= divisor) return +(value / divisor).toPrecision(3) + suffix;
  return String(+value.toPrecision(3));
}
function ticks(low, high, count = 5) {
  const rough = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i += 1) values.push(+(i * step).toPrecision(12));
  return values;
}

// ---- filters ----
function passes(run) {
  const asked = new FormData(form);
  for (const [name, value] of asked) {
    if (!value) continue;
    const own = name === "flagged" ? (run.flags ? "yes" : "no") : String(run[name]);
    if (own !== value) return false;
  }
  return true;
}
function filter() {
  const visible = new Set([...runs.values()].filter(passes).map((run) => run.run_id));
  for (const node of document.querySelectorAll("[data-run]")) node.hidden = !visible.has(node.dataset.run);
  for (const section of document.querySelectorAll("section.list")) {
    section.hidden = !data.lists[section.dataset.list].runs.some((run) => visible.has(run.run_id));
  }
  for (const table of document.querySelectorAll("table.flagged")) {
    const none = ![...table.tBodies[0].rows].some((row) => !row.hidden);
    table.parentElement.hidden = table.parentElement.previousElementSibling.hidden = none;
  }
  document.getElementById("count").textContent = visible.size + " of " + runs.size + " runs";
  for (const [place, list] of data.lists.entries()) { front(place, list); elbows(place, list); }
}
form.addEventListener("change", filter);
form.addEventListener("reset", () => setTimeout(filter));
form.addEventListener("submit", (event) => event.preventDefault());

// ---- sorting: what was not measured stands last, whichever way ----
function sort(table, column, descending) {
  const body = table.tBodies[0];
  const key = (row) => row.cells[column].dataset.key;
  const numeric = [...body.rows].every((row) => key(row) === undefined || !isNaN(key(row)));
  const rows = [...body.rows].sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return (numeric ? a - b : a.localeCompare(b)) * (descending ? -1 : 1);
  });
  body.append(...rows);
  for (const [place, head] of [...table.tHead.rows[0].cells].entries()) {
    if (head.hasAttribute("aria-sort")) head.setAttribute("aria-sort", place !== column ? "none" : descending ? "descending" : "ascending");
  }
}
for (const table of document.querySelectorAll("table.ranking")) {
  table.tHead.addEventListener("click", (event) => {
    const head = event.target.closest("th[aria-sort]");
    if (head) sort(table, head.cellIndex, head.getAttribute("aria-sort") === "ascending");
  });
}

// ---- side by side ----
function choose(id, on) {
  chosen = chosen.filter((other) => other !== id);
  if (on && chosen.length < most) chosen.push(id);
  for (const box of document.querySelectorAll(".pick input")) {
    box.checked = chosen.includes(box.value);
    box.disabled = chosen.length >= most && !box.checked;
  }
  for (const point of document.querySelectorAll(".point")) point.classList.toggle("chosen", chosen.includes(point.dataset.id));
  document.getElementById("chosen").textContent = chosen.length;
  side();
}
function picture(run, kind) {
  const pictures = data.pictures[run.run_id];
  const uri = pictures && pictures[kind];
  const name = data.kinds[kind] + " of " + run.label;
  if (uri) {
    const button = make("button", { type: "button", title: "enlarge" }, make("img", { src: uri, alt: name, "data-figure": kind }));
    button.addEventListener("click", () => enlarge(uri, name, kind));
    return make("figure", {}, button);
  }
  const why = pictures ? "picture missing: the run has no figures/" + kind + ".png" : "picture left out: pictures=" + runs.size + " puts those of all runs into the page";
  return make("figure", {}, make("div", { class: "absent" }, why));
}
function enlarge(uri, name, kind) {
  const dialog = document.getElementById("large");
  dialog.replaceChildren(make("img", { src: uri, alt: name, "data-figure": kind }), make("p", {}, name), make("form", { method: "dialog" }, make("button", {}, "Close")));
  dialog.showModal();
}
function side() {
  const kinds = [...document.querySelectorAll("#kinds input:checked")].map((box) => box.value);
  const columns = chosen.map((id) => runs.get(id)).map((run) => {
    const values = run.values;
    const facts = [run.dataset + ", cleaning " + run.cleaning, "common silhouette " + number(values["common/silhouette"])];
    if (values["stability/jaccard_min"] !== null) facts.push("lowest Jaccard " + number(values["stability/jaccard_min"], 2));
    if (values["holdout/auc"] !== null) facts.push("hold-out AUC " + number(values["holdout/auc"]));
    if (run.options) facts.push(run.options);
    const head = make("header", {}, make("h3", {}, run.label), make("p", {}, facts.join(" · ")));
    if (run.segment_names) head.append(make("p", {}, "Segments: " + run.segment_names));
    if (run.flags) head.append(make("p", { class: "flags" }, run.flags));
    return make("article", { "data-id": run.run_id }, head, ...kinds.map((kind) => picture(run, kind)));
  });
  const target = document.getElementById("side");
  target.style.setProperty("--runs", Math.max(columns.length, 1));
  target.style.setProperty("--rows", 1 + kinds.length);
  target.replaceChildren(...(columns.length ? columns : [make("p", {}, "No run is chosen.")]));
}
document.addEventListener("change", (event) => {
  if (event.target.matches(".pick input")) choose(event.target.value, event.target.checked);
  if (event.target.matches("#kinds input")) side();
});

// ---- charts ----
const frame = { width: 560, height: 360, left: 62, right: 24, top: 14, bottom: 46 };
function axes(svg, x, y, names, format) {
  const { width, height, left, right, top, bottom } = frame;
  const scale = (range, from, to) => (value) => from + ((value - range[0]) / (range[1] - range[0] || 1)) * (to - from);
  const px = scale(x, left, width - right), py = scale(y, height - bottom, top);
  for (const value of ticks(...y)) {
    svg.append(draw("line", { class: "grid", x1: left, x2: width - right, y1: py(value), y2: py(value) }));
    svg.append(draw("text", { class: "axis", x: left - 8, y: py(value) + 4, "text-anchor": "end" }, format(value)));
  }
  for (const value of ticks(...x)) {
    svg.append(draw("text", { class: "axis", x: px(value), y: height - bottom + 18, "text-anchor": "middle" }, format(value)));
  }
  svg.append(draw("text", { class: "title", x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }, names[0]));
  const side = draw("text", { class: "title", x: 0, y: 0, "text-anchor": "middle", transform: `translate(14 ${(top + height - bottom) / 2}) rotate(-90)` }, names[1]);
  svg.append(side);
  return [px, py];
}
function canvas(label) { return draw("svg", { viewBox: `0 0 ${frame.width} ${frame.height}`, role: "group", "aria-label": label }); }
function span(values, pad = 0.08) {
  const low = Math.min(...values), high = Math.max(...values), room = (high - low) * pad || Math.abs(high) * pad || 1;
  return [low - room, high + room];
}

const looked = data.lists.map((list) => ({ x: "stability/jaccard_min", y: list.criteria.includes("holdout/auc") ? "holdout/auc" : "common/silhouette" }));
function front(place, list) {
  const box = document.querySelector(`div.front[data-list="${place}"]`);
  const choices = Object.keys(data.axes).filter((name) => name === "k" || list.criteria.includes(name));
  box.querySelector(".axes").replaceChildren(...["x", "y"].map((axis) => {
    const select = make("select", {}, ...choices.map((name) => make("option", { value: name }, data.axes[name])));
    select.value = looked[place][axis];
    select.addEventListener("change", () => { looked[place][axis] = select.value; front(place, list); });
    return make("label", {}, axis === "x" ? "across " : "up ", select);
  }));
  const { x, y } = looked[place];
  const candidates = list.runs.filter((run) => run.rank !== null && passes(run));
  const shown = candidates.filter((run) => run.values[x] !== null && run.values[y] !== null);
  const chart = box.querySelector(".chart"), legend = box.querySelector(".legend");
  legend.replaceChildren();
  if (!shown.length) {
    chart.replaceChildren(make("div", { class: "note" }, "No run that is shown has both measured; to measure them: evaluation.stability=true" + (list.criteria.includes("holdout/auc") ? " evaluation.holdout.cut=<day>" : "")));
    return;
  }
  if (shown.length < 2) {
    chart.replaceChildren(make("div", { class: "note" }, `Only ${shown[0].label} has both measured: there is nothing to compare it with yet.`));
    return;
  }
  const svg = canvas("Pareto front");
  const [px, py] = axes(svg, span(shown.map((run) => run.values[x])), span(shown.map((run) => run.values[y])), [data.axes[x], data.axes[y]], compact);
  const placed = shown.map((run) => ({ run, cx: px(run.values[x]), cy: py(run.values[y]), size: radius(run) }));
  for (const mark of [...placed].reverse()) svg.append(...point(mark));
  name(svg, placed);
  chart.replaceChildren(svg);
  const models = [...new Set(shown.map((run) => run.model))];
  legend.append(...models.map((model) => make("li", {}, make("span", { class: "dot", style: `--colour: ${data.colours[model]}` }), model)));
  if (shown.some((run) => run.standing !== "candidate")) legend.append(make("li", {}, make("span", { class: "dot hollow" }), "hollow: lacks evidence or fails a test"));
  if (shown.length < candidates.length) legend.append(make("li", {}, `${candidates.length - shown.length} runs not drawn: not measured`));
}
function radius(run) { return 5 + 14 * Math.sqrt(Math.max(run.values["common/silhouette"] ?? 0, 0)); }
function point({ run, cx, cy, size }) {
  const sound = run.standing === "candidate", colour = data.colours[run.model];
  const about = `${run.label}: ${run.evidence}; ` + Object.keys(data.axes).filter((name) => name !== "k").map((name) => `${data.axes[name]} ${number(run.values[name])}`).join(", ");
  const mark = titled(draw("circle", {
    class: "point" + (chosen.includes(run.run_id) ? " chosen" : ""), cx, cy, r: size, tabindex: 0, role: "button", "aria-label": about, "data-id": run.run_id,
    fill: sound ? colour : "var(--paper)", "fill-opacity": sound ? 0.75 : 0.6, stroke: colour, "stroke-width": 2,
  }), about);
  const toggle = () => choose(run.run_id, !chosen.includes(run.run_id));
  mark.addEventListener("click", toggle);
  mark.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle(); } });
  return run.front ? [draw("circle", { cx, cy, r: size + 4, fill: "none", stroke: "var(--ink)", "stroke-width": 1.5 }), mark] : [mark];
}
// A name stands where it covers no point and no other name; where there is no such place, the title of the point has it.
function name(svg, placed) {
  const taken = placed.map(({ cx, cy, size }) => [cx - size, cy - size, cx + size, cy + size]);
  for (const { run, cx, cy, size } of placed) {
    const text = `${run.rank}. k=${run.k}`, wide = 6.4 * text.length, gap = size + 6;
    const places = [[cx + gap, cy + 4], [cx - gap - wide, cy + 4], [cx - wide / 2, cy - gap], [cx - wide / 2, cy + gap + 9]];
    const free = places.find(([left, base]) => left > 0 && left + wide < frame.width + 40 && taken.every((box) => left > box[2] || left + wide < box[0] || base - 11 > box[3] || base + 2 < box[1]));
    if (!free) continue;
    taken.push([free[0], free[1] - 11, free[0] + wide, free[1] + 2]);
    svg.append(draw("text", { class: "name", x: free[0], y: free[1] }, text));
  }
}

function elbows(place, list) {
  const box = document.querySelector(`div.elbows[data-list="${place}"]`);
  if (!box) return;
  const metric = document.querySelector(`select.curve[data-list="${place}"]`).value;
  const charts = list.spaces.map((space) => {
    const curves = space.curves.filter((curve) => passes(runs.get(curve.run)) && (curve[metric] || []).length > 1);
    if (!curves.length) return null;
    const all = curves.flatMap((curve) => curve[metric]);
    const svg = canvas(metric + " over k, " + space.label);
    const values = span(all.map((pair) => pair[1]));
    if (metric === "inertia") values[0] = 0;
    const [px, py] = axes(svg, span(all.map((pair) => pair[0]), 0.04), values, ["number of segments k", metric], compact);
    for (const curve of curves) {
      const colour = data.colours[runs.get(curve.run).model];
      const line = draw("polyline", { points: curve[metric].map(([k, value]) => `${px(k)},${py(value)}`).join(" "), fill: "none", stroke: colour, "stroke-width": 2 });
      svg.append(titled(line, curve.label));
      for (const [k, value] of curve[metric]) svg.append(titled(draw("circle", { cx: px(k), cy: py(value), r: 3.5, fill: colour }), `${curve.label}, k=${k}: ${compact(value)}`));
    }
    const legend = make("ul", { class: "legend" }, ...curves.map((curve) => make("li", {}, make("span", { class: "dot", style: `--colour: ${data.colours[runs.get(curve.run).model]}` }), curve.label)));
    return make("figure", {}, make("b", {}, space.label), svg, legend);
  }).filter(Boolean);
  box.replaceChildren(...(charts.length ? charts : [make("p", { class: "note" }, "No run that is shown has this curve.")]));
}
for (const select of document.querySelectorAll("select.curve")) {
  select.addEventListener("change", () => elbows(+select.dataset.list, data.lists[select.dataset.list]));
}

filter();
for (const run of [...runs.values()].slice(0, 2)) choose(run.run_id, true);
if (!chosen.length) side();
