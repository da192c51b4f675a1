// Numbers and instants as people read them. What is not known is a dash, never a zero.

export const NONE = "–";
const NS_PER_MS = 1e6;
const UNITS_DIGITS = 9;

const known = value => typeof value === "number" && Number.isFinite(value);
const asked = new Map();

function written(value, least, most) {
  const key = `${least} ${most}`;
  if (!asked.has(key)) {
    asked.set(key, new Intl.NumberFormat("en-US", {minimumFractionDigits: least, maximumFractionDigits: most}));
  }
  // A minus as wide as a plus; and no minus before what rounds to nothing.
  const text = asked.get(key).format(value);
  return /^-[0.,]*$/.test(text) ? text.slice(1) : text.replace("-", "−");
}

export function money(value) {
  return known(value) ? written(value, 2, 2) : NONE;
}

export function signed(value) {
  return known(value) ? `${value > 0 ? "+" : ""}${written(value, 2, 2)}` : NONE;
}

export function percent(value, digits = 2) {
  return known(value) ? `${written(100 * value, digits, digits)}\u00a0%` : NONE;
}

// Cents, and more digits where a price is small enough to need them.
export function price(value) {
  if (!known(value)) return NONE;
  return Math.abs(value) >= 1 ? written(value, 2, 4) : written(value, 2, 8);
}

export function units(value) {
  return known(value) ? written(value, 0, UNITS_DIGITS) : NONE;
}

export function count(value) {
  return known(value) ? written(value, 0, 0) : NONE;
}

export function plain(value) {
  if (value === null || value === undefined || value === "") return NONE;
  if (typeof value === "number") return written(value, 0, 4);
  if (typeof value === "object") return JSON.stringify(value);
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

export function times(value) {
  return known(value) ? `${written(value, 0, 2)}\u00a0×` : NONE;
}

export function seconds(value) {
  return known(value) ? `${written(value, 0, value < 10 ? 1 : 0)}\u00a0s` : NONE;
}

// A duration [ns] with the unit that suits it.
export function duration(ns) {
  if (!known(ns)) return NONE;
  if (ns < 1e3) return `${written(ns, 0, 0)}\u00a0ns`;
  if (ns < 1e6) return `${written(ns / 1e3, 0, ns < 1e5 ? 1 : 0)}\u00a0µs`;
  if (ns < 1e9) return `${written(ns / 1e6, 0, ns < 1e8 ? 1 : 0)}\u00a0ms`;
  return `${written(ns / 1e9, 0, 2)}\u00a0s`;
}

export function ago(s) {
  if (s < 90) return `${Math.round(s)}\u00a0s`;
  return s < 5400 ? `${Math.round(s / 60)}\u00a0min` : `${Math.round(s / 3600)}\u00a0h`;
}

export function words(name) {
  return String(name).replaceAll("_", " ");
}

// Instants. They are integers [ns UTC]; a browser's clock knows milliseconds.

const TIME = new Intl.DateTimeFormat(undefined, {hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23"});
const DAY = new Intl.DateTimeFormat(undefined, {day: "numeric", month: "short"});
const DAY_OF_YEAR = new Intl.DateTimeFormat(undefined, {day: "numeric", month: "short", year: "numeric"});

// In local time, with its day where that is not the day of `near`; UTC in full as the title.
export function instant(ns, near = null, always = false) {
  if (!known(ns) || ns <= 0) return {text: NONE, title: "", iso: ""};
  const at = new Date(ns / NS_PER_MS);
  const beside = near ? new Date(near / NS_PER_MS) : new Date();
  const same = at.toDateString() === beside.toDateString() && !always;
  const day = at.getFullYear() === beside.getFullYear() && !always ? DAY : DAY_OF_YEAR;
  const iso = at.toISOString();
  const utc = `${iso.slice(0, 23).replace("T", " ")} UTC`;
  return {text: same ? TIME.format(at) : `${day.format(at)}, ${TIME.format(at)}`, title: utc, iso};
}
