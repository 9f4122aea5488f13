// May one rely on it? Whether ticks come, under which rules runs were, and how far the promises are kept.

function trust() {
  const late = DATA.ticks.late.filter(([, seconds]) => seconds !== null).map(([at, seconds]) => [at, seconds, false]);
  const drawn = chart("Lateness of ticks", late, span, "tick");
  return {
    name: "trust",
    title: "Trust",
    settle: () => drawn?.draw(),
    parts: [
      h("h1", {}, "Trust"),
      section("The three promises", {}, promises()),
      section(
        "Whether ticks come",
        { id: "trigger" },
        h("ul", {}, DATA.ticks.lines.map((line) => h("li", {}, line))),
        h("p", { class: "small dim" }, "Expected: ", h("code", {}, DATA.ticks.cron), ` ${DATA.ticks.zone}`),
        drawn ? h("div", { class: "charts wide" }, drawn.figure) : null,
        DATA.ticks.days.length ? tickDays() : null,
      ),
      section(
        "Enforcement",
        { id: "digests" },
        h("p", {}, "Each run records the digest of the rules that it was under. A new line begins where the digest changed, as far back as the runs on this page go."),
        DATA.digests.length ? [digests(), older(DATA.digests_left, "change")] : nothing("No run under a digest is on record yet."),
      ),
    ],
  };
}

function tickDays() {
  return table({
    id: "tick-days",
    narrow: true,
    caption: "Ticks by day, newest first",
    columns: ["Day", "Came", "Dropped", "Median lateness", "Most"],
    rows: DATA.ticks.days.map(([day, expected, came, middle, most]) => ({
      cells: [
        dayName(day),
        [h("meter", { min: "0", max: String(expected), value: String(came), "aria-label": `ticks that came on ${dayName(day)}` }), ` ${came} of ${expected}`],
        expected === came ? "none" : h("span", { class: "bad-text" }, `✗ ${expected - came}`),
        middle === null ? "–" : span(middle),
        most === null ? "–" : span(most),
      ],
    })),
  });
}

function digests() {
  return table({
    id: "digest-history",
    caption: "Enforcement digests, newest first",
    columns: ["Digest", "First seen", "Last seen", "Runs on this page", "Rules"],
    rows: DATA.digests.map(([digest, first, last, runs, rules]) => ({
      cells: [h("code", { title: digest, class: "digest" }, digest), time(first), time(last), grouped(runs), rules ? grouped(rules) : "not recorded"],
    })),
  });
}
