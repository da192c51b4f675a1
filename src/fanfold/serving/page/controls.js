// What this page can do: kill, resume, promote, roll back. Each asks before it acts.

import {ACT_MS, ask} from "./connection.js";
import {closeDialog, countdown, showDialog, trouble} from "./dialog.js";
import {find, made, say} from "./markup.js";
import {count, instant, units, words} from "./numbers.js";

const REASON_MAX = 200;
const REASON = "by hand, on the page";
const WEIGHING_MS = 600_000; // a promotion replays the paper session

let newest = null;
let tell = () => {};
let acted = () => {};

const namesOf = list => list.map(one => Array.isArray(one) ? one.join(" ") : String(one)).join(", ");

function listOf(pairs) {
  return made("dl", {class: "measures"}, ...pairs.filter(([, value]) => value)
    .map(([name, value]) => made("div", {}, made("dt", {}, name), made("dd", {}, value))));
}

function at() {
  return newest ? `${newest.deployment} (${newest.mode === "live" ? "REAL MONEY" : newest.mode})` : "the deployment";
}

function heldNow() {
  if (!newest) return "unknown: no state has been heard";
  return newest.positions.map(one => `${one.symbol} ${units(one.units)}`).join(", ") || "nothing";
}

// Kill: the page asks, the API gives a code, the page asks again, and then says the code.

function askToKill() {
  const field = made("input", {id: "kill-reason", maxlength: REASON_MAX, value: REASON});
  showDialog(`Kill ${at()}?`, [
    "It halts at once, cancels all orders of its own and flattens all positions of its own. "
    + "It stays halted until it is resumed.",
    listOf([["Held now", heldNow()], ["Orders open now", newest ? count(newest.orders.length) : "unknown"]]),
    made("p", {class: "field"}, made("label", {for: "kill-reason"}, "Reason, for the log"), field),
  ], [{name: "Yes, kill", id: "kill-ask", act: () => askAgain(field.value.trim() || REASON)}], {danger: true});
}

async function askAgain(reason) {
  const {ok, content, detail} = await ask("kill/ask", {});
  if (!ok) return trouble(detail);
  const left = made("p", {class: "soft"});
  showDialog(`Really kill ${at()}?`, [`Asked for the second time. Reason: ${reason}`, left],
    [{name: "Yes, kill it now", id: "kill-now", act: () => kill(content.code, reason)}], {danger: true});
  countdown(left, performance.now() + 1000 * content.good_for_s, () => offerAnother(reason));
}

// A code is good once and for a while; the next try begins with another.
function offerAnother(reason) {
  find("kill-now")?.replaceWith(made("button",
    {type: "button", class: "danger", id: "kill-again", onclick: () => askAgain(reason)}, "Ask for another code"));
}

async function kill(code, reason) {
  tell("Killing: cancelling and flattening.");
  trouble("Cancelling and flattening; it may take a minute.");
  const {ok, content, detail} = await ask("kill", {code, reason}, ACT_MS);
  acted();
  if (!ok) {
    tell(`Kill failed: ${detail}`);
    offerAnother(reason);
    return trouble(`${detail}. On its own machine this needs no page: fanfold live kill`);
  }
  const title = content.flat ? "Killed: it is flat" : "Killed, but NOT FLAT";
  tell(title);
  showDialog(title, [listOf([
    ["Cancelled", namesOf(content.cancelled ?? []) || "none"],
    ["Still open", namesOf(content.open ?? []) || "none"],
    ["Queued for the next open", namesOf(content.queued ?? []) || "none"],
    ["Still held", namesOf(content.left ?? []) || "nothing"],
    ["Troubles", namesOf(content.troubles ?? [])],
  ])], [], {danger: !content.flat, back: "Close"});
}

// Resume: see what halted it, then say so for each latch.

async function askToResume() {
  const {ok, content, detail} = await ask("resume/ask", {});
  if (!ok) return showDialog("Resume", [detail], [], {back: "Close"});
  const boxes = content.latches.map(({name, reason, by, at: when, code}, place) => {
    const box = made("input", {type: "checkbox", id: `latch-${place}`, value: code});
    const {text} = instant(when);
    return made("p", {class: "check"}, box, made("label", {for: `latch-${place}`}, `${words(name)}: ${reason} (${by}, ${text})`));
  });
  const left = made("p", {class: "soft"});
  showDialog(`Resume ${at()}?`, [
    "Tick what you have looked at and want to reset. It goes on when nothing is left.",
    made("fieldset", {}, made("legend", {}, "What halts it"), ...boxes), left,
  ], [{name: "Reset what is ticked", id: "resume-now", act: () => {
    const codes = boxes.map(one => one.querySelector("input")).filter(one => one.checked).map(one => one.value);
    return codes.length ? resume(codes) : trouble("Tick one at least.");
  }}]);
  countdown(left, performance.now() + 1000 * content.good_for_s, () => trouble("Cancel, and ask again."));
}

async function resume(codes) {
  const {ok, content, detail} = await ask("resume", {codes});
  acted();
  if (!ok) return trouble(detail);
  tell(content.latches?.length ? `Still halted by ${namesOf(content.latches)}.` : "Resumed.");
  closeDialog();
}

// Versions: promote one, or go back to the one before.

export function askToPromote(version, label) {
  showDialog(`Promote ${label}?`, [
    "It may go live from then on. Gates that it has not passed refuse it.",
  ], [{name: "Promote it", id: "promote-now", act: async () => {
    trouble("Weighing its gates; replaying its paper sessions may take minutes.");
    const {ok, content, detail} = await ask("promote", {version}, WEIGHING_MS);
    acted();
    if (!ok) return trouble(detail); // it names each gate that refuses, and by how much
    tell([`${label} is promoted.`, ...(content.warnings ?? [])].join(" "));
    closeDialog();
  }}]);
}

function askToRollBack() {
  showDialog(`Roll ${at()} back?`, [
    "The version before takes its place. A running deployment restarts in order with the former plan, "
    + "and its positions go to the goals of that.",
  ], [{name: "Roll back", id: "rollback-now", act: async () => {
    const {ok, content, detail} = await ask("rollback", {}, ACT_MS);
    acted();
    if (!ok) return trouble(detail);
    tell(`Rolling back from ${content.from} to ${content.to}: the page may be away meanwhile.`);
    closeDialog();
  }}], {danger: true});
}

export function noteState(state) {
  newest = state;
}

// What a token may not do is not offered, and why is said.
export function allow(role) {
  const may = role !== "view", why = may ? "" : "This token may look, and not act.";
  for (const id of ["kill", "resume", "rollback"]) {
    find(id).disabled = !may;
    find(id).title = why;
  }
  document.documentElement.dataset.role = may ? "trade" : "view";
  if (!may) tell(why);
}

export function watchControls(told, done) {
  tell = text => {
    say(find("told"), text);
    told?.(text);
  };
  acted = done;
  find("kill").addEventListener("click", askToKill);
  find("resume").addEventListener("click", askToResume);
  find("rollback").addEventListener("click", askToRollBack);
}
