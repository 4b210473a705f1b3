// The take in the cut: the end of the shot before, the take whole, the start of the shot after.

import { announce, fill, h, one } from "./dom.js";
import { get, urls } from "./api.js";
import { clipOf } from "./ready.js";
import { Player } from "./player.js";

const HANDLES = 24;

/** Plays the parts one after another, each on a player of its own that stands ready. */
export class Cut {
  constructor(stage, changed) {
    this.stage = stage;
    this.changed = changed;
    this.place = one("cut");
    this.parts = [];
    this.at = 0;
    this.on = false;
    this.playing = false;
  }

  /** Load the cut around a take and play it. */
  async play(slate) {
    this.on = true;
    this.changed();
    fill(this.place, h("p", { class: "nopicture" }, "Loading the cut…"));
    this.place.hidden = false;
    let made;
    try {
      const plain = await get(urls.cut(slate, HANDLES));
      made = await Promise.all(plain.parts.map((part) => this.#part(part)));
    } catch (error) {
      announce(error.message);
      this.stop();
      return;
    }
    if (!this.on) {
      made.forEach((part) => part.player.close());
      return;
    }
    this.parts = made;
    this.label = h("p", { class: "cut-label" });
    fill(this.place, made.map((part) => part.player.box), this.label);
    this.#show(0);
    this.#begin();
  }

  toggle() {
    if (!this.on) return;
    if (!this.playing) {
      this.#begin();
      return;
    }
    this.playing = false;
    this.parts[this.at].player.pause();
    this.changed();
  }

  stop() {
    this.on = false;
    this.playing = false;
    this.parts.forEach((part) => part.player.close());
    this.parts = [];
    this.place.hidden = true;
    fill(this.place);
    this.changed();
  }

  async #part(part) {
    const clip = await clipOf(part.media);
    const player = new Player(clip);
    await player.ready(part.first);
    player.on = { frame: (n) => this.#framed(part, clip, n), end: () => this.#ended(part) };
    return { ...part, clip, player };
  }

  #begin() {
    const part = this.parts[this.at];
    if (!part) return;
    this.playing = true;
    part.player.muted = this.stage.audible === "none";
    part.player.play({ first: part.first, last: part.last });
    this.changed();
  }

  #show(index) {
    this.at = index;
    this.parts.forEach((part, i) => part.player.box.classList.toggle("now", i === index));
    const { clip, first } = this.parts[index];
    this.#framed(this.parts[index], clip, first);
  }

  #framed(part, clip, n) {
    if (!this.label || this.parts[this.at]?.slate !== part.slate) return;
    const role = { before: "the shot before", this: "this take", after: "the shot after" }[part.role] || part.role;
    fill(this.label, h("b", {}, part.slate), ` ${role} · ${clip.display(n)}`);
  }

  async #ended(part) {
    const index = this.parts.findIndex((known) => known.slate === part.slate);
    if (index !== this.at || !this.playing) return;
    const next = (index + 1) % this.parts.length;
    const done = this.parts[index].player;
    this.#show(next);
    this.#begin();
    await done.show(this.parts[index].first); // ready for the next round
  }
}
