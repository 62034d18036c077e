// A search and a waterfall over the query API. Names come from strangers: they are only ever set as text.

const form = document.querySelector("#search");
const news = document.querySelector("#news");
const found = document.querySelector("#found");
const HUES = ["#3b7dd8", "#c9582b", "#2d8f5c", "#8e5bc2", "#b58a12", "#c2447f", "#2196a5", "#77787f"];

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

async function ask(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "");
  const answer = await fetch(`${path}?${new URLSearchParams(given)}`);
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.errors.map((error) => error.msg).join(", "));
  return said.data;
}

function duration(microseconds) {
  if (microseconds < 1000) return `${microseconds} µs`;
  return microseconds < 1e6 ? `${(microseconds / 1000).toPrecision(3)} ms` : `${(microseconds / 1e6).toPrecision(3)} s`;
}

const isWrong = (span) => span.tags.some((tag) => tag.key === "error" && tag.value !== false && tag.value !== "false");
const serviceOf = (trace, span) => trace.processes[span.processID].serviceName;

function extent(trace) {
  const began = Math.min(...trace.spans.map((span) => span.startTime));
  return { began, lasted: Math.max(1, ...trace.spans.map((span) => span.startTime + span.duration - began)) };
}

// Every span below the one because of which it is, with its depth; those whose parent is not here at the top.
function tree(trace) {
  const parent = (span) => (span.references.find((r) => r.refType === "CHILD_OF") ?? span.references[0])?.spanID;
  const ids = new Set(trace.spans.map((span) => span.spanID));
  const below = Map.groupBy(trace.spans, (span) => (ids.has(parent(span)) ? parent(span) : ""));
  const rows = [];
  const seen = new Set();
  const walk = (spans, depth) => {
    for (const span of spans ?? []) {
      if (seen.has(span)) continue;
      seen.add(span);
      rows.push([span, depth]);
      walk(below.get(span.spanID), depth + 1);
    }
  };
  walk(below.get(""), 0);
  walk(trace.spans, 0); // what is left goes round in circles
  return rows;
}

