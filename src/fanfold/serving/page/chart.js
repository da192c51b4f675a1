// Equity over the expected band, and drawdown below it: one drawing, redrawn as it grows.

import {roundTicks, tickText, timeScale, timeTicks} from "./axes.js";
import {say} from "./markup.js";

const SVG = "http://www.w3.org/2000/svg";
const TOP = 8, BOTTOM = 22, LEFT = 6, GAP = 24;
const NARROW_PX = 560;
const UNDER_SHARE = 0.24; // of the height, for drawdown
const DRAWDOWN_MIN = 0.001;
const AHEAD_SHARE = 0.25; // of what is past, of the expectation that lies ahead
const AHEAD_POINTS = 30;
const PAD_SHARE = 0.06;

function drawn(tag, attributes, parent) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (parent) parent.append(node);
  return node;
}

const at = number => number.toFixed(1);

// A line that is lifted where time was left out, or where there is no number.
function line(points, breaks) {
  let path = "", last = -Infinity, pen = "M";
  for (const [x, y] of points) {
    if (!Number.isFinite(y)) {
      pen = "M";
      continue;
    }
    if (breaks.some(one => last < one && one < x)) pen = "M";
    path += `${pen}${at(x)} ${at(y)}`;
    pen = "L";
    last = x;
  }
  return path;
}

// The part of the expectation that is drawn: what is past, and somewhat more.
export function aheadOf(expectation, now) {
  const {ts} = expectation;
  let past = ts.findIndex(one => one > now);
  if (past < 0) past = ts.length;
  return Math.min(ts.length, past + Math.max(AHEAD_POINTS, Math.ceil(AHEAD_SHARE * past)));
}

