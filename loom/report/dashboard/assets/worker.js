// One worker: what it is, how it stands, its year, what its runs took and measured, found and came to.

function workerView(id) {
  const worker = DATA.workers.find((each) => each.id === id);
  if (!worker) return null;
  const days = calendar(worker);
  const drawn = chartsOf(worker);
  return {
    name: "worker",
    title: worker.id,
    settle: () => {
      days.settle();
      for (const each of drawn) each.draw();
    },
    parts: [
      h("h1", {}, worker.id),
      h("p", {}, healthChip(worker.health), " ", h("span", { class: "dim" }, HEALTHS[worker.health].means)),
      worker.description ? h("p", {}, worker.description) : null,
      worker.why
        ? h("p", { class: `box ${worker.health === "late" ? "open" : "bad"}`, id: "needs" }, `It ${worker.why[0]} `, toType(worker.why[1]))
        : null,
      factsOf(worker),
      section("Days", {}, legend(), days.parts),
      drawn.length
        ? section("Measured", {}, h("div", { class: "charts" }, drawn.map((each) => each.figure)),
            worker.metrics_left ? h("p", { class: "small dim" }, `${count(worker.metrics_left, "more metric")} not drawn.`) : null)
        : null,
      foundOf(worker),
      alertsOf(worker),
      section("History", {}, history(worker)),
    ],
  };
}

function factsOf(worker) {
  const { pause, last } = worker;
  return facts([
    ["Agent", worker.agent],
    ["Schedule", worker.schedule ? [h("code", {}, worker.schedule), ` ${worker.zone}`] : null],
    ["Status in the registry", worker.status],
    ["Next slot", worker.next === null ? "none" : [time(worker.next, ago(worker.next)), ` · ${when(worker.next)}`]],
    ["Last run", last === null || last.outcome === null ? "never" : [outcomeChip(last.outcome, last.final), last.at === null ? "" : ` ${ago(last.at)} · ${when(last.at)}`]],
    ["Why it was skipped", worker.skipped],
    ["Last success", worker.last_success === null ? "never" : `${ago(worker.last_success)} · ${when(worker.last_success)}`],
    ["Last slots", [spark(worker.recent), " ", streak(worker.streak)]],
    ["Paused", pause === null ? (worker.paused_in_registry ? "by the registry" : null) : `by ${pause.by}, ${when(pause.at)}${pause.until === null ? "" : `, until ${when(pause.until)}`}${pause.reason ? `: ${pause.reason}` : ""}`],
  ]);
}

/** Oldest first, those that measured something: runs that never started took no time. */
function chartsOf(worker) {
  const oldestFirst = worker.runs.map((run, index) => [run, index]).reverse();
  const seriesOf = (valueOf) => {
    const points = oldestFirst.map(([run, index]) => [run.at, valueOf(run, index), OUTCOMES[run.outcome].kind === "bad"]);
    return points.filter(([, value]) => value !== null).sort((a, b) => a[0] - b[0]);
  };
  return [
    chart("Duration", seriesOf((run) => run.took), span),
    ...worker.metrics.map(({ name, values }) => chart(word(name), seriesOf((_, index) => values[index]), measured)),
  ].filter((each) => each !== null);
}

function foundOf(worker) {
  const mine = DATA.findings.filter((finding) => finding.worker === worker.id);
  if (!mine.length) return worker.found_at === null ? null : section("Findings", {}, nothing(`None, as of ${when(worker.found_at)}.`));
  const more = worker.findings_total - Math.min(mine.length, 10);
  return section(
    `Findings (${grouped(worker.findings_total)})`,
    {},
    h("p", { class: "small dim" }, `Of the run that ended ${ago(worker.found_at)}, ${when(worker.found_at)}.`),
    h("ul", { class: "findings" }, mine.slice(0, 10).map((finding) => findingItem(finding, false))),
    more > 0 ? h("p", { class: "small" }, `${grouped(more)} more `, h("a", { href: "#/findings" }, "in Findings"), ".") : null,
  );
}

function alertsOf(worker) {
  const mine = DATA.alerts.filter((alert) => alert.worker === worker.id);
  if (!mine.length) return null;
  const more = mine.length > 5 ? h("p", { class: "small" }, `${count(mine.length - 5, "older alert")} `, h("a", { href: "#/alerts" }, "in Alerts"), ".") : null;
  return section("Newest alerts", {}, alertTable("worker-alerts", mine.slice(0, 5)), more);
}

const HISTORY = ["Run", "Outcome", "Slot", "Started", "Took", "What it said"];

function history(worker) {
  if (!worker.runs.length) return nothing("It has never run.");
  const box = table({
    id: "history",
    caption: `The newest runs of ${worker.id}`,
    columns: HISTORY,
    rows: worker.runs.map(historyRow),
  });
  const body = box.querySelector("tbody");
  const rows = [...body.rows];
  const said = h("span", { class: "dim small", role: "status" });
  const options = Object.keys(OUTCOMES)
    .filter((name) => name !== "open")
    .map((name) => [name, `${word(name)} (${worker.runs.filter((run) => run.outcome === name).length})`]);
  const [label, select] = choice("outcome-filter", "Outcome", [["all", "all"], ...options], () => show());
  const show = () => {
    const kept = rows.filter((row) => select.value === "all" || row.dataset.outcome === select.value);
    body.replaceChildren(...kept);
    said.textContent = ` ${count(kept.length, "run")}`;
  };
  show();
  const more = worker.runs_left ? h("p", { class: "small dim" }, "Older runs: loom history --worker ", worker.id) : null;
  return [h("p", { class: "filters" }, label, said), box, more];
}

function historyRow(run) {
  const slot =
    run.slot === null
      ? "by hand"
      : run.count > 1
        ? `${when(run.slot)} to ${when(run.slot_last)}, ${count(run.count, "slot")}`
        : when(run.slot);
  return {
    attributes: { "data-outcome": run.outcome, "data-run": run.id },
    cells: [
      h("code", { title: run.id }, shortId(run.id)),
      outcomeChip(run.outcome, run.final || !run.waits),
      slot,
      run.started ? time(run.at) : "not started",
      run.took === null ? "–" : span(run.took),
      h("span", { class: "said" }, run.said || "–"),
    ],
  };
}
