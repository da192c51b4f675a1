// What changes rarely, and is asked for rarely: versions, the audit log, the comparison.

import {askToPromote} from "./controls.js";
import {find, made, reveal, say, tableIn, whole} from "./markup.js";
import {count, instant, NONE, plain, signed, words} from "./numbers.js";

const ARGUMENTS_CHARS_MAX = 120;
const MONEY_NAMES = /^(profit|cause)_/;

function gateText({passed, missing, reason, notes = []}) {
  const beside = notes.length ? ` (${notes.join("; ")})` : "";
  if (passed) return `passed${beside}`;
  return missing ? `not measured: ${missing}` : `not passed: ${reason || "no reason told"}${beside}`;
}

function gatesOf({gates, problem}) {
  if (!gates?.length) return made("span", {class: "soft"}, problem || "none measured yet");
  return made("ul", {class: "gates"}, ...gates.map(one => made("li",
    {class: one.passed ? "good" : one.missing ? "warn" : "bad"}, `${words(one.name)}: ${gateText(one)}`)));
}

function versionOf({id, at, params}) {
  const {text, title} = instant(at);
  const said = Object.entries(params ?? {}).map(([name, value]) => `${words(name)} ${plain(value)}`).join(", ");
  return made("span", {title: said}, made("code", {}, id), made("br"), made("span", {class: "soft", title}, text));
}

function stateOf({current, promoted, demoted}) {
  const said = [current && "runs now", promoted && "promoted", demoted && `demoted: ${demoted}`].filter(Boolean);
  return {text: said.join(", ") || "candidate", kind: demoted ? "bad" : promoted ? "good" : ""};
}

function promoteButton({id, promoted}) {
  if (promoted || document.documentElement.dataset.role === "view") return NONE;
  return made("button", {type: "button", "aria-haspopup": "dialog", "aria-label": `Promote ${id}…`,
    onclick: () => askToPromote(id, id)}, "Promote…");
}

const VERSIONS = [
  {name: "Version", of: versionOf},
  {name: "State", kind: "state-words", of: stateOf},
  {name: "Gates", kind: "text", of: gatesOf},
  {name: "Do", of: promoteButton},
];

const AUDIT = [
  {name: "At", of: one => instant(one.at)},
  {name: "Who", of: one => one.who || "nobody known"},
  {name: "What", kind: "text", of: one => one.what},
  {name: "With", kind: "text wide", of: ({arguments: said}) =>
    Object.entries(said ?? {}).map(([name, value]) => `${name} ${plain(value)}`).join(", ").slice(0, ARGUMENTS_CHARS_MAX) || NONE},
  {name: "Outcome", kind: "text", of: ({outcome, status}) => ({text: plain(outcome), kind: status >= 400 ? "warn" : ""})},
];

const LEGS = [
  {name: "Live beside", kind: "text", of: one => one.name},
  {name: "Verdict", of: one => ({text: one.verdict, kind: one.different ? "warn" : "good"})},
  {name: "Decisions compared", kind: "n", of: one => count(one.compared)},
  {name: "Different", kind: "n", of: one => count(one.different)},
];

const MONEY = [
  {name: "Profit, and what the difference comes from", kind: "text", of: ([name]) => words(name.replace(/^cause_/, ""))},
  {name: "Money", kind: "n", of: ([, value]) => signed(value)},
];

const shown = new Map();

function table(id, ...columns) {
  if (!shown.has(id)) shown.set(id, tableIn(find(id), ...columns));
  return shown.get(id);
}

function absent(id, why) {
  shown.delete(id);
  find(id).replaceChildren(made("p", {class: "soft"}, why));
}

export function showVersions({ok, content, detail}) {
  const list = ok ? content : [];
  reveal(find("rollback"), ok && list.length > 1);
  if (!ok) return absent("versions", detail);
  table("versions", "Versions of the strategy and their gates", VERSIONS, "No version has been measured.")(list, whole);
}

export function showAudit({ok, content, detail}) {
  if (!ok) return absent("audit", detail);
  table("audit", "What was asked for, newest first", AUDIT, "Nothing has been asked for.")(content, whole);
}

export function showComparison({ok, content}) {
  reveal(find("comparison-section"), ok);
  if (!ok) return;
  if (!find("comparison-legs")) {
    find("comparison").replaceChildren(made("p", {id: "comparison-words"}),
      made("div", {id: "comparison-legs"}), made("div", {id: "comparison-money"}));
  }
  const {text} = instant(content.at), money = Object.entries(content.metrics).filter(([name]) => MONEY_NAMES.test(name));
  say(find("comparison-words"), `The last audit of parity, ${text}: ${
    content.status === "ok" ? "recorded inputs give the same decisions" : "recorded inputs give OTHER decisions"}.`);
  table("comparison-legs", "Decisions compared", LEGS, "Nothing was compared.")(content.legs, whole);
  table("comparison-money", "Profit, and differences by cause", MONEY, "No money was compared.")(money, whole);
}
