// Deciding: the ruling, its reasons, scores, and the words that a retake needs.

import { announce, fill, h, one } from "./dom.js";

const CHORDS = { taste: "t", narrative: "s" };

/** The desk under the picture. `on.decide(ruling, said)`, `on.changed()`. */
export class Desk {
  constructor(session, on) {
    this.on = on;
    this.scale = session.scale;
    this.may = session.role !== "viewer";
    this.chord = null;
    this.asking = null;
    this.reset([]);
    for (const button of one("rulings").querySelectorAll("button")) {
      button.disabled = !this.may;
      button.addEventListener("click", () => this.rule(button.dataset.ruling));
    }
    one("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#answered();
    });
    one("ask-text").addEventListener("keydown", (event) => this.#typed(event));
    if (!this.may) fill(one("left"), "You may look, not decide (role: viewer).");
  }

  /** A new take: nothing chosen. */
  reset(reasons, drifting = []) {
    this.codes = reasons;
    this.drifting = drifting;
    this.reasons = new Set();
    this.disagrees = new Set();
    this.scores = {};
    this.chord = null;
    this.#close();
    this.paint();
  }

  /** Make an attribute path a reason, or no reason. */
  reason(code) {
    this.#toggle(this.reasons, code);
  }

  disagree(code) {
    this.#toggle(this.disagrees, code);
  }

  /** What a digit does: the score that was asked for, else the reason of that number. */
  digit(digit) {
    if (this.chord) {
      this.score(this.chord, digit);
      return true;
    }
    const found = this.codes.find((reason) => reason.key === String(digit));
    if (found) this.reason(found.code);
    return Boolean(found);
  }

  /** "t", then a digit: taste. The next key decides; any but a digit ends it. */
  startChord(letter) {
    const name = this.scale.of.find((n) => (CHORDS[n] || n[0]) === letter);
    if (!name || !this.may) return false;
    this.chord = name;
    announce(`${name}: press ${this.scale.low} to ${this.scale.high}`);
    this.paint();
    return true;
  }

  endChord() {
    if (!this.chord) return false;
    this.chord = null;
    this.paint();
    return true;
  }

  score(name, value) {
    this.chord = null;
    if (value >= this.scale.low && value <= this.scale.high) {
      if (this.scores[name] === value) delete this.scores[name];
      else this.scores[name] = value;
      announce(this.scores[name] ? `${name} ${value}` : `${name}: no score`);
    }
    this.paint();
  }

  /** Rule, or ask for the words without which a retake cannot be made. */
  rule(ruling) {
    if (!this.may) return;
    this.chord = null;
    if (ruling === "retake" && !this.reasons.size) {
      this.#ask();
      return;
    }
    this.#decide(ruling, "");
  }

  /** Close the question; true when there was one. */
  cancel() {
    const open = Boolean(this.asking);
    this.#close();
    return open;
  }

  paint() {
    fill(one("reasons"), this.codes.filter((r) => r.key).map((reason) =>
      h("button", { type: "button", "aria-pressed": this.reasons.has(reason.code), disabled: !this.may,
        title: reason.code, on: { click: () => this.reason(reason.code) } },
      h("kbd", {}, reason.key), reason.text)));
    fill(one("scores"), this.scale.of.map((name) => this.#scale(name)));
  }

  #scale(name) {
    const { low, high, words } = this.scale;
    const values = Array.from({ length: high - low + 1 }, (_, i) => low + i);
    const said = this.scores[name];
    return h("div", { class: `scale${this.chord === name ? " asked" : ""}`, role: "group", "aria-label": `Score: ${name}` },
      h("span", {}, name[0].toUpperCase() + name.slice(1), h("kbd", {}, CHORDS[name] || name[0])),
      values.map((value, i) => h("button", { type: "button", "aria-pressed": said === value, disabled: !this.may,
        title: words?.[i], "aria-label": `${name} ${value}${words?.[i] ? `, ${words[i]}` : ""}`,
        on: { click: () => this.score(name, value) } }, String(value))));
  }

  #toggle(set, code) {
    if (!this.may) return;
    if (set.has(code)) set.delete(code);
    else set.add(code);
    this.paint();
    this.on.changed();
  }

  #ask() {
    this.asking = "retake";
    const first = this.codes[0];
    fill(one("ask-word"), h("b", {}, "Retake: what shall change?"), first
      ? ` A digit, words, or Enter for “${first.text}”.` : " Say it in words.");
    one("ask").hidden = false;
    one("ask-text").value = "";
    one("ask-text").focus();
  }

  #typed(event) {
    const box = event.currentTarget;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.#close();
    } else if (box.value === "" && /^[1-9]$/.test(event.key)) {
      event.preventDefault();
      if (this.digit(Number(event.key)) && this.reasons.size) this.#answered();
    } else if (box.value === "" && event.key === "r" && this.codes.length) {
      event.preventDefault(); // r r: retake for the worst
      this.#answered();
    }
  }

  #answered() {
    const text = one("ask-text").value.trim();
    if (!text && !this.reasons.size) {
      if (!this.codes.length) {
        announce("A retake needs a word on what shall change.");
        one("ask-text").focus();
        return;
      }
      this.reasons.add(this.codes[0].code);
    }
    this.#close();
    this.#decide("retake", text);
  }

  #decide(ruling, note) {
    // What is intended must be named: all that drifts, where nothing was picked.
    const reasons = ruling === "intended" && !this.reasons.size ? this.drifting : [...this.reasons];
    this.on.decide(ruling, {
      reasons, note, scores: { ...this.scores }, disagrees: [...this.disagrees],
    });
  }

  #close() {
    if (!this.asking) return;
    this.asking = null;
    one("ask").hidden = true;
    one("ask-text").blur();
  }
}
