// Charts over time, drawn by uPlot. Each stands beside its figures in words, which say the same to everybody.

// Where lengths of time are divided: not into tens.
const SPANS = [0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, DAY, 2 * DAY, 7 * DAY];

let charts = [];

function forgetCharts() {
  for (const { plot, watcher } of charts) {
    watcher.disconnect();
    plot.destroy();
  }
  charts = [];
}

/** A chart with its title and its figures. points: [at, value, bad] each, oldest first, value null for none.
 * say: how a value is said. unit: what a point is. */
function chart(title, points, say, unit = "run") {
  const known = points.filter(([, value]) => value !== null);
  const values = known.map(([, value]) => value).sort((a, b) => a - b);
  if (!values.length) return null;
  const words =
    `min ${say(values[0])} · median ${say(median(values))} · max ${say(values.at(-1))} · ` +
    `last ${say(known.at(-1)[1])}`;
  const bad = known.filter((point) => point[2]).length;
  const label = `${title} from ${when(known[0][0])} to ${when(known.at(-1)[0])}, ${count(known.length, unit)}: ${words}`;
  const plot = h("div", { class: "plot", role: "img", "aria-label": label });
  const readout = h("p", { class: "readout", "aria-hidden": "true" });
  const figure = h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, title),
    readout,
    plot,
    h("p", { class: "figures small" }, words, bad ? ` · ${count(bad, unit)} ended badly (rings)` : ""),
  );
  return { figure, draw: () => draw(plot, readout, points, say) };
}

function draw(box, readout, points, say) {
  const styles = getComputedStyle(document.documentElement);
  const colour = (name) => styles.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--dim"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  const columns = [
    points.map(([at]) => at),
    points.map(([, value]) => value),
    points.map(([, value, bad]) => (bad ? value : null)),
  ];
  const lone = points.length < 60;
  const plot = new uPlot(
    {
      width: Math.max(box.clientWidth, 120),
      height: 150,
      tzDate: inZone,
      legend: { show: false },
      padding: [8, 8, 0, 0],
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { y: { range: (_, low, high) => rangeOf(low, high) } },
      series: [
        {},
        { stroke: colour("--link"), width: 1.5, spanGaps: true, points: { show: lone, size: 5, fill: colour("--link") } },
        {
          paths: () => null,
          points: { show: true, size: 9, width: 2, stroke: colour("--bad"), fill: colour("--surface") },
        },
      ],
      axes: [
        { ...axis, size: 24, space: 64, values: (_, splits, __, ___, step) => splits.map((at) => tickName(at, step)) },
        { ...axis, size: say === span ? 68 : 52, space: 30, values: (_, splits) => splits.map((value) => (value ? say(value) : "0")), ...(say === span ? { incrs: SPANS } : {}) },
      ],
      hooks: {
        setCursor: [
          ({ cursor }) => {
            const point = cursor.idx === null || cursor.idx === undefined ? null : points[cursor.idx];
            readout.textContent = point && point[1] !== null ? `${when(point[0])}: ${say(point[1])}` : "";
          },
        ],
      },
    },
    columns,
    box,
  );
  const watcher = new ResizeObserver(() => {
    const width = Math.max(box.clientWidth, 120);
    if (Math.abs(width - plot.width) > 1) plot.setSize({ width, height: 150 });
  });
  watcher.observe(box);
  charts.push({ plot, watcher });
}

/** A scale that shows how large values are, not only how they differ: from zero if they are above it. */
function rangeOf(low, high) {
  const bottom = Math.min(0, low);
  const top = Math.max(high, 0);
  return [bottom, top === bottom ? bottom + 1 : top + (top - bottom) * 0.08];
}

function inZone(at) {
  const date = new Date(at * 1000);
  try {
    return uPlot.tzDate(date, DATA.zone);
  } catch {
    return uPlot.tzDate(date, "Etc/UTC"); // a zone that this browser doesn't know
  }
}

function tickName(at, step) {
  const shown = clock(at);
  if (step >= 300 * DAY) return String(shown.getUTCFullYear());
  if (step < DAY && (shown.getUTCHours() || shown.getUTCMinutes())) {
    return `${two(shown.getUTCHours())}:${two(shown.getUTCMinutes())}`;
  }
  return `${shown.getUTCDate()} ${MONTHS[shown.getUTCMonth()]}`;
}
