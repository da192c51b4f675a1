// The one connection of this page: a token, requests with it, and the stream of states.

const API = "api/v1/";
const STORED = "fanfold-token";
const REQUEST_MS = 15_000;
const SILENT_MS = 35_000; // the stream says something every 15 s at least
const WAIT_MS = 500;
const WAIT_MS_MAX = 20_000;
const WAIT_ASKED_MS_MAX = 60_000;
const WAITING_CHARS_MAX = 4_000_000;
export const ACT_MS = 90_000; // a kill reports within a minute, flat or not

let stored = "";

// The fragment reaches neither server nor log; it leaves the address bar at once.
export function tokenFromAddress() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!found) return false;
  history.replaceState(null, "", location.pathname + location.search);
  keepToken(found);
  return true;
}

export function keepToken(token) {
  stored = token.trim();
  try {
    sessionStorage.setItem(STORED, stored);
  } catch {
    // A browser may forbid it: then the token lasts until the page is loaded again.
  }
}

export function forgetToken() {
  keepToken("");
}

export function hasToken() {
  if (!stored) {
    try {
      stored = sessionStorage.getItem(STORED) ?? "";
    } catch {
      stored = "";
    }
  }
  return stored !== "";
}

// Only what a header can carry: anything else is no token, and fetch would throw.
function headers(more = {}) {
  return {Authorization: `Bearer ${stored.replace(/[^\x21-\x7e]/g, "")}`, ...more};
}

function detailOf(content, status) {
  const detail = content?.detail;
  if (typeof detail === "string") return detail;
  return Array.isArray(detail) && detail[0]?.msg ? detail[0].msg : `the API answered ${status}`;
}

// Ask the API; an answer that is none has the status 0.
export async function ask(path, body, ms = REQUEST_MS) {
  const request = {headers: headers(), signal: AbortSignal.timeout(ms), cache: "no-store"};
  if (body !== undefined) {
    request.method = "POST";
    request.headers = headers({"Content-Type": "application/json"});
    request.body = JSON.stringify(body);
  }
  try {
    const answer = await fetch(API + path, request);
    if (answer.ok) return {ok: true, status: answer.status, content: await answer.json(), detail: ""};
    const content = await answer.json().catch(() => null); // a fault may be told in no JSON
    return {ok: false, status: answer.status, content, detail: detailOf(content, answer.status)};
  } catch (error) {
    const detail = error.name === "TimeoutError"
      ? `the API must answer within ${ms / 1000} s, did not` : "the API does not answer";
    return {ok: false, status: 0, content: null, detail};
  }
}

// One event of a stream: its kind, and its data's lines together.
function eventOf(block) {
  let kind = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) kind = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return {kind, data: data.join("\n")};
}

async function listen(answer, heard, awake) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    awake();
    waiting += value.replaceAll("\r", "");
    if (waiting.length > WAITING_CHARS_MAX) throw new Error("an event is too large");
    const blocks = waiting.split("\n\n");
    waiting = blocks.pop();
    for (const {kind, data} of blocks.map(eventOf)) if (data) heard(kind, data);
  }
}

async function once(heard, linked, given) {
  let timer = 0;
  const awake = () => {
    clearTimeout(timer);
    timer = setTimeout(() => given.abort(), SILENT_MS);
  };
  awake();
  try {
    const answer = await fetch(`${API}stream`, {
      headers: headers({Accept: "text/event-stream"}), signal: given.signal, cache: "no-store",
    });
    if (!answer.ok) {
      const asked = 1000 * Number(answer.headers.get("Retry-After") ?? 0);
      const content = await answer.json().catch(() => null);
      return {status: answer.status, asked, detail: detailOf(content, answer.status)};
    }
    linked();
    await listen(answer, heard, awake);
    return {status: answer.status, asked: 0, detail: "the stream has ended"};
  } catch {
    return {status: 0, asked: 0, detail: "the API does not answer"};
  } finally {
    clearTimeout(timer);
    given.abort();
  }
}

// Follow the stream until told to end. Each try waits longer than the one before, up to a bound,
// and by a part of chance, so that many pages do not come back at one instant.
export function follow({heard, linked, lost, refused}) {
  let ended = false, given = new AbortController(), wakeUp = () => {};
  const pause = ms => new Promise(done => {
    const timer = setTimeout(done, ms);
    wakeUp = () => {
      clearTimeout(timer);
      done();
    };
  });
  async function run() {
    let wait = WAIT_MS;
    while (!ended) {
      given = new AbortController();
      const {status, asked, detail} = await once((kind, data) => {
        wait = WAIT_MS;
        heard(kind, data);
      }, linked, given);
      if (ended) return;
      if (status === 401 || status === 403) return refused(detail);
      const ms = Math.max(wait * (0.5 + Math.random()), Math.min(asked, WAIT_ASKED_MS_MAX));
      wait = Math.min(2 * wait, WAIT_MS_MAX);
      lost(detail, ms);
      await pause(ms);
    }
  }
  const soon = () => wakeUp();
  addEventListener("online", soon);
  run();
  return () => {
    ended = true;
    removeEventListener("online", soon);
    given.abort();
    wakeUp();
  };
}
