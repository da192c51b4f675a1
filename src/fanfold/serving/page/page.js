// The live page: one stream of states, and rarely what changes rarely.

import {showAudit, showComparison, showVersions} from "./beside.js";
import {ask, follow, forgetToken, hasToken, keepToken, tokenFromAddress} from "./connection.js";
import {allow, noteState, watchControls} from "./controls.js";
import {watchDialog} from "./dialog.js";
import {showLatency} from "./latency.js";
import {find, reveal, say} from "./markup.js";
import {ago, instant, money, NONE} from "./numbers.js";
import {showState} from "./sections.js";
import {takeEquity, takeExpectation, takeState} from "./series.js";

const STALE_MS = 5_000; // states come every second
const TICK_MS = 1_000;
const RARELY_MS = 60_000;
const SOON_MS = 10_000; // an expectation is computed when it is first asked for
const SOON_TRIES = 6;
const EQUITY_POINTS = 400;
const AUDIT_ROWS = 20;

let end = null; // of the stream
let newest = null;
let newestAt = 0; // when a state that was new was heard, on this page's own clock
let link = "connecting";
let nextTryAt = 0;
let spoken = "";

// Read out only what is another state of things, never each second.
function speak(text) {
  if (text === spoken) return;
  spoken = text;
  say(find("told"), text);
}

function showLink() {
  const now = performance.now();
  const old = newest !== null && now - newestAt > STALE_MS;
  const state = link === "live" && old ? "stale" : link;
  const age = newest === null ? "" : ago((now - newestAt) / 1000);
  const again = nextTryAt > now ? `, next try in ${Math.ceil((nextTryAt - now) / 1000)} s` : "";
  document.body.dataset.link = state;
  document.body.dataset.old = old ? "yes" : "no";
  say(find("link-words"), {
    live: "live", stale: `silent for ${age}`, connecting: "connecting", refused: "not connected",
    reconnecting: `reconnecting${again}`,
  }[state]);
  reveal(find("stale"), old);
  say(find("stale"), old ? `These figures are ${age} old, of ${instant(newest.at).text}. Nothing newer has been heard.` : "");
  speak({
    live: "Connected, figures are live.", stale: "Nothing is heard any more: figures are old.",
    reconnecting: "The connection is lost: figures are old.", refused: "Not connected: a token is needed.",
  }[state] ?? "");
  document.title = newest === null ? "fanfold live"
    : `${old ? "OLD " : ""}${newest.deployment}: ${newest.status}, ${money(newest.money.equity)}`;
}

function heard(kind, data) {
  if (kind !== "state") return;
  const state = JSON.parse(data);
  if (newest === null || state.at !== newest.at) newestAt = performance.now();
  if (newest !== null && state.status !== newest.status) speak(`${state.deployment} is ${state.status}.`);
  newest = state;
  document.body.dataset.known = "yes";
  noteState(state);
  showState(state);
  showLatency(state);
  takeState(state);
  showLink();
}

async function askRarely(tries = 1) {
  const [equity, versions, audit, comparison] = await Promise.all([
    ask(`equity?points=${EQUITY_POINTS}`), ask("versions"), ask(`audit?limit=${AUDIT_ROWS}`), ask("comparison"),
    askExpectation(tries),
  ]);
  if (equity.ok) takeEquity(equity.content);
  showVersions(versions);
  showAudit(audit);
  showComparison(comparison);
}

// Whether there is an expectation by now; ask soon again where it is still being computed.
async function askExpectation(tries) {
  const {ok, content, detail} = await ask("expectation");
  takeExpectation(ok ? content : null, detail);
  if (!ok && tries > 1 && link === "live") setTimeout(() => askExpectation(tries - 1), SOON_MS);
}

async function linked() {
  link = "live";
  nextTryAt = 0;
  showLink();
  const {ok, content} = await ask("me");
  if (ok) allow(content.role);
  await askRarely(SOON_TRIES);
}

function lost(detail, ms) {
  link = "reconnecting";
  nextTryAt = performance.now() + ms;
  find("link").title = detail;
  showLink();
}

function refused(detail) {
  forgetToken();
  askForToken(`The token was refused: ${detail}`);
}

function askForToken(why) {
  stop();
  link = "refused";
  find("kill").disabled = true;
  say(find("key-why"), why);
  reveal(find("key"), true);
  showLink();
  find("key-word").focus();
}

function stop() {
  end?.();
  end = null;
}

function start() {
  stop();
  reveal(find("key"), false);
  find("kill").disabled = false;
  link = "connecting";
  showLink();
  end = follow({heard, linked, lost, refused});
}

function begin() {
  if (hasToken()) start();
  else askForToken("");
}

find("key-form").addEventListener("submit", event => {
  event.preventDefault();
  keepToken(find("key-word").value);
  find("key-word").value = "";
  start();
});
addEventListener("hashchange", () => tokenFromAddress() && begin());
addEventListener("pagehide", stop);
addEventListener("pageshow", event => event.persisted && begin());
setInterval(showLink, TICK_MS);
setInterval(() => link === "live" && !document.hidden && askRarely(), RARELY_MS);
say(find("clock"), NONE);
watchDialog();
watchControls(null, () => askRarely());
tokenFromAddress();
begin();
