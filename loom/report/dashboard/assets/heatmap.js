// Calendars of outcomes: one grid is one stop of the Tab key, and the arrow keys walk its days.

const PHONE = matchMedia("(max-width: 44rem)");

const WORST_FIRST = ["bad", "open", "idle", "good"].flatMap((kind) =>
  Object.keys(OUTCOMES).filter((name) => OUTCOMES[name].kind === kind),
);

/** What a day's outcomes come to, once for each combination that occurs: [class, text]. */
function combined(combination) {
  const counts = new Map(combination);
  const names = WORST_FIRST.filter((name) => counts.has(name));
  if (!names.length) return ["none", "no slot"];
  return [OUTCOMES[names[0]].kind, names.map((name) => `${grouped(counts.get(name))} ${word(name)}`).join(", ")];
}

const COMBINED = DATA.combinations.map(combined);
const DAY_NAMES = Array.from({ length: DATA.days.count }, (_, index) => isoDay(dayAt(index)));

function dayCell(worker, index) {
  const [kind, text] = COMBINED[worker.heat[index]];
  const cell = document.createElement("td");
  cell.className = kind;
  cell.title = `${DAY_NAMES[index]}: ${text}`;
  return cell;
}

/** One row for each worker, one column for each day. */
function heatmap() {
  const days = DATA.days.count;
  const most = PHONE.matches ? 18 : 32;
  const rows = DATA.workers.map((worker) => {
    const row = h("tr", { "data-worker": worker.id }, h("th", { scope: "row", title: worker.id }, inTheMiddle(worker.id, most)));
    for (let index = 0; index < days; index += 1) row.append(dayCell(worker, index));
    return row;
  });
  return grid({
    id: "heatmap",
    caption: `Outcomes of the last ${count(days, "day")}, a row for each worker, the newest day last`,
    months: monthSpans(Array.from({ length: days }, (_, index) => dayAt(index))),
    rows,
    columns: days,
    head: "wide",
  });
}

/** One worker's days: a row for each weekday, a column for each week. */
function calendar(worker) {
  const first = dayAt(0);
  const lead = (first.getUTCDay() + 6) % 7;
  const weeks = Math.ceil((lead + DATA.days.count) / 7);
  const rows = Array.from({ length: 7 }, (_, weekday) => {
    const row = h("tr", {}, h("th", { scope: "row" }, WEEKDAYS[(weekday + 1) % 7]));
    for (let week = 0; week < weeks; week += 1) {
      const index = week * 7 + weekday - lead;
      const inside = index >= 0 && index < DATA.days.count;
      row.append(inside ? dayCell(worker, index) : h("td", { class: "outside", title: "not shown" }));
    }
    return row;
  });
  const mondays = Array.from({ length: weeks }, (_, week) => dayAt(week * 7 - lead));
  return grid({
    id: "calendar",
    caption: `Outcomes of ${worker.id}, a row for each weekday and a column for each week`,
    months: monthSpans(mondays),
    rows,
    columns: weeks,
    head: "narrow",
  });
}

/** How many columns belong to each month, one after the other: [label, columns]. */
function monthSpans(dates) {
  const spans = [];
  for (const date of dates) {
    const key = date.getUTCFullYear() * 12 + date.getUTCMonth();
    const last = spans.at(-1);
    if (last && last.key === key) last.columns += 1;
    else spans.push({ key, columns: 1, month: date.getUTCMonth(), year: date.getUTCFullYear() });
  }
  return spans.map(({ columns, month, year }, number) => {
    const named = number === 0 || month === 0 ? `${MONTHS[month]} ${year}` : MONTHS[month];
    return [columns < 2 ? "" : columns < 4 ? MONTHS[month] : named, columns];
  });
}

function grid({ id, caption, months, rows, columns, head }) {
  const readout = h("p", { class: "readout", "aria-hidden": "true" }, "Point at a day, or walk with the arrow keys.");
  const names = months.map(([label, columns]) =>
    label
      ? h("th", { scope: "colgroup", colspan: String(columns) }, label)
      : h("td", { class: "outside", colspan: String(columns) }),
  );
  const body = h("tbody", {}, rows);
  const element = h(
    "table",
    { id, class: `heat ${head}`, role: "grid", "aria-readonly": "true" },
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, h("td", { class: "corner" }), names)),
    body,
  );
  element.style.setProperty("--columns", String(columns));
  const box = h("div", { class: "scroll heat-box" }, element);
  walkable(body, readout);
  const settle = () => {
    box.scrollLeft = box.scrollWidth;
    if (box.scrollLeft > 0) readout.append(" Older days are further left: scroll there, or press PageUp.");
  };
  return { box, parts: [box, readout], settle };
}

function walkable(body, readout) {
  const cellAt = (row, column) => body.rows[row]?.cells[column];
  let current = cellAt(0, body.rows[0] ? body.rows[0].cells.length - 1 : 0);
  while (current?.classList.contains("outside")) current = current.previousElementSibling;
  if (!current) return;
  current.tabIndex = 0;
  const show = (cell) => {
    readout.textContent = `${cell.parentElement.cells[0].title || cell.parentElement.cells[0].textContent} · ${cell.title}`;
  };
  const go = (cell) => {
    if (!cell || cell.tagName !== "TD" || cell.classList.contains("outside")) return;
    current.removeAttribute("tabindex");
    current = cell;
    current.tabIndex = 0;
    current.focus();
  };
  body.addEventListener("keydown", (event) => {
    const row = current.parentElement.sectionRowIndex;
    const column = current.cellIndex;
    const last = body.rows[row].cells.length - 1;
    const steps = {
      ArrowLeft: () => cellAt(row, column - 1),
      ArrowRight: () => cellAt(row, column + 1),
      ArrowUp: () => cellAt(row - 1, column),
      ArrowDown: () => cellAt(row + 1, column),
      Home: () => cellAt(row, 1),
      End: () => cellAt(row, last),
      PageUp: () => cellAt(row, Math.max(1, column - 30)),
      PageDown: () => cellAt(row, Math.min(last, column + 30)),
    };
    if (!(event.key in steps) || event.altKey || event.metaKey) return;
    event.preventDefault();
    go(steps[event.key]());
  });
  const shown = (event) => {
    const cell = event.target.closest("td");
    if (cell && !cell.classList.contains("outside")) show(cell);
    return cell;
  };
  body.addEventListener("focusin", shown);
  body.addEventListener("pointerover", shown);
  body.addEventListener("click", (event) => go(event.target.closest("td")));
}

function legend() {
  const entry = (kind, text) => h("li", {}, h("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), text);
  return h(
    "ul",
    { class: "legend", "aria-label": "What the colours and signs mean" },
    entry("good", "succeeded"),
    entry("bad", "✗ failed, invalid, timed out, blocked, missed or abandoned"),
    entry("open", "◐ open: it will be tried again"),
    entry("idle", "– skipped, or superseded by a later slot"),
    entry("none", "no slot"),
  );
}
