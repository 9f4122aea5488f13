// How outcomes, times, spans and counts are said: as `loom status` says them. Every time is in seconds, UTC.

const OUTCOMES = {
  succeeded: { sign: "✓", kind: "good" },
  failed: { sign: "✗", kind: "bad" },
  invalid: { sign: "✗", kind: "bad" },
  timed_out: { sign: "✗", kind: "bad" },
  blocked: { sign: "✗", kind: "bad" },
  missed: { sign: "✗", kind: "bad" },
  abandoned: { sign: "✗", kind: "bad" },
  skipped: { sign: "–", kind: "idle" },
  superseded: { sign: "–", kind: "idle" },
  open: { sign: "◐", kind: "open" },
};

const HEALTHS = {
  up: { sign: "●", kind: "good", means: "its last word was good" },
  late: { sign: "◐", kind: "open", means: "something is owed, and will be tried" },
  down: { sign: "✗", kind: "bad", means: "its last word was bad: it needs a look" },
  new: { sign: "○", kind: "idle", means: "it has never run" },
  paused: { sign: "‖", kind: "idle", means: "a person paused it" },
  disabled: { sign: "·", kind: "idle", means: "the registry disables it" },
  broken: { sign: "✗", kind: "bad", means: "its registry entry has mistakes" },
};

const SEVERITIES = {
  critical: { sign: "✗", kind: "bad" },
  warning: { sign: "!", kind: "open" },
  info: { sign: "i", kind: "idle" },
};

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY = 86400;

function offsetAt(at) {
  let found = DATA.offsets[0];
  for (const offset of DATA.offsets) {
    if (offset[0] <= at) found = offset;
  }
  return found;
}

/** The fields of a clock in the page's zone, as a Date whose UTC fields they are. */
function clock(at) {
  return new Date((at + offsetAt(at)[1]) * 1000);
}

function two(number) {
  return String(number).padStart(2, "0");
}

/** `Sat 21 Nov 06:00 CST`; with the year where it isn't the page's own. */
function when(at) {
  const shown = clock(at);
  const year = shown.getUTCFullYear();
  const ofYear = year === clock(DATA.at).getUTCFullYear() ? "" : ` ${year}`;
  const day = `${WEEKDAYS[shown.getUTCDay()]} ${shown.getUTCDate()} ${MONTHS[shown.getUTCMonth()]}`;
  return `${day}${ofYear} ${two(shown.getUTCHours())}:${two(shown.getUTCMinutes())} ${offsetAt(at)[2]}`;
}

/** `3 h ago`, `in 25 min`: as of `now`, the page's own time unless another is given. */
function ago(at, now = DATA.at) {
  return at <= now ? `${span(now - at)} ago` : `in ${span(at - now)}`;
}

/** `0.4 s`, `12 s`, `25 min`, `3 h 10 min`, `14 h`, `9 d` */
function span(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 10) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours < 48 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} d`;
}

function grouped(number) {
  return number.toLocaleString("en-US");
}

/** `1 slot`, `12 slots` */
function count(number, one, many = `${one}s`) {
  return `${grouped(number)} ${number === 1 ? one : many}`;
}

/** A measurement: as many digits as a person compares; one that nobody would read in full as `1e+300`. */
function measured(number) {
  const size = Math.abs(number);
  if (size >= 1e12 || (size < 1e-6 && size > 0)) return number.toExponential(2).replace(/\.?0+e/, "e");
  return Number(number.toPrecision(4)).toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

function word(name) {
  return name.replaceAll("_", " ");
}

/** The share of a whole in percent, never rounded up to 100; null for no whole. */
function share(part, whole) {
  return whole ? Math.floor((part / whole) * 1000) / 10 : null;
}

function shortId(id) {
  return id.slice(-12);
}

/** Day number `index` of the page, as a Date whose UTC fields are the day's. */
function dayAt(index) {
  return new Date(Date.parse(`${DATA.days.first}T00:00:00Z`) + index * DAY * 1000);
}

function isoDay(date) {
  return date.toISOString().slice(0, 10);
}

/** `Sat 21 Nov`, of `2026-11-21` */
function dayName(iso) {
  const date = new Date(`${iso}T00:00:00Z`);
  return `${WEEKDAYS[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/** What is too long keeps its two ends: `media-…-comments`. */
function inTheMiddle(text, most) {
  if (text.length <= most) return text;
  const tail = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(text.length - tail)}`;
}

function median(ascending) {
  const half = Math.floor(ascending.length / 2);
  return ascending.length % 2 ? ascending[half] : (ascending[half - 1] + ascending[half]) / 2;
}
