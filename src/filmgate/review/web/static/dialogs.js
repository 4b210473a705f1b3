// Questions that stop the work until they are answered, one after another.

import { fill, h, mark, moment, one } from "./dom.js";

let queue = Promise.resolve();

/** Ask: resolves with the `value` of the button pressed, or null on Escape. */
export function ask({ title, body, actions, kind = "", onShow = null }) {
  const turn = queue.then(() => shown({ title, body, actions, kind, onShow }));
  queue = turn.catch(() => null);
  return turn;
}

function shown({ title, body, actions, kind, onShow }) {
  const dialog = one("dialog");
  return new Promise((done) => {
    let answer = null;
    dialog.className = kind;
    fill(dialog,
      h("h2", { id: "dialog-title" }, title),
      h("div", { class: "dialog-body" }, body),
      h("div", { class: "dialog-actions" }, actions.map((action) =>
        h("button", { type: "button", class: action.main ? "main" : "", autofocus: action.main,
          on: { click: () => {
            answer = action.value;
            dialog.close();
          } } }, action.text, action.key ? h("kbd", {}, action.key) : null))),
    );
    const keyed = (event) => {
      const at = actions.findIndex((action) => action.key && action.key === event.key);
      if (at >= 0 && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
        event.preventDefault();
        dialog.querySelectorAll(".dialog-actions button")[at].click(); // nothing while it is disabled
      }
    };
    dialog.addEventListener("keydown", keyed);
    dialog.addEventListener("close", () => {
      dialog.removeEventListener("keydown", keyed);
      done(answer);
    }, { once: true });
    dialog.showModal();
    onShow?.(dialog);
  });
}

/** Whether a dialog is open. */
export function asking() {
  return Boolean(document.querySelector("dialog[open]"));
}

/** Somebody else was first: what they said, and what this person wants now. */
export function conflict(entry, error) {
  const other = error.details?.decision;
  const mine = entry.body.ruling;
  const undo = entry.kind === "undo";
  const theirs = other
    ? h("blockquote", { class: "saying" },
      h("p", {}, mark(other.ruling), h("span", { class: "by" }, other.reviewer), " ruled ", h("b", {}, other.ruling),
        h("time", { datetime: other.at }, moment(other.at))),
      other.note && h("p", { class: "words" }, other.note),
      other.reasons?.length ? h("p", { class: "small" }, other.reasons.join(", ")) : null)
    : h("p", {}, error.message);
  return ask({
    title: `${other?.reviewer || "Somebody"} ruled on ${entry.about.slate} ${undo ? "after" : "before"} you`,
    kind: "conflict",
    body: [theirs, undo
      ? h("p", {}, "Only the newest ruling can be taken back: yours is not the newest any more.")
      : h("p", {}, "Your ruling ", h("b", {}, mine), " is not stored. Which one shall stand?")],
    actions: [
      { text: other ? `Keep “${other.ruling}”` : "Keep theirs", value: "theirs", key: "k", main: true },
      ...(!undo && error.details?.rulings !== undefined
        ? [{ text: `Overrule with “${mine}”`, value: "mine", key: "o" }] : []),
      { text: "Look at it again", value: "look", key: "l" },
    ],
  });
}

/** The server will not take it, however often it is sent. */
export function refused(entry, error) {
  const what = entry.kind === "decide" ? `Your ruling “${entry.body.ruling}”` : `Your ${entry.kind}`;
  return ask({
    title: `${what} on ${entry.about.slate} was not taken`,
    kind: "refused",
    body: [h("p", {}, error.message), entry.body.note || entry.body.text
      ? h("blockquote", { class: "saying" }, h("p", { class: "words" }, entry.body.note || entry.body.text)) : null],
    actions: [
      { text: "Open the take", value: "look", key: "l", main: true },
      { text: "Drop it", value: "drop", key: "d" },
    ],
  });
}
