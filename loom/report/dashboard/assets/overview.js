// The first view: is all well, what needs a person, how does each worker stand, and how was the year?

function overview() {
  const map = heatmap();
  return {
    name: "overview",
    title: "Overview",
    settle: map.settle,
    parts: [
      h("h1", {}, verdict()),
      h("p", { class: "dim" }, summary()),
      promises(),
      needs(),
      seenTo(),
      section("Workers", {}, board()),
      section(`The last ${count(DATA.days.count, "day")}`, {}, legend(), map.parts),
      DATA.notes.length ? h("ul", { class: "notes small dim" }, DATA.notes.map((note) => h("li", {}, note))) : null,
    ],
  };
}

/** What is late will be tried again; a person is needed where that won't help. */
function inNeed(worker) {
  return worker.health === "down" || worker.health === "broken";
}

function verdict() {
  const troubled = DATA.workers.filter(inNeed).length;
  const late = DATA.workers.filter((worker) => worker.health === "late").length;
  if (!DATA.workers.length) return "No worker is registered";
  if (troubled) return `${troubled} of ${count(DATA.workers.length, "worker")} ${troubled === 1 ? "needs" : "need"} a person`;
  if (DATA.ticks.last_at === null) return "No tick has come yet";
  if (DATA.ticks.dead) return `No clock has brought a tick for ${span(DATA.at - DATA.ticks.clock_at)}`;
  if (DATA.ticks.silent) return "Slots wait that no tick has decided";
  if (DATA.troubles.length || DATA.problems.length || DATA.undelivered) return "The workers are well, but something needs a person";
  if (late) return `Nothing needs a person; ${count(late, "worker")} ${late === 1 ? "is" : "are"} late`;
  return DATA.ticks.clock_at === null ? "Nothing needs a person, but no clock calls Loom yet" : "All is well";
}

function summary() {
  const counts = Object.keys(HEALTHS)
    .map((health) => [health, DATA.workers.filter((worker) => worker.health === health).length])
    .filter(([, number]) => number)
    .map(([health, number]) => `${number} ${health}`);
  const last = DATA.ticks.last_at;
  const { clock_at, last_trigger } = DATA.ticks;
  const clock = clock_at !== null && last_trigger === "manual" ? `, by hand; the clock brought one ${ago(clock_at)}` : "";
  const tick = last === null ? "no tick has come yet" : `last tick ${ago(last)}${clock}`;
  const severities = Object.keys(SEVERITIES)
    .map((name) => [name, DATA.findings.filter(({ severity }) => severity === name).length])
    .filter(([, number]) => number)
    .map(([name, number]) => `${grouped(number)} ${name}`);
  return [
    `${count(DATA.workers.length, "worker")}: ${counts.join(" · ")} — ${tick} — `,
    severities.length ? h("a", { href: "#/findings" }, `findings: ${severities.join(" · ")}`) : "no findings",
  ];
}

function promises() {
  const { days, slots, on_time, undecided, runs, under_digest, bad, bad_delivered } = DATA.figures;
  const card = (title, part, whole, unit, undone = 0) => {
    const percent = share(part, whole + undone);
    const kind = percent === null ? "idle" : undone ? "bad" : part === whole ? "good" : percent >= 95 ? "open" : "bad";
    const sign = percent === null ? "–" : part === whole && !undone ? "✓" : "!";
    return h(
      "div",
      { class: `promise ${kind}` },
      h("dt", {}, title),
      h("dd", {}, h("strong", {}, h("span", { class: "sign", "aria-hidden": "true" }, sign), " ", percent === null ? "none yet" : `${percent}%`)),
      h("dd", { class: "small dim" }, percent === null ? `no ${unit} in ${days} days` : `${grouped(part)} of ${grouped(whole)} ${undone ? "decided " : ""}${unit}, ${days} days`),
      undone ? h("dd", { class: "small bad-text" }, `${count(undone, "slot")} came due, and no tick decided ${undone === 1 ? "it" : "them"}`) : null,
    );
  };
  return h(
    "dl",
    { class: "promises", "aria-label": "The three promises" },
    card("Slots on time", on_time, slots, "slots", undecided),
    card("Runs enforced", under_digest, runs, "runs"),
    card("Bad outcomes delivered", bad_delivered, bad, "bad outcomes"),
  );
}

