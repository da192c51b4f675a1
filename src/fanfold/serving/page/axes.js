// Scales of the chart: time without the hours in which nothing happens, and round numbers.

const GAP_SHARE = 0.012; // of the width, for all that a gap leaves out
const GAP_STEPS = 20;
const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const GAP_MS_MIN = 4 * HOUR; // a night; a stretch without samples is none
const STEPS = [
  SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE,
  30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 365 * DAY,
];

// Spans of time in which there is anything; nights and weekends lie between them.
function spansOf(instants) {
  const sorted = [...new Set(instants)].sort((a, b) => a - b);
  if (!sorted.length) return [];
  const steps = sorted.slice(1).map((ts, at) => ts - sorted[at]).sort((a, b) => a - b);
  const usual = steps.length ? steps[Math.floor(steps.length / 2)] : 0;
  const gap = Math.max(GAP_STEPS * usual, GAP_MS_MIN);
  const spans = [[sorted[0], sorted[0]]];
  for (const ts of sorted.slice(1)) {
    const last = spans[spans.length - 1];
    if (ts - last[1] > gap) spans.push([ts, ts]);
    else last[1] = ts;
  }
  return spans;
}

// Places of instants between `left` and `right`. `breaks` are where time was left out.
export function timeScale(instants, left, right) {
  const spans = spansOf(instants);
  const width = right - left, between = GAP_SHARE * width;
  const lasting = spans.reduce((sum, [from, to]) => sum + to - from, 0);
  const room = Math.max(width - between * (spans.length - 1), width / 2);
  const each = (width - room) / Math.max(spans.length - 1, 1);
  let at = left;
  const parts = spans.map(([from, to]) => {
    const wide = lasting ? room * (to - from) / lasting : 0;
    const part = {from, to, left: at, right: at + wide};
    at += wide + each;
    return part;
  });
  function place(ts) {
    for (const part of parts) {
      if (ts <= part.to) {
        if (ts < part.from) return part.left;
        return part.to > part.from
          ? part.left + (part.right - part.left) * (ts - part.from) / (part.to - part.from) : part.left;
      }
    }
    return parts.length ? parts[parts.length - 1].right : left;
  }
  const breaks = parts.slice(1).map(part => part.left - each / 2);
  return {place, parts, breaks, lasting};
}

// Local midnight and what follows it in even steps: so whole hours are whole hours here.
function evenlyFrom(ts, step) {
  const day = new Date(ts);
  day.setHours(0, 0, 0, 0);
  return day.getTime() + Math.ceil((ts - day.getTime()) / step) * step;
}

export function timeTicks(scale, most, apart) {
  const step = STEPS.find(one => scale.lasting / one <= most) ?? STEPS[STEPS.length - 1];
  const ticks = [];
  let last = -Infinity, day = "";
  for (const {from, to} of scale.parts) {
    for (let ts = evenlyFrom(from, step); ts <= to; ts += step) {
      const x = scale.place(ts);
      if (x - last < apart) continue;
      const at = new Date(ts), today = at.toDateString();
      ticks.push({x, at, opensDay: today !== day, step});
      last = x;
      day = today;
    }
  }
  return ticks;
}

export function tickText({at, opensDay, step}) {
  const date = {day: "numeric", month: "short"};
  if (step >= DAY) return at.toLocaleDateString(undefined, date);
  const clock = {hour: "2-digit", minute: "2-digit", hourCycle: "h23"};
  if (step < MINUTE) clock.second = "2-digit";
  return (opensDay ? `${at.toLocaleDateString(undefined, date)}, ` : "") + at.toLocaleTimeString(undefined, clock);
}

// Round numbers that cover what is between.
export function roundTicks(low, high, most) {
  const wide = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(wide / most));
  const step = [1, 2, 2.5, 5, 10].map(one => one * power).find(one => wide / one <= most) ?? 10 * power;
  const ticks = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) ticks.push(at);
  return {ticks, step};
}
