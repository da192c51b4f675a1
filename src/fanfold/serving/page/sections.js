// What a state says, section by section: tables and tiles that change only where it changed.

import {find, pairsIn, reveal, say, tableIn} from "./markup.js";
import {ago, count, instant, money, NONE, percent, plain, price, signed, units, words} from "./numbers.js";
import {howFar, whyRefused} from "./refusals.js";

const NS = 1e9;
const MOVED_MS = 1500;
const OLD_QUOTE_S = 600;
const SIDES = {buy: "bought", sell: "sold"};
const MODES = {local: "LOCAL", paper: "PAPER", live: "LIVE · real money"};
const STATUSES = {up: "up", waiting: "waiting", halted: "HALTED", down: "DOWN"};

const direction = value => value > 0 ? "gain" : value < 0 ? "loss" : "";

function age(ns, clock) {
  return ns > 0 && clock > 0 ? Math.max(0, (clock - ns) / NS) : null;
}

// Which way a price went when it last moved, for a moment: an arrow and a colour.
const moves = new Map();

function moved(key, value) {
  const before = moves.get(key);
  const now = performance.now();
  if (!before || before.value !== value) {
    const way = before && value !== null && before.value !== null ? Math.sign(value - before.value) : 0;
    moves.set(key, {value, way, at: now});
  }
  const {way, at} = moves.get(key);
  return now - at < MOVED_MS ? ["", "rose", "fell"].at(way) : "";
}

function quoted(symbol, side, value) {
  return {text: price(value), kind: moved(`${symbol} ${side}`, value)};
}

const QUOTES = [
  {name: "Symbol", of: one => one.symbol},
  {name: "Bid", kind: "n price", of: one => quoted(one.symbol, "bid", one.bid)},
  {name: "Ask", kind: "n price", of: one => quoted(one.symbol, "ask", one.ask)},
  {name: "Spread", kind: "n wide", of: ({bid, ask}) =>
    bid > 0 && ask > 0 ? percent((ask - bid) / (0.5 * (ask + bid)), 3) : NONE},
  {name: "Age", kind: "n", of: ({ts}, {clock}) => {
    const s = age(ts, clock);
    return s === null ? NONE : {text: ago(s), kind: s > OLD_QUOTE_S ? "warn" : ""};
  }},
];

const POSITIONS = [
  {name: "Symbol", of: one => one.symbol},
  {name: "Units", kind: "n", of: one => units(one.units)},
  {name: "Price", kind: "n", of: one => price(one.price)},
  {name: "Value", kind: "n", of: one => money(one.value)},
  {name: "Share", kind: "n", of: one => percent(one.share, 1)},
];

const ORDERS = [
  {name: "Symbol", of: one => one.symbol},
  {name: "For", of: one => words(one.role)},
  {name: "State", of: one => words(String(one.state).toLowerCase())},
  {name: "Left", kind: "n", of: one => units(one.left)},
  {name: "Limit", kind: "n", of: one => price(one.limit)},
  {name: "Stop", kind: "n wide", of: one => price(one.stop)},
  {name: "Since", kind: "wide", of: (one, {clock}) => instant(one.created_at, clock)},
  {name: "Name", kind: "wide name", of: one => ({text: one.client_order_id, title: one.client_order_id})},
];

const FILLS = [
  {name: "At", of: (one, {clock}) => instant(one.ts, clock)},
  {name: "Symbol", of: one => one.symbol},
  {name: "Side", of: one => SIDES[one.side] ?? plain(one.side)},
  {name: "Units", kind: "n", of: one => units(Math.abs(one.units))},
  {name: "Price", kind: "n", of: one => price(one.price)},
  {name: "Fee", kind: "n wide", of: one => money(one.fee)},
  {name: "For", kind: "wide", of: one => words(one.role)},
];

const REFUSALS = [
  {name: "At", of: (one, {clock}) => instant(one.at, clock)},
  {name: "Symbol", of: one => one.symbol},
  {name: "Why", kind: "text", of: one => ({text: `${whyRefused(one)}${howFar(one)}`, title: one.reason})},
  {name: "Goal becomes", kind: "n wide", of: one => units(one.allowed)},
];

const GOOD = new Set(["armed", "recording", "running"]);
const BAD = new Set(["down", "silent", "stopped"]);

function stateOf(component) {
  const {name, state} = component;
  const shown = name === "recorder" && (state === "armed" || state === "halted") ? "recording" : state;
  return {text: shown, kind: `state ${GOOD.has(shown) ? "good" : BAD.has(shown) ? "bad" : "warn"}`};
}

// What a component complains of; its gauges hold it as text.
function complaintOf({gauges}) {
  const said = ["problem", "disarmed", "gate_reason", "feed_reason", "snapshot_problem", "error"]
    .map(name => gauges[name]).filter(one => typeof one === "string" && one);
  if (gauges.write_errors > 0) said.push(`${count(gauges.write_errors)} write errors`);
  return said.join("; ") || NONE;
}

