// What the workers have found: of each, what its newest run that returned something found.

function findingsView() {
  const items = DATA.findings.map((finding) => ({ finding, text: searchable(finding), item: null }));
  const counted = h("p", { id: "findings-count", "aria-live": "polite", class: "small" });
  const list = h("ul", { id: "findings-list", class: "findings" });
  const counts = (key) => {
    const found = new Map();
    for (const finding of DATA.findings) found.set(finding[key], (found.get(finding[key]) ?? 0) + 1);
    return found;
  };
  const [severityCounts, workerCounts] = [counts("severity"), counts("worker")];
  const severities = Object.keys(SEVERITIES).map((name) => [name, `${name} (${severityCounts.get(name) ?? 0})`]);
  const workers = DATA.workers.filter(({ id }) => workerCounts.has(id)).map(({ id }) => [id, `${id} (${workerCounts.get(id)})`]);
  const [severityLabel, severity] = choice("severity-filter", "Severity", [["all", "all"], ...severities], () => show());
  const [workerLabel, worker] = choice("worker-filter", "Worker", [["all", "all"], ...workers], () => show());
  const text = h("input", { id: "text-filter", type: "search", autocomplete: "off", spellcheck: "false" });
  text.addEventListener("input", () => show());
  const show = () => {
    const sought = text.value.trim().toLowerCase();
    const kept = items.filter(
      (each) =>
        (severity.value === "all" || each.finding.severity === severity.value) &&
        (worker.value === "all" || each.finding.worker === worker.value) &&
        each.text.includes(sought),
    );
    for (const each of kept) each.item ??= findingItem(each.finding, true);
    list.replaceChildren(...kept.map((each) => each.item));
    counted.textContent =
      kept.length === items.length ? count(items.length, "finding") : `${grouped(kept.length)} of ${count(items.length, "finding")}`;
  };
  show();
  return {
    name: "findings",
    title: "Findings",
    parts: [
      h("h1", {}, "Findings"),
      h("p", { class: "dim" }, "Of each worker, those of its newest finished run that returned something."),
      h("p", { class: "filters" }, severityLabel, workerLabel, h("label", { for: "text-filter" }, "Text ", text)),
      counted,
      leftOut(),
      items.length ? list : [nothing("No worker has found anything."), list],
    ],
  };
}

function searchable({ title, subject, detail, action }) {
  return [title, subject, detail, action].join("\n").toLowerCase();
}

function leftOut() {
  const short = DATA.workers.filter((worker) => worker.findings_left);
  if (!short.length) return null;
  const items = short.map((worker) => h("li", {}, workerLink(worker.id), `: ${count(worker.findings_left, "more finding")} not on this page`));
  return h("details", { class: "small" }, h("summary", {}, "Some findings are left out to keep this page small"), h("ul", {}, items));
}

function findingItem(finding, named) {
  const { severity, worker, title, subject, detail, action, url } = finding;
  return h(
    "li",
    { "data-severity": severity, "data-worker": worker },
    h(
      "p",
      { class: "headline" },
      h(
        "span",
        {},
        chip(SEVERITIES[severity].kind, SEVERITIES[severity].sign, severity),
        " ",
        subject ? [h("strong", {}, subject), ": "] : null,
        title,
      ),
      named ? h("span", { class: "small" }, workerLink(worker)) : null,
    ),
    detail ? h("p", { class: "dim" }, detail) : null,
    action ? h("p", {}, h("span", { "aria-hidden": "true" }, "→ "), h("span", { class: "unseen" }, "To do: "), action) : null,
    url ? h("p", { class: "small dim" }, outsideLink(url)) : null,
  );
}
