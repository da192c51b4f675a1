// Equity as it was, from the API, and as it goes on, from the stream; and what was expected.

import {aheadOf, chartIn} from "./chart.js";
import {find, reveal, say, tableIn} from "./markup.js";
import {instant, money, percent} from "./numbers.js";

const NS_PER_MS = 1e6;
const POINTS_MAX = 1200;
const TABLE_ROWS = 30;
const BACK_MS = 60_000;

let series = {ts: [], equity: [], drawdown: []};
let expectation = null;
let absent = "";
let chart = null;
let rows = null;
let near = null;

// Old points are thinned when there are too many; the newest half stays as it is.
function thinned(one) {
  if (one.ts.length <= POINTS_MAX) return one;
  const half = Math.floor(one.ts.length / 2);
  const keep = list => list.filter((_, place) => place >= half || place % 2 === 0);
  return {ts: keep(one.ts), equity: keep(one.equity), drawdown: keep(one.drawdown)};
}

function push(ts, equity, drawdown) {
  const last = series.ts[series.ts.length - 1];
  if (last !== undefined && ts < last) return;
  if (last === ts) for (const list of Object.values(series)) list.pop();
  series.ts.push(ts);
  series.equity.push(equity);
  series.drawdown.push(drawdown);
  series = thinned(series);
}

// What the API has, and after it what only this page has seen.
export function takeEquity({ts, equity, drawdown}) {
  const seen = series;
  series = thinned({ts: ts.map(one => one / NS_PER_MS), equity: [...equity], drawdown: [...drawdown]});
  seen.ts.forEach((one, place) => push(one, seen.equity[place], seen.drawdown[place]));
  show();
}

export function takeState({clock, money: {equity, drawdown}}) {
  near = clock;
  // A clock that goes back is another session: the venue began anew.
  if (clock && clock / NS_PER_MS < (series.ts[series.ts.length - 1] ?? 0) - BACK_MS) {
    series = {ts: [], equity: [], drawdown: []};
  }
  if (clock && equity !== null) push(clock / NS_PER_MS, equity, drawdown ?? NaN);
  show();
}

export function takeExpectation(found, why) {
  absent = why;
  expectation = found && found.ts.length ? {...found, ts: found.ts.map(one => one / NS_PER_MS)} : null;
  show();
}

// Whether the expectation has ended before an instant.
function isOver(ts) {
  return expectation !== null && ts >= expectation.ts[expectation.ts.length - 1] + 1000 * expectation.bar_seconds;
}

// Where the expectation stood at an instant: the last bar that had ended.
function expectedAt(ts) {
  if (!expectation || ts < expectation.ts[0] || isOver(ts)) return null;
  let place = expectation.ts.findIndex(one => one > ts) - 1;
  if (place < -1) place = expectation.ts.length - 1;
  const {median, lower, upper} = expectation;
  return {median: median[place], lower: lower[place], upper: upper[place]};
}

function readingAt(place) {
  const ts = series.ts[place];
  const beside = expectedAt(ts);
  const expected = beside
    ? `; expected ${money(beside.median)}, between ${money(beside.lower)} and ${money(beside.upper)}` : "";
  const depth = percent(series.drawdown[place]);
  return `${instant(ts * NS_PER_MS, near).text}: equity ${money(series.equity[place])}, drawdown ${depth}${expected}`;
}

function pointed(place) {
  const last = series.ts.length - 1;
  say(find("reading"), last < 0 ? "No equity has been measured yet." : readingAt(place ?? last));
}

function verdict() {
  const box = find("verdict");
  reveal(box, expectation !== null);
  if (!expectation) return;
  const level = percent(expectation.level, 0);
  say(box, expectation.inside ? `inside the ${level} band` : `OUTSIDE the ${level} band`);
  box.dataset.inside = expectation.inside ? "yes" : "no";
}

function show() {
  if (!chart) {
    chart = chartIn(find("chart"), pointed);
    rows = tableIn(find("equity-table"), "Equity, newest first", [
      {name: "At", of: ([ts]) => instant(ts * NS_PER_MS, near)},
      {name: "Equity", kind: "n", of: one => money(one[1])},
      {name: "Drawdown", kind: "n", of: one => percent(one[2])},
      {name: "Expected", kind: "n wide", of: one => money(expectedAt(one[0])?.median)},
      {name: "Lower", kind: "n wide", of: one => money(expectedAt(one[0])?.lower)},
      {name: "Upper", kind: "n wide", of: one => money(expectedAt(one[0])?.upper)},
    ], "No equity has been measured yet.");
  }
  verdict();
  say(find("band-words"), `expected band${expectation ? `, ${percent(expectation.level, 0)}` : ""}`);
  const last = series.ts.length - 1;
  say(find("expected"), expectation
    ? `Expected: ${expectation.source}. The band holds whole paths, not single bars, for ${expectation.bars} bars${
      isOver(series.ts[last] ?? 0) ? "; they are over" : ""}.`
    : absent && `No expectation: ${absent}`);
  const ahead = expectation ? `; ${aheadOf(expectation, series.ts[last] ?? 0)} bars of the expectation are drawn` : "";
  chart(series, expectation, last < 0 ? "Nothing yet." : `${readingAt(last)}${ahead}.`);
  if (find("equity-table").parentElement.open) {
    const newest = series.ts.map((ts, place) => [ts, series.equity[place], series.drawdown[place]]);
    rows(newest.slice(-TABLE_ROWS).reverse(), one => one[0]);
  }
}