const COMPONENTS = [
  {name: "Component", of: one => words(one.name)},
  {name: "State", of: stateOf},
  {name: "Process", kind: "n wide", of: one => one.pid ? String(one.pid) : NONE},
  {name: "Starts", kind: "n", of: one => count(one.incarnation)},
  {name: "Waiting", kind: "n wide", of: ({gauges}) => count(gauges.backlog ?? gauges.waiting)},
  {name: "Says", kind: "text", of: complaintOf},
];

const GAUGES = [
  {name: "Component", of: one => words(one[0])},
  {name: "Name", kind: "text", of: one => words(one[1])},
  {name: "Value", kind: "n", of: one => plain(one[2])},
];

let tables = null;

function make() {
  const table = (id, caption, columns, nothing, most) => tableIn(find(id), caption, columns, nothing, most);
  tables = {
    quotes: table("quotes", "Quotes", QUOTES, "No quote has been heard."),
    positions: table("positions", "Positions", POSITIONS, "It holds nothing."),
    orders: table("orders", "Open orders", ORDERS, "No order is open."),
    fills: table("fills", "Fills, newest first", FILLS, "Nothing has been filled."),
    refusals: table("refusals", "Refusals, newest first", REFUSALS, "Nothing has been refused or trimmed."),
    components: table("components", "Components", COMPONENTS, "No component is known."),
    gauges: table("gauges", "Counts and gauges of all components", GAUGES, "None.", 200),
    tiles: pairsIn(find("tiles")),
  };
}

function tilesOf({money: one}) {
  const share = value => one.equity > 0 && value !== null ? `${percent(value / one.equity, 1)} of equity` : "";
  return [
    {name: "Equity", text: money(one.equity), beside: one.peak === null ? "" : `peak ${money(one.peak)}`},
    {name: "Today", text: signed(one.pnl_day), kind: direction(one.pnl_day),
      beside: one.day_start > 0 && one.pnl_day !== null ? percent(one.pnl_day / one.day_start) : ""},
    {name: "Drawdown", text: percent(one.drawdown), beside: "below the peak"},
    {name: "Gross exposure", text: money(one.gross), beside: share(one.gross)},
    {name: "Cash", text: money(one.cash), beside: share(one.cash)},
    {name: "Reserved by orders", text: money(one.reserved), beside: share(one.reserved)},
  ];
}

function showHead(state) {
  say(find("name"), state.deployment);
  const mode = find("mode"), status = find("status");
  say(mode, MODES[state.mode] ?? plain(state.mode));
  say(status, STATUSES[state.status] ?? plain(state.status));
  document.documentElement.dataset.mode = state.mode;
  status.dataset.status = state.status;
  for (const badge of [mode, status]) reveal(badge, true);
  const {text, title, iso} = instant(state.clock, state.at, true);
  const clock = find("clock");
  say(clock, text);
  clock.title = title;
  clock.dateTime = iso;
  const version = state.version ? `, version ${state.version}` : "";
  const restarts = state.restarts ? `, ${count(state.restarts)} restarts` : "";
  say(find("about"), `${state.strategy} on ${state.symbols.slice(0, 8).join(", ")}${
    state.symbols.length > 8 ? " …" : ""}${version}, epoch ${count(state.epoch)}${restarts}`);
}

function showTroubles(state) {
  const halt = find("halt"), latches = find("latches");
  reveal(halt, state.latches.length > 0);
  say(find("halt-title"), state.latches.length ? `${state.deployment} is halted` : "");
  const told = state.latches.map(one => {
    const {text} = instant(one.at);
    return `${words(one.name)}: ${one.reason} (${one.by}, ${text})`;
  });
  // An alert is read out whenever it changes, so it is left alone while it does not.
  if (latches.dataset.told !== told.join("\n")) {
    latches.dataset.told = told.join("\n");
    latches.replaceChildren(...told.map(text => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
  }
  const reasons = [];
  if (state.supervisor !== "running") reasons.push("its supervisor does not run");
  if (state.waits_for) reasons.push(`it waits for ${state.waits_for}`);
  if (state.gate !== "open" && !state.latches.length) reasons.push(`no order may leave, the gate is ${state.gate}`);
  reveal(find("waits"), reasons.length > 0);
  say(find("waits"), reasons.length ? `${state.deployment}: ${reasons.join("; ")}.` : "");
}

function gaugesOf(components) {
  return components.flatMap(({name, counts, gauges}) =>
    [...Object.entries(counts), ...Object.entries(gauges)].map(([key, value]) => [name, key, value]));
}

export function showState(state) {
  if (!tables) make();
  showHead(state);
  showTroubles(state);
  tables.tiles(tilesOf(state));
  tables.quotes(state.quotes, one => one.symbol, state);
  tables.positions(state.positions, one => one.symbol, state);
  tables.orders(state.orders, one => one.client_order_id, state);
  tables.fills(state.fills, (one, place) => `${one.client_order_id} ${one.ts} ${state.fills.length - place}`, state);
  tables.refusals(state.refusals, (one, place) => `${one.at} ${one.symbol} ${one.reason} ${place}`, state);
  tables.components(state.components, one => one.name);
  if (find("gauges").parentElement.open) {
    tables.gauges(gaugesOf(state.components), one => `${one[0]} ${one[1]}`);
  }
}
