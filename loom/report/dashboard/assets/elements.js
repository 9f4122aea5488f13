// Elements are made here and nowhere else. Text becomes text nodes: nothing that a worker wrote is ever parsed.

/** An element. attributes: null, undefined and false are left out. children: elements, texts, or lists of them. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function section(title, attributes, ...children) {
  return h("section", attributes, h("h2", {}, title), ...children);
}

/** A sign for the eye and a word for everybody. */
function chip(kind, sign, text) {
  return h("span", { class: `chip ${kind}` }, h("span", { class: "sign", "aria-hidden": "true" }, sign), text);
}

function outcomeChip(name, final = true) {
  const { sign, kind } = OUTCOMES[name];
  return chip(kind, sign, final ? word(name) : `${word(name)} (open)`);
}

function healthChip(name) {
  return chip(HEALTHS[name].kind, HEALTHS[name].sign, name);
}

function workerLink(id) {
  return h("a", { href: `#/worker/${encodeURIComponent(id)}` }, id);
}

/** A link to the outside if it is one that a browser may follow from here, else its text. */
function outsideLink(address) {
  let url = null;
  try {
    url = new URL(address);
  } catch {
    return h("span", { class: "address" }, address);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return h("span", { class: "address" }, address);
  return h("a", { class: "address", href: url.href, rel: "noopener noreferrer" }, address);
}

function time(at, text = when(at)) {
  return h("time", { datetime: new Date(at * 1000).toISOString(), title: when(at) }, text);
}

/** How long ago, and when that was. */
function agoAndWhen(at) {
  return [time(at, ago(at)), " ", h("span", { class: "dim small" }, when(at))];
}

/** A command that helps, for a terminal. */
function toType(command) {
  return command ? h("span", { class: "command" }, h("span", { "aria-hidden": "true" }, "→ "), h("code", {}, command)) : null;
}

/** A table that becomes a list of cards on a phone, unless it is narrow. The roles say that it still is a table there.
 * columns: headings. rows: {attributes, cells}; the first cell of a row is its header. */
function table({ id, caption, columns, rows, narrow = false }) {
  const body = h("tbody", { role: "rowgroup" }, rows.map((row) => tableRow(columns, row)));
  return h(
    "div",
    { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
    h(
      "table",
      { id, class: narrow ? "listed" : "listed cards", role: "table" },
      h("caption", { class: "unseen" }, caption),
      h(
        "thead",
        { role: "rowgroup" },
        h("tr", { role: "row" }, columns.map((name) => h("th", { scope: "col", role: "columnheader" }, name))),
      ),
      body,
    ),
  );
}

/** What stands in these columns is short, and is never broken into lines. */
const BRIEF = new Set(["Worker", "Subject", "Event", "By", "State", "Streak", "Last slots", "Next slot", "Outcome", "Took", "Run", "Started", "When", "Day", "Came", "Dropped", "Most"]);

function tableRow(columns, { attributes = {}, cells, header = 0 }) {
  const brief = (number) => (BRIEF.has(columns[number]) ? "brief" : null);
  return h(
    "tr",
    { role: "row", ...attributes },
    cells.map((cell, number) =>
      number === header
        ? h("th", { scope: "row", role: "rowheader", class: brief(number), "data-label": columns[number] }, cell)
        : h("td", { role: "cell", class: brief(number), "data-label": columns[number] }, h("div", {}, cell)),
    ),
  );
}

/** Shows the first of many rows, and more of them when asked: a phone shouldn't lay out hundreds at once.
 * Returns what shows other rows from now on, and the button for more. */
function pages(body, unit, size = 100) {
  let rows = [];
  let shown = 0;
  const button = h("button", { type: "button" });
  const more = () => {
    const next = rows.slice(shown, shown + size);
    body.append(...next);
    shown += next.length;
    button.hidden = shown >= rows.length;
    button.textContent = `Show ${Math.min(size, rows.length - shown)} more of ${count(rows.length - shown, unit)}`;
  };
  button.addEventListener("click", () => {
    const first = shown;
    more();
    if (!button.hidden) return;
    // The focus was on the button, which has gone.
    const link = rows[first].querySelector("a");
    if (!link) rows[first].tabIndex = -1;
    (link ?? rows[first]).focus();
  });
  const show = (kept) => {
    rows = kept;
    shown = 0;
    body.replaceChildren();
    more();
  };
  return { show, button };
}

function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A choice with its label. options: [value, text] each. */
function choice(id, label, options, onChange) {
  const select = h("select", { id }, options.map(([value, text]) => h("option", { value }, text)));
  select.addEventListener("change", onChange);
  return [h("label", { for: id }, label, " ", select), select];
}

/** Says how many there are besides those on the page; a page of everything would grow for ever. */
function older(number, unit) {
  return number ? h("p", { class: "small dim" }, `${count(number, `older ${unit}`)} not on this page.`) : null;
}

function nothing(text) {
  return h("p", { class: "nothing" }, text);
}