function tags(text) {
  const given = [...text.matchAll(/([^\s=]+)=("[^"]*"|\S*)/g)];
  if (!given.length) return "";
  return JSON.stringify(Object.fromEntries(given.map(([, key, value]) => [key, value.replace(/^"|"$/g, "")])));
}

async function choose(name, values, chosen) {
  const select = form.elements[name];
  select.replaceChildren(...values.map(([value, label]) => new Option(label, value, false, value === chosen)));
}

async function operations(chosen = "") {
  const service = form.elements.service.value;
  const names = service ? await ask(`/api/services/${encodeURIComponent(service)}/operations`) : [];
  await choose("operation", [["", "any"], ...names.map((name) => [name, name])], chosen);
}

async function search() {
  const given = Object.fromEntries(new FormData(form));
  const traces = await ask("/api/traces", { ...given, tags: tags(given.tags) });
  const many = traces.length === 1 ? "1 trace" : `${traces.length} traces`;
  news.textContent = traces.length ? `${many}, the latest first.` : "No such trace. Is the time long enough, the tag spelt as the service spells it?";
  found.replaceChildren(...(traces.length ? [list(traces)] : []));
}

function list(traces) {
  const heads = ["Trace", "Began", "Lasted", "Spans", "Services", "Errors"];
  const rows = traces.map((trace) => {
    const { began, lasted } = extent(trace);
    const [[root]] = tree(trace);
    const services = new Set(trace.spans.map((span) => serviceOf(trace, span)));
    const wrong = trace.spans.filter(isWrong).length;
    const link = element("a", { href: `/trace/${trace.traceID}`, textContent: `${serviceOf(trace, root)}: ${root.operationName}` });
    return element("tr", {},
      element("td", {}, link),
      element("td", { textContent: new Date(began / 1000).toLocaleTimeString() }),
      element("td", { className: "number", textContent: duration(lasted) }),
      element("td", { className: "number", textContent: trace.spans.length }),
      element("td", { textContent: [...services].sort().join(", ") }),
      element("td", { className: wrong ? "wrong" : "", textContent: wrong ? `${wrong} failed` : "none" }));
  });
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col", textContent: text })));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
}

async function show(id) {
  const [trace] = await ask(`/api/traces/${id}`);
  const { began, lasted } = extent(trace);
  const rows = tree(trace);
  const services = [...new Set(trace.spans.map((span) => serviceOf(trace, span)))].sort();
  const wrong = trace.spans.filter(isWrong).length;
  document.title = `${rows[0][0].operationName} · Traces`;
  news.textContent = `${trace.spans.length} spans of ${services.length} services in ${duration(lasted)}, ${wrong || "none"} failed.`;
  const about = [...(trace.warnings ?? [])].map((text) => element("p", { className: "wrong", textContent: text }));
  const heads = ["Span", "Begins", "Lasts", "When"];
  const body = element("tbody");
  for (const [span, depth] of rows) body.append(...lines(trace, span, depth, began, lasted, services));
  const caption = "Each span below the one that caused it. The button in front of a span shows its tags.";
  found.replaceChildren(
    element("h2", { textContent: `${serviceOf(trace, rows[0][0])}: ${rows[0][0].operationName}` }),
    element("p", { className: "quiet", textContent: `Trace ${trace.traceID}, ${new Date(began / 1000).toLocaleString()}` }),
    ...about,
    element("table", { className: "waterfall" }, element("caption", { textContent: caption }),
      element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col", textContent: text })))), body));
}

function lines(trace, span, depth, began, lasted, services) {
  const service = serviceOf(trace, span);
  const hue = HUES[services.indexOf(service) % HUES.length];
  const button = element("button", { type: "button", textContent: "+", ariaExpanded: "false", ariaLabel: `Tags of ${service}: ${span.operationName}` });
  const name = element("span", { className: "service", textContent: service });
  const line = element("div", { className: "span" }, button, name, element("span", { className: "operation", textContent: span.operationName }));
  line.style.paddingLeft = `${depth * 1.1}rem`;
  name.style.setProperty("--hue", hue);
  const bar = element("div", { className: isWrong(span) ? "bar failed" : "bar" });
  bar.style.left = `${Math.min(99.5, (100 * (span.startTime - began)) / lasted)}%`;
  bar.style.width = `${(100 * span.duration) / lasted}%`;
  bar.style.setProperty("--hue", hue);
  if (isWrong(span)) line.append(element("span", { className: "wrong", textContent: "failed" }));
  if (span.warnings) line.append(element("span", { className: "wrong", textContent: "⚠ see tags" }));
  const facts = element("tr", { className: "facts", hidden: true }, element("td", { colSpan: 4 }, ...details(trace, span)));
  button.addEventListener("click", () => {
    facts.hidden = !facts.hidden;
    button.ariaExpanded = String(!facts.hidden);
    button.textContent = facts.hidden ? "+" : "−";
  });
  const row = element("tr", {},
    element("td", {}, line),
    element("td", { className: "number", textContent: duration(span.startTime - began) }),
    element("td", { className: "number", textContent: duration(span.duration) }),
    element("td", { ariaHidden: "true" }, element("div", { className: "lane" }, bar)));
  return [row, facts];
}

function details(trace, span) {
  const pairs = (all) => element("dl", {}, ...all.flatMap(({ key, value }) => [element("dt", { textContent: key }), element("dd", { textContent: String(value) })]));
  const said = (span.warnings ?? []).map((text) => element("p", { className: "wrong", textContent: text }));
  const logs = span.logs.flatMap((log) => [element("p", { textContent: `at ${duration(log.timestamp - span.startTime)}` }), pairs(log.fields)]);
  const references = span.references.map((r) => ({ key: r.refType, value: `${r.spanID}${r.traceID === span.traceID ? "" : ` in trace ${r.traceID}`}` }));
  return [...said, pairs([{ key: "span", value: span.spanID }, ...references, ...span.tags, ...trace.processes[span.processID].tags]), ...logs];
}

async function say(act) {
  try {
    await act();
  } catch (error) {
    news.textContent = error.message;
    found.replaceChildren();
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  history.replaceState(null, "", `/?${new URLSearchParams(new FormData(form))}`);
  say(search);
});
form.elements.service.addEventListener("change", () => say(operations));

say(async () => {
  const before = new URLSearchParams(location.search);
  const services = await ask("/api/services");
  await choose("service", services.map((name) => [name, name]), before.get("service"));
  for (const [name, value] of before) if (form.elements[name]?.tagName === "INPUT" || name === "lookback") form.elements[name].value = value;
  await operations(before.get("operation") ?? "");
  const [, id] = location.pathname.match(/^\/trace\/([0-9a-f]+)$/i) ?? [];
  if (id) await show(id);
  else if (!services.length) news.textContent = "No spans have come yet.";
  else if (before.size) await search();
});
