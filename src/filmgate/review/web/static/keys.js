// Every key, in one table: what the help shows is what the page does.

import { h } from "./dom.js";
import { ask } from "./dialogs.js";

const SWITCH = "filmgate.keys";

/** Groups of [keys as shown, what they do]. */
export const TABLE = {
  Decide: [
    ["c", "circle"], ["r", "retake (r r: for the worst finding)"], ["h", "hold"], ["n", "NG, no good"],
    ["i", "intended: the deviation is wanted, until either shot changes"],
    ["1 … 9", "finding is a reason"], ["⇧1 … ⇧9", "disagree with the finding"],
    ["t 1 … 5", "score of taste"], ["s 1 … 5", "score of the story (narrative coherence)"],
    ["b", "pick the best of all takes"], ["u", "undo your last ruling"],
  ],
  Play: [
    ["space", "play, pause"], ["← →", "one frame back, forth"], ["⇧← ⇧→", "ten frames"],
    ["Home End", "first, last frame"], ["l", "loop the finding's frames"], ["x", "play the cut, with handles"],
    ["g", "go to a frame or timecode"], ["a", "sound: off, this take, reference"],
  ],
  Compare: [
    ["w", "wipe"], ["o", "overlay"], ["d", "difference"], ["f", "flip"], ["e", "side by side"],
    ["z", "zoom to the region"], ["y", "regions on, off"], ["p ⇧P", "next reference, any take"],
    [", .", "slip the reference by a frame"], ["v", "scopes and curve on, off"],
  ],
  Move: [
    ["↑ ↓", "finding before, after"], ["j k", "next, previous take"],
    ["m", "note on this frame"], ["⇧M", "mark a region (arrows move, ⇧ arrows size)"],
    ["Esc", "leave: a field, a view, the take"], ["?", "these keys"],
  ],
  Queue: [["↑ ↓ j k", "choose"], ["Enter", "open, begin"], ["/", "find a slate"]],
};

/** Whether single keys do something; somebody who dictates may turn them off. */
export function switchedOn() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true;
  }
}

/** Show the keys. */
export function help() {
  const groups = Object.entries(TABLE).map(([name, rows]) => h("section", {},
    h("h3", {}, name),
    h("dl", {}, rows.flatMap(([keys, does]) => [
      h("dt", {}, keys.split(" ").map((key) => (key === "…" ? "…" : h("kbd", {}, key)))), h("dd", {}, does),
    ]))));
  const box = h("input", { type: "checkbox", id: "keys-on", on: { change: (event) => {
    try {
      localStorage.setItem(SWITCH, event.target.checked ? "on" : "off");
    } catch {
      // Then it holds until the page is closed: no storage.
    }
  } } });
  box.checked = switchedOn();
  return ask({
    title: "Keys", kind: "keys",
    body: [h("div", { class: "key-groups" }, groups), h("p", {}, h("label", {}, box, " single keys are on"))],
    actions: [{ text: "Close", value: null, main: true, key: "?" }],
  });
}

/** The name that a key event goes by: "ArrowLeft", "Shift+M", "Shift+1" whatever the layout. */
export function nameOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return "";
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
  if (digit && event.shiftKey) return `Shift+${digit[1]}`;
  if (event.key === "?" || event.key === "/" || event.key === "," || event.key === ".") return event.key;
  // Caps lock must not change what a key does.
  if (/^[a-z]$/i.test(event.key)) return event.shiftKey ? `Shift+${event.key.toUpperCase()}` : event.key.toLowerCase();
  return event.shiftKey && event.key !== "Shift" ? `Shift+${event.key}` : event.key;
}

/** Whether the key belongs to the field or control that has the focus. */
export function taken(event) {
  const at = event.target;
  if (!(at instanceof Element)) return false;
  if (at.closest("dialog")) return true;
  if (at.matches("textarea, select, [contenteditable]")) return event.key !== "Escape";
  if (at.matches("input:not([type=range], [type=checkbox], [type=radio])")) return event.key !== "Escape";
  if (at.matches("input[type=range]")) return /^(Arrow|Home|End|Page)/.test(event.key);
  if (at.matches("button, a, summary, input")) return event.key === "Enter" || event.key === " ";
  return false;
}