function needs() {
  const items = [
    ...noTicks(),
    ...DATA.workers
      .filter(inNeed)
      .map((worker) => h("li", {}, why(worker))),
    ...DATA.troubles.map(([sentence, command]) => h("li", {}, `${sentence} `, toType(command))),
    ...DATA.problems.map((problem) => h("li", {}, problem)),
  ];
  if (DATA.undelivered) {
    items.push(h("li", {}, h("a", { href: "#/alerts" }, count(DATA.undelivered, "alert")), " not delivered yet ", toType("loom check --send-test-alert")));
  }
  return section(
    "Needs a person now",
    { id: "needs", class: items.length ? "box bad" : "box good" },
    items.length ? h("ul", {}, items) : h("p", {}, "✓ Nothing does."),
  );
}

/** What is late, and will be tried again by itself. */
function seenTo() {
  const late = DATA.workers.filter((worker) => worker.health === "late");
  if (!late.length || DATA.ticks.silent !== null) return null; // no tick comes that would see to it
  return section("Loom sees to it", { id: "seen-to", class: "box open" }, h("ul", {}, late.map((worker) => h("li", {}, why(worker)))));
}

function why(worker) {
  if (worker.why === null) return [workerLink(worker.id), ` is ${worker.health}`];
  const [sentence, command] = worker.why;
  return [workerLink(worker.id), ` ${sentence} `, toType(command)];
}

function noTicks() {
  const { silent, cron, zone } = DATA.ticks;
  if (silent === null) return [];
  const [sentence, command] = silent;
  const expected = h("span", { class: "small block" }, "Expected: ", h("code", {}, cron), ` ${zone}. See `, h("a", { href: "#/trust" }, "whether ticks come"), ".");
  return [h("li", {}, `${sentence} `, toType(command), expected)];
}

function board() {
  return table({
    id: "board",
    caption: "How each worker stands",
    columns: ["Worker", "Health", "Last run", "Last slots", "Streak", "Next slot"],
    rows: DATA.workers.map((worker) => ({
      attributes: { "data-worker": worker.id, "data-health": worker.health },
      cells: [
        [workerLink(worker.id), h("span", { class: "dim small block" }, worker.agent ?? "no agent")],
        [healthChip(worker.health), pauseLine(worker)],
        lastRun(worker),
        spark(worker.recent),
        streak(worker.streak),
        worker.next === null ? "–" : [time(worker.next, ago(worker.next)), h("span", { class: "dim small block" }, when(worker.next))],
      ],
    })),
  });
}

function pauseLine({ pause, paused_in_registry }) {
  if (pause === null) return paused_in_registry ? h("span", { class: "dim small block" }, "by the registry") : null;
  const until = pause.until === null ? "" : ` until ${when(pause.until)}`;
  return h("span", { class: "dim small block" }, `by ${pause.by}${until}${pause.reason ? `: ${pause.reason}` : ""}`);
}

function lastRun({ last, skipped }) {
  if (last === null || last.outcome === null) return "never";
  return [
    outcomeChip(last.outcome, last.final),
    last.at === null ? null : [" ", time(last.at, ago(last.at)), h("span", { class: "dim small block" }, when(last.at))],
    skipped ? h("span", { class: "small block" }, skipped) : null,
  ];
}

/** The outcomes of the newest slots as signs, oldest first. */
function spark(recent) {
  if (!recent.length) return "–";
  const counts = new Map();
  for (const [outcome] of recent) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const said = WORST_FIRST.filter((name) => counts.has(name)).map((name) => `${grouped(counts.get(name))} ${word(name)}`);
  const signs = recent.map(([outcome, first, number]) =>
    h("span", { class: OUTCOMES[outcome].kind, title: `${when(first)}: ${word(outcome)}${number > 1 ? `, one of ${count(number, "slot")} from then on` : ""}` }, OUTCOMES[outcome].sign),
  );
  return h("span", { class: "spark", role: "img", "aria-label": `last slots: ${said.join(", ")}; the newest ${word(recent.at(-1)[0])}` }, signs);
}

function streak(number) {
  if (number === 0) return "–";
  const many = Math.abs(number) >= 99 ? "99 or more" : String(Math.abs(number));
  return number > 0 ? `${many} good` : h("span", { class: "bad-text" }, `${many} bad`);
}
