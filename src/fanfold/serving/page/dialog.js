// The one dialog of the page: what it is about, what was asked, and buttons to go on or back.

import {find, made, say} from "./markup.js";

let opener = null;
let closing = null;

export function closeDialog() {
  find("dialog").close();
}

// Show a step. The title gets the focus, so that a reader hears it and no key pressed in a hurry
// acts; Escape and the last button go back.
export function showDialog(title, content, acts, {danger = false, back = "Cancel"} = {}) {
  const dialog = find("dialog");
  if (!dialog.open) {
    opener = document.activeElement;
    dialog.showModal();
  }
  dialog.classList.toggle("dangerous", danger);
  say(find("dialog-title"), title);
  find("dialog-words").replaceChildren(...content.map(one => typeof one === "string" ? made("p", {}, one) : one));
  trouble("");
  closing?.(); // what the step before has left running
  closing = null;
  find("dialog-acts").replaceChildren(
    ...acts.map(({name, act, id}) => {
      const button = made("button", {type: "button", id, class: danger ? "danger" : "main"}, name);
      button.addEventListener("click", async () => {
        if (button.getAttribute("aria-disabled") === "true") return;
        button.setAttribute("aria-disabled", "true"); // kept in reach of the keyboard
        trouble("");
        try {
          await act();
        } finally {
          button.removeAttribute("aria-disabled");
        }
      });
      return button;
    }),
    made("button", {type: "button", onclick: closeDialog}, back),
  );
  find("dialog-title").focus();
}

export function trouble(text) {
  say(find("dialog-trouble"), text);
}

export function whenClosed(act) {
  closing = act;
}

export function watchDialog() {
  find("dialog").addEventListener("close", () => {
    const act = closing;
    closing = null;
    act?.();
    opener?.focus();
  });
}

// A code is good for a while; how long still is shown, and what comes after.
export function countdown(node, until, over) {
  const tell = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    say(node, left > 0 ? `The code is good for ${left} s.` : "The code is too old now.");
    if (left <= 0) {
      clearInterval(timer);
      over();
    }
  };
  const timer = setInterval(tell, 1000);
  whenClosed(() => clearInterval(timer));
  tell();
}
