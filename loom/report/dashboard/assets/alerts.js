// Who was told of what, and for how long troubles lasted.

function alertsView() {
  const box = alertTable("alerts", DATA.alerts);
  const body = box.querySelector("tbody");
  const rows = [...body.rows];
  const waiting = rows.filter((row) => row.dataset.state !== "sent");
  const said = h("span", { class: "dim small", role: "status" });
  const [label, select] = choice(
    "alert-filter",
    "Show",
    [["all", `all (${rows.length})`], ["not delivered", `not delivered (${waiting.length})`]],
    () => show(),
  );
  const paged = pages(body, "alert");
  const show = () => {
    const kept = select.value === "all" ? rows : waiting;
    paged.show(kept);
    said.textContent = ` ${count(kept.length, "alert")}`;
  };
  show();
  return {
    name: "alerts",
    title: "Alerts",
    parts: [
      h("h1", {}, "Alerts"),
      h("p", { class: "filters" }, label, said),
      rows.length ? [box, paged.button, older(DATA.alerts_left, "alert")] : nothing(`No alert in the last ${count(DATA.days.count, "day")}.`),
      section("Episodes", {}, DATA.episodes.length ? episodes() : nothing("There was no trouble to tell of.")),
    ],
  };
}

function alertTable(id, alerts) {
  return table({
    id,
    caption: "Alerts, newest first",
    columns: ["When", "Event", "Worker", "What", "By", "State"],
    rows: alerts.map((alert) => ({
      attributes: { "data-state": alert.state, "data-event": alert.event },
      cells: [
        time(alert.at),
        alert.event,
        alert.worker === null ? "–" : isKnown(alert.worker) ? workerLink(alert.worker) : alert.worker,
        h("span", { class: "said" }, alert.summary),
        alert.hook,
        deliveryState(alert),
      ],
    })),
  });
}

function isKnown(id) {
  return DATA.workers.some((worker) => worker.id === id);
}

function deliveryState({ state, error }) {
  if (state === "sent") return chip("good", "✓", "sent");
  return [
    state === "failed" ? chip("bad", "✗", "failed") : chip("open", "◐", state),
    error ? h("span", { class: "small block" }, error) : null,
  ];
}

function episodes() {
  const box = table({
    id: "episodes",
    caption: "Episodes: one trouble of one subject, from its first bad outcome to its recovery",
    columns: ["Subject", "State", "Opened", "Lasted", "Gathered", "Last said"],
    rows: DATA.episodes.map((episode) => ({
      attributes: { "data-state": episode.closed === null ? "open" : "closed" },
      cells: [
        isKnown(episode.subject) ? workerLink(episode.subject) : episode.subject,
        episode.closed === null ? chip("bad", "✗", "open") : chip("good", "✓", "closed"),
        time(episode.opened),
        episode.closed === null ? `${span(DATA.at - episode.opened)} so far` : span(episode.closed - episode.opened),
        count(episode.gathered, "bad outcome"),
        h("span", { class: "said" }, episode.summary || "–"),
      ],
    })),
  });
  const body = box.querySelector("tbody");
  const paged = pages(body, "episode", 50);
  paged.show([...body.rows]);
  return [box, paged.button, older(DATA.episodes_left, "episode")];
}
