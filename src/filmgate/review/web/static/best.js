// The takes of one shot side by side, in step: pick the best. That is a preference, no ruling.

import { fill, h, mark, one } from "./dom.js";
import { ask } from "./dialogs.js";
import { clipOf } from "./ready.js";
import { Player } from "./player.js";

const MOST = 9; // digits on a keyboard

/**
 * Show the newest nine takes of `data`'s shot. Resolves with { best, over, reason, circle },
 * or null.
 */
export async function pickBest(data) {
  const takes = data.takes.slice(-MOST);
  const players = [];
  let best = null;
  const cells = takes.map((take, i) => h("button", {
    type: "button", class: "choice", "aria-pressed": "false", data: { slate: take.slate },
    on: { click: () => choose(i) },
  },
    h("span", { class: "well" }),
    h("span", { class: "row" }, h("kbd", {}, i + 1), h("b", {}, take.slate),
      take.repair ? h("span", { class: "dim" }, `${take.repair} of ${take.parent}`) : null,
      take.word ? h("span", { class: "machine-word" }, mark(take.word), take.word) : null,
      take.ruling ? h("span", { class: "by" }, mark(take.ruling), take.ruling) : null)));
  const reason = h("input", { type: "text", id: "best-reason", maxlength: "400", autocomplete: "off" });
  const said = h("p", { class: "small dim", role: "status" }, "Press a digit, then Enter.");

  function choose(i) {
    if (!takes[i]) return;
    best = takes[i].slate;
    cells.forEach((cell, n) => cell.setAttribute("aria-pressed", n === i));
    fill(said, `${best} is better than the other ${takes.length - 1}. Enter keeps it, c circles it too.`);
    for (const button of one("dialog").querySelectorAll(".dialog-actions [data-needs]")) button.disabled = false;
  }

  async function load() {
    await Promise.all(takes.map(async (take, i) => {
      const clip = await clipOf(take.media).catch(() => null);
      if (!clip?.readable) {
        fill(cells[i].firstChild, h("p", { class: "nopicture" }, "cannot be read"));
        return;
      }
      const player = new Player(clip);
      players.push(player);
      fill(cells[i].firstChild, player.box);
      await player.ready(0);
    }));
    start();
  }

  function start() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    // The longest leads: all begin again when it has ended.
    const lead = players.reduce((a, b) => (a && a.clip.frames >= b.clip.frames ? a : b), null);
    if (!lead) return;
    lead.on.end = async () => {
      players.forEach((player) => player.pause());
      await Promise.all(players.map((player) => player.show(0)));
      players.forEach((player) => player.play());
    };
    players.forEach((player) => player.play());
  }

  function keyed(event) {
    if (event.target === reason) return;
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    if (digit && !event.shiftKey) choose(Number(digit[1]) - 1);
    else if (event.key === "Enter" && best && !event.target.closest(".dialog-actions")) {
      event.preventDefault();
      press("keep");
    } else if (event.key === " ") {
      event.preventDefault();
      const playing = players.some((player) => player.playing);
      players.forEach((player) => (playing ? player.pause() : player.play()));
    }
  }

  function press(value) {
    one("dialog").querySelector(`[data-needs=${value}]`)?.click();
  }

  const answer = await ask({
    title: `Best of ${takes.length} takes of ${data.shot}`, kind: "best",
    body: [
      h("div", { class: "choices-grid", role: "group", "aria-label": "Takes", tabindex: "-1", autofocus: true, data: { n: takes.length } }, cells), said,
      h("p", { class: "why" }, h("label", { for: "best-reason" }, "Why (may be left out) "), reason),
    ],
    actions: [
      { text: "Keep", value: "keep" }, { text: "Keep and circle it", value: "circle", key: "c" },
      { text: "Leave", value: null },
    ],
    onShow: (dialog) => {
      const buttons = dialog.querySelectorAll(".dialog-actions button");
      ["keep", "circle"].forEach((value, i) => {
        buttons[i].dataset.needs = value;
        buttons[i].disabled = true;
      });
      dialog.addEventListener("keydown", keyed);
      load();
    },
  });
  one("dialog").removeEventListener("keydown", keyed);
  players.forEach((player) => player.close());
  if (!answer || !best) return null;
  const over = takes.map((take) => take.slate).filter((slate) => slate !== best);
  return { best, over, reason: reason.value.trim(), circle: answer === "circle" };
}
