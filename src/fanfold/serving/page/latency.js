// Latency of each stage: quantiles, and how the times are spread, drawn on a logarithmic axis.

import {find, made, say, tableIn} from "./markup.js";
import {count, duration, words} from "./numbers.js";

const SVG = "http://www.w3.org/2000/svg";
const LOW_NS = 1e3, HIGH_NS = 1e9; // the axis; what is beyond lies at its ends
const WIDE = 300, TALL = 26, BASE = 22;
const UPTO = "le_"; // prefix of how many times were at most so many nanoseconds
const MEANINGS = {
  decode: "reading a message", book: "into the book", forward: "passing it on", hop: "between processes",
  tape: "onto the tape", step: "the strategy's step", intent: "to its intent", check: "risk's checks",
  submit: "approval to order bytes", round_trip: "broker's answer", tick_to_order: "tick to order bytes",
};

function place(ns) {
  const share = Math.log(Math.max(ns, LOW_NS) / LOW_NS) / Math.log(HIGH_NS / LOW_NS);
  return WIDE * Math.min(share, 1);
}

// Times in each span between bounds, which double: [from, to, count].
function spansOf(times) {
  const bounds = Object.keys(times).filter(name => name.startsWith(UPTO))
    .map(name => Number(name.slice(UPTO.length))).sort((a, b) => a - b);
  let before = 0;
  return bounds.map(to => {
    const span = [to / 2, to, times[UPTO + to] - before];
    before = times[UPTO + to];
    return span;
  });
}

function barsOf(times) {
  const spans = spansOf(times), most = Math.max(1, ...spans.map(one => one[2]));
  return spans.filter(one => one[2] > 0).map(([from, to, many]) => {
    const x = place(from), wide = Math.max(place(to) - x - 0.5, 0.5), tall = Math.max(1, (BASE - 4) * many / most);
    return `M${x.toFixed(1)} ${BASE}v${(-tall).toFixed(1)}h${wide.toFixed(1)}v${tall.toFixed(1)}Z`;
  }).join("");
}

function drawn(tag, attributes, parent) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent.append(node);
  return node;
}

function pictureOf() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDE} ${TALL}`);
  svg.setAttribute("class", "spread");
  svg.setAttribute("role", "img");
  for (let ns = LOW_NS; ns <= HIGH_NS; ns *= 1e3) {
    const x = Math.min(Math.max(place(ns), 0.5), WIDE - 0.5);
    drawn("line", {class: "decade", x1: x, x2: x, y1: 2, y2: TALL}, svg);
  }
  const bars = drawn("path", {class: "bars"}, svg);
  const line = drawn("line", {class: "range", y1: BASE + 2, y2: BASE + 2}, svg);
  const half = drawn("line", {class: "half", y1: 3, y2: BASE + 3}, svg);
  const tail = drawn("line", {class: "tail", y1: 3, y2: BASE + 3}, svg);
  return {svg, show(times) {
    bars.setAttribute("d", barsOf(times));
    for (const [node, from, to] of [
      [line, times.p50, times.max], [half, times.p50, times.p50], [tail, times.p99, times.p99],
    ]) {
      node.setAttribute("x1", place(from).toFixed(1));
      node.setAttribute("x2", place(to).toFixed(1));
    }
    svg.setAttribute("aria-label", `half within ${duration(times.p50)}, 99 of 100 within ${
      duration(times.p99)}, longest ${duration(times.max)}`);
  }};
}

const pictures = new Map();

function picture({key, times}) {
  if (!pictures.has(key)) pictures.set(key, pictureOf());
  const {svg, show} = pictures.get(key);
  show(times);
  return svg;
}

const COLUMNS = [
  {name: "Stage", kind: "text", of: one => one.label},
  {name: "Times", kind: "n wide", of: one => count(one.times.count)},
  {name: "p50", kind: "n", of: one => duration(one.times.p50)},
  {name: "p99", kind: "n", of: one => duration(one.times.p99)},
  {name: "p99.9", kind: "n wide", of: one => duration(one.times.p999)},
  {name: "Longest", kind: "n wide", of: one => duration(one.times.max)},
  {name: "1 µs to 1 s", kind: "spread-cell", of: picture},
];

let rows = null;

function label(component, stage) {
  const meaning = MEANINGS[stage];
  return made("span", {}, `${words(component)}: `, made("span", {class: "soft"}, meaning ?? words(stage)));
}

const labels = new Map();

export function showLatency({components}) {
  rows ??= tableIn(find("latency"), "Latency by component and stage", COLUMNS, "No time has been measured.");
  const found = components.flatMap(({name, latency}) => Object.entries(latency)
    .filter(([, times]) => times.count > 0)
    .map(([stage, times]) => {
      const key = `${name} ${stage}`;
      if (!labels.has(key)) labels.set(key, label(name, stage));
      return {key, times, label: labels.get(key)};
    }));
  rows(found, one => one.key);
  say(find("latency-words"), found.length
    ? "Since each component's start. Bars: how often, on a logarithmic axis; lines: half, and 99 of 100." : "");
}
