// What people said of a take: rulings, notes, preferences; and the note that is being written.

import { fill, h, mark, moment, one } from "./dom.js";

const WORDS = { circle: "circled", retake: "wants a retake", hold: "holds", ng: "says NG", intended: "says intended" };

/** The people's panel. `on.note(text, all)`, `on.go(note)`. */
export class People {
  constructor(on) {
    this.on = on;
    this.list = one("said");
    this.text = one("note");
    this.all = one("note-all");
    this.clip = null;
    one("note-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.keep();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.keep();
      }
    });
  }

  /** Show what was said; `waiting` is what this page has not stored yet. */
  show(people, clip, waiting = []) {
    this.clip = clip;
    const said = [
      ...people.decisions.map((d) => ({ id: d.id, item: this.#decision(d) })),
      ...people.notes.map((n) => ({ id: n.id, item: this.#note(n) })),
      ...people.preferences.map((p) => ({ id: p.id, item: this.#preference(p) })),
    ].sort((a, b) => b.id - a.id).map((one) => one.item);
    fill(this.list, waiting.map((entry) => this.#waiting(entry)), said);
    const n = people.decisions.filter((d) => !d.undone && !d.undoes).length;
    fill(one("people-said"), n ? `${n} ruling${n === 1 ? "" : "s"}` : "nothing ruled yet");
  }

  /** Keep what is written; with nothing written and nothing drawn, nothing happens. */
  keep() {
    if (this.on.note(this.text.value.trim(), this.all.checked)) {
      this.text.value = "";
      this.text.blur();
    }
  }

  /** Where the note will stand. */
  where(text) {
    const place = one("note-where");
    if (place.textContent !== text) place.textContent = text;
  }

  #decision(d) {
    const scores = Object.entries(d.scores || {}).map(([name, v]) => `${name} ${v}`).join(", ");
    return h("li", { class: `saying${d.undone ? " undone" : ""}` },
      h("p", {}, mark(d.ruling), h("span", { class: "by" }, d.reviewer), " ",
        h("b", {}, d.undoes ? "took the ruling back" : WORDS[d.ruling] || d.ruling), h("time", { datetime: d.at }, moment(d.at))),
      d.note && h("p", { class: "words" }, d.note),
      d.reasons.length ? h("p", { class: "small" }, `because of ${d.reasons.join(", ")}`) : null,
      d.disagrees?.length ? h("p", { class: "small" }, `disagrees with ${d.disagrees.join(", ")}`) : null,
      scores && h("p", { class: "small" }, scores),
      d.undone && h("p", { class: "small" }, "taken back"),
      d.stale && h("p", { class: "small stale" }, "expired: what it was seen on has changed since"),
    );
  }

  #note(n) {
    const where = this.#where(n);
    return h("li", { class: "saying" },
      h("p", {}, h("span", { class: "by" }, n.reviewer), h("time", { datetime: n.at }, moment(n.at)),
        where && h("button", { type: "button", class: "plain go", on: { click: () => this.on.go(n) } }, where)),
      n.text && h("p", { class: "words" }, n.text),
      n.drawing?.length || n.box ? h("p", { class: "small" }, n.drawing?.length ? "with a drawing" : "on a region") : null,
    );
  }

  #where(n) {
    if (n.first_frame === null || n.first_frame === undefined || !this.clip?.readable) return "";
    const first = this.clip.display(n.first_frame);
    const last = this.clip.display(n.last_frame ?? n.first_frame);
    return first === last ? `at ${first}` : `${first}–${last}`;
  }

  #preference(p) {
    return h("li", { class: "saying" },
      h("p", {}, h("span", { class: "by" }, p.reviewer), ` prefers `, h("b", {}, p.better), ` to ${p.worse}`,
        h("time", { datetime: p.at }, moment(p.at))),
      p.reason && h("p", { class: "words" }, p.reason));
  }

  #waiting(entry) {
    const what = entry.kind === "note" ? entry.body.text || "a drawing" : entry.body.ruling || entry.kind;
    return h("li", { class: "saying unsent" },
      h("p", {}, h("span", { class: "by" }, "You"), ` ${what}`, h("span", { class: "small" }, " – kept here, not stored yet")));
  }
}