function nearest(ts, wanted) {
  let low = 0, high = ts.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ts[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - ts[low - 1] < ts[low] - wanted ? low - 1 : low;
}

export function chartIn(box, pointed) {
  const svg = drawn("svg", {role: "img", "aria-labelledby": "chart-title chart-words"}, box);
  const title = drawn("title", {id: "chart-title"}, svg);
  const words = drawn("desc", {id: "chart-words"}, svg);
  const grid = drawn("g", {class: "grid"}, svg);
  const band = drawn("path", {class: "band"}, svg);
  const median = drawn("path", {class: "median"}, svg);
  const under = drawn("path", {class: "under"}, svg);
  const drawdown = drawn("path", {class: "drawdown"}, svg);
  const equity = drawn("path", {class: "equity"}, svg);
  const newest = drawn("circle", {class: "newest", r: 3.5}, svg);
  const cross = drawn("line", {class: "cross", visibility: "hidden"}, svg);
  let actual = {ts: [], equity: [], drawdown: []}, expected = null, scale = null, pointer = null;

  function grids(ticks, top, bottom, right, text) {
    for (const {y, value} of ticks) {
      drawn("line", {x1: LEFT, x2: right, y1: at(y), y2: at(y)}, grid);
      drawn("text", {x: right + 6, y: at(y + 4)}, grid).textContent = text(value);
    }
  }

  function draw() {
    const width = Math.round(box.clientWidth), height = Math.round(box.clientHeight);
    if (width < 50 || height < 50) return;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    grid.replaceChildren();
    const now = actual.ts[actual.ts.length - 1] ?? -Infinity;
    const until = expected ? aheadOf(expected, now) : 0;
    const shown = expected ? expected.ts.slice(0, until) : [];
    const narrow = width < NARROW_PX;
    const right = width - (narrow ? 58 : 68);
    scale = timeScale([...actual.ts, ...shown], LEFT, right);
    const split = TOP + (height - TOP - BOTTOM - GAP) * (1 - UNDER_SHARE), base = height - BOTTOM;

    let values = [...actual.equity];
    if (expected) values = values.concat(expected.lower.slice(0, until), expected.upper.slice(0, until));
    values = values.filter(Number.isFinite);
    let low = Math.min(...values), high = Math.max(...values);
    if (!values.length) [low, high] = [0, 1];
    const pad = PAD_SHARE * (high - low) || 0.001 * Math.abs(high) || 1;
    [low, high] = [low - pad, high + pad];
    const yOf = value => split - (split - TOP) * (value - low) / (high - low);
    const deepest = Math.max(DRAWDOWN_MIN, ...actual.drawdown.filter(Number.isFinite)) * 1.1;
    const dOf = value => split + GAP + (base - split - GAP) * value / deepest;

    if (values.length) {
      const {ticks, step} = roundTicks(low, high, narrow ? 4 : 5);
      const digits = step < 1 ? 2 : 0;
      grids(ticks.map(value => ({value, y: yOf(value)})), TOP, split, right,
        value => value.toLocaleString("en-US", {minimumFractionDigits: digits, maximumFractionDigits: digits}));
      const depths = roundTicks(0, deepest, 2).ticks;
      grids(depths.map(value => ({value, y: dOf(value)})), split + GAP, base, right,
        value => `${(100 * value).toFixed(deepest < 0.02 ? 2 : 1)} %`);
      for (const tick of timeTicks(scale, narrow ? 3 : 6, narrow ? 92 : 104)) {
        drawn("line", {class: "tick", x1: at(tick.x), x2: at(tick.x), y1: base, y2: base + 4}, grid);
        const anchor = tick.x < LEFT + 40 ? "start" : tick.x > right - 30 ? "end" : "middle";
        drawn("text", {x: at(tick.x), y: height - 4, "text-anchor": anchor}, grid).textContent = tickText(tick);
      }
      for (const one of scale.breaks) {
        drawn("line", {class: "break", x1: at(one), x2: at(one), y1: TOP, y2: base}, grid);
      }
    }
    const points = (ts, values, y) => ts.map((one, place) => [scale.place(one), y(values[place])]);
    equity.setAttribute("d", line(points(actual.ts, actual.equity, yOf), []));
    const depth = points(actual.ts, actual.drawdown, dOf).filter(([, y]) => Number.isFinite(y));
    drawdown.setAttribute("d", line(depth, []));
    under.setAttribute("d", depth.length
      ? `${line(depth, [])}L${at(depth[depth.length - 1][0])} ${at(dOf(0))}L${at(depth[0][0])} ${at(dOf(0))}Z` : "");
    const ahead = expected ? line(points(shown, expected.median, yOf), []) : "";
    median.setAttribute("d", ahead);
    const upper = expected ? points(shown, expected.upper, yOf) : [];
    const lower = expected ? points(shown, expected.lower, yOf).reverse() : [];
    const outline = [...upper, ...lower].map(([x, y]) => `${at(x)} ${at(y)}`).join("L");
    band.setAttribute("d", outline ? `M${outline}Z` : "");
    const last = actual.equity.length - 1;
    const seen = last >= 0 && Number.isFinite(actual.equity[last]);
    newest.setAttribute("visibility", seen ? "visible" : "hidden");
    if (seen) {
      newest.setAttribute("cx", at(scale.place(actual.ts[last])));
      newest.setAttribute("cy", at(yOf(actual.equity[last])));
    }
    cross.setAttribute("y1", TOP);
    cross.setAttribute("y2", base);
    point();
  }

  function point() {
    if (pointer === null || !actual.ts.length) {
      cross.setAttribute("visibility", "hidden");
      pointed(null);
      return;
    }
    // Places rise with time, so the nearest place is the nearest instant.
    const place = nearest(actual.ts.map(scale.place), pointer);
    const x = at(scale.place(actual.ts[place]));
    for (const name of ["x1", "x2"]) cross.setAttribute(name, x);
    cross.setAttribute("visibility", "visible");
    pointed(place);
  }
  box.addEventListener("pointermove", event => {
    pointer = event.clientX - box.getBoundingClientRect().left;
    point();
  });
  box.addEventListener("pointerleave", () => {
    pointer = null;
    point();
  });
  new ResizeObserver(draw).observe(box);

  return function show(series, expectation, told) {
    actual = series;
    expected = expectation;
    say(title, "Equity and drawdown");
    say(words, told);
    draw();
  };
}
