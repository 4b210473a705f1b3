// The picture: a take and its reference, in step, beside or upon one another.

import { clamp, fill, h, one, s } from "./dom.js";

export const MODES = ["side", "wipe", "overlay", "difference", "flip", "single"];
const MODE_WORDS = {
  side: "Side by side", wipe: "Wipe", overlay: "Overlay", difference: "Difference",
  flip: "Flip", single: "This take alone",
};
const OUT_OF_STEP = 3; // frames; beyond these the reference jumps, below it only hurries
const HURRY = 0.08; // share of speed by which the reference catches up, or waits
const ZOOM_MOST = 8;
const ZOOM_SHARE = 0.6; // how much of the picture a region fills when zoomed to

/** Both pictures, their frame numbers, and everything that is drawn on them. */
export class Stage {
  constructor() {
    this.panes = one("panes");
    this.here = { pane: one("pane-take"), count: one("count-take") };
    this.there = { pane: one("pane-other"), count: one("count-other") };
    this.wipe = one("wipe");
    this.mix = one("mix");
    this.mode = "side";
    this.take = null;
    this.other = null;
    this.align = null;
    this.loop = null;
    this.flipped = false;
    this.audible = "none";
    this.lag = 0;
    this.rolling = false;
    this.turn = 0;
    this.on = { frame: () => {}, state: () => {} };
    this.#controls();
  }

  /** Put pictures on: players that are ready, and how they lie beside one another. */
  load(take, other, align) {
    if (this.take && this.take !== take) this.take.close();
    if (this.other && this.other !== other) this.other.close();
    Object.assign(this, { take, other, align: align || null, loop: null, lag: 0, rolling: false });
    this.turn += 1;
    this.#mount(this.here, take);
    this.#mount(this.there, other);
    take.on = { frame: (n) => this.#frame(n), end: () => this.#again() };
    if (other) {
      other.on = { frame: () => this.#numbers(), end: () => {} };
      other.pace(1);
    }
    this.panes.classList.toggle("alone", !other);
    this.panes.style.setProperty("--aspect", take.clip.aspect);
    this.zoom(null);
    this.#sound();
    this.setMode(this.mode);
    this.#numbers();
  }

  /** Nothing to show: there is no take yet. */
  clear(reason) {
    this.pause();
    this.take?.close();
    this.other?.close();
    Object.assign(this, { take: null, other: null, align: null, loop: null });
    this.panes.classList.add("alone");
    fill(this.here.pane, h("p", { class: "nopicture" }, reason));
    this.#numbers();
  }

  /** Another reference beside the same take. */
  async beside(other, align) {
    const playing = this.playing;
    this.pause();
    const at = this.take.shown;
    this.load(this.take, other, align);
    if (playing) await this.play();
    else await this.show(at);
  }

  /** Whether it is to play: also in the moment between two rounds of a loop. */
  get playing() {
    return this.rolling;
  }

  get frame() {
    return Math.max(0, this.take?.aim ?? 0);
  }

  /** Both on frame n of the take and what belongs to it; resolves when they are on screen. */
  async show(n) {
    if (!this.take) return;
    this.pause();
    const at = this.take.clip.kept(n);
    await Promise.all([this.take.show(at), this.other?.show(this.align.across(at))]);
    this.#numbers();
  }

  /** Step by frames from the last one asked for, so that quick keys are not lost. */
  step(by) {
    return this.show(this.frame + by);
  }

  async play() {
    const { take, other } = this;
    if (!take) return;
    const turn = ++this.turn;
    this.rolling = true;
    this.on.state();
    const { first, last } = this.#range();
    let from = take.shown;
    if (from < first || from >= last) from = first;
    if (other) {
      // A reference that has hardly a frame in common (the shot before, at the cut) plays from its
      // own start instead of standing still on its last frame.
      if (!this.loop && this.align.overlap() < 0.5) this.align = this.align.fromStart();
      await Promise.all([take.show(from), other.show(this.align.across(from))]);
    }
    if (turn !== this.turn) return;
    take.play(this.loop);
    if (other && this.align.across(from) < other.clip.last) other.play();
  }

  pause() {
    const was = this.rolling;
    this.rolling = false;
    this.turn += 1;
    this.take?.pause();
    this.other?.pause();
    if (was) this.on.state();
  }

  toggle() {
    if (!this.take) return null;
    if (!this.playing) return this.play();
    this.pause();
    return this.show(this.take.shown);
  }

  /** Loop these frames of the take; null for all of it. */
  setLoop(range) {
    this.loop = range && range.last > range.first ? range : null;
    if (this.playing) {
      this.pause();
      this.play();
    }
    this.on.state();
  }

  /** Move the reference against the take. */
  slip(by) {
    if (!this.other) return;
    this.align = this.align.slipped(by);
    this.show(this.frame);
  }

  setMode(mode) {
    this.mode = mode;
    const shown = this.other ? mode : "single";
    this.flipped = false;
    this.panes.dataset.mode = shown;
    this.panes.classList.toggle("other-on-top", false);
    this.wipe.hidden = shown !== "wipe";
    this.mix.parentElement.hidden = !["overlay", "difference"].includes(shown);
    one("mix-word").textContent = shown === "difference" ? "Gain" : "Mix";
    this.#mixed();
    this.on.state();
  }

  /** The same key again brings side by side back. */
  toggleMode(mode) {
    if (mode === "flip" && this.mode === "flip") return this.flip();
    this.setMode(this.mode === mode ? "side" : mode);
    return null;
  }

  flip() {
    this.flipped = !this.flipped;
    this.panes.classList.toggle("other-on-top", this.flipped);
    this.on.state();
  }

  /** What the view is called now, for people. */
  get modeWord() {
    const word = MODE_WORDS[this.other ? this.mode : "single"];
    if (this.mode !== "flip" || !this.other) return word;
    return `${word}: ${this.flipped ? "reference" : "this take"}`;
  }

  /** Enlarge a region on both; null shows all. */
  zoom(box, otherBox = null) {
    this.zoomed = Boolean(box);
    enlarge(this.take, box);
    enlarge(this.other, box && (otherBox || box));
    this.on.state();
  }

  /** Draw shapes: { box, stroke, kind, label } on the take and on the reference. */
  draw(take, other) {
    const key = JSON.stringify([take, other]);
    if (key === this.drawn) return; // with every picture that plays
    this.drawn = key;
    outline(this.here.overlay, take);
    outline(this.there.overlay, other);
  }

  /** Whose sound is heard: none, take or other. */
  listen(who) {
    this.audible = who === "other" && !this.other ? "none" : who;
    this.#sound();
    this.on.state();
  }

  #range() {
    return this.loop || { first: 0, last: this.take.clip.last };
  }

  #mount(side, player) {
    this.drawn = "";
    side.overlay = s("svg", {
      class: "overlay", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true",
    });
    if (!player) {
      fill(side.pane, h("p", { class: "nopicture" }, "There is nothing to compare with here."));
      return;
    }
    player.box.querySelector(".overlay")?.remove();
    player.box.append(side.overlay);
    fill(side.pane, player.box);
    if (!player.clip.readable) {
      fill(player.box, h("p", { class: "nopicture" },
        player.clip.plain.reason || "This file cannot be read."));
    }
  }

  #frame(n) {
    if (this.playing && this.other) this.#inStep(n);
    this.#numbers();
    this.on.frame(n);
  }

  #inStep(n) {
    const due = this.align.across(n);
    const behind = due - this.other.shown;
    if (due >= this.other.clip.last || !this.other.playing || this.other.stills) return;
    if (Math.abs(behind) >= OUT_OF_STEP) {
      this.other.jump(due + 1);
      this.lag = 0;
      return;
    }
    this.lag = behind === 0 ? 0 : this.lag + 1;
    this.other.pace(this.lag > 1 ? 1 + HURRY * Math.sign(behind) : 1);
  }

  async #again() {
    const { take, turn } = this;
    if (!this.rolling) return;
    take.pause();
    this.other?.pause();
    const first = this.#range().first;
    await Promise.all([take.show(first), this.other?.show(this.align.across(first))]);
    if (turn === this.turn) this.play();
  }

  #numbers() {
    number(this.here.count, this.take);
    number(this.there.count, this.other);
  }

  #sound() {
    if (this.take) this.take.muted = this.audible !== "take";
    if (this.other) this.other.muted = this.audible !== "other";
  }

  #controls() {
    const wiped = () => {
      this.panes.style.setProperty("--wipe", this.wipe.value / 1000);
    };
    this.wipe.addEventListener("input", wiped);
    this.mix.addEventListener("input", () => this.#mixed());
    wiped();
  }

  #mixed() {
    const value = this.mix.value / 100;
    this.panes.style.setProperty("--mix", value);
    // A few code values are what matters, and cannot be seen without a gain (1 to 16 times).
    this.panes.style.setProperty("--gain", 2 ** (4 * value));
  }
}

function number(place, player) {
  const clip = player?.clip;
  if (!clip?.readable || player.shown < 0) {
    fill(place);
    return;
  }
  const n = player.shown;
  if (place.firstChild?.dataset?.frame === String(n)) return;
  fill(
    place,
    h("b", { data: { frame: n }, title: "Display frame" }, String(clip.display(n))),
    h("span", { title: "Frame of the media file, from 0" }, `frame ${n}`),
    h("span", { class: "tc", title: "Timecode of the media" }, clip.timecode(n)),
  );
}

function enlarge(player, box) {
  if (!player) return;
  const style = player.box.style;
  if (!box) {
    for (const name of ["--zoom", "--left", "--top"]) style.removeProperty(name);
    return;
  }
  const [x, y, w, high] = box;
  const zoom = clamp(ZOOM_SHARE / Math.max(w, high, 0.01), 1, ZOOM_MOST);
  // The region's centre comes to the middle as far as the picture's edges allow.
  const at = (middle) => clamp(0.5 / zoom - middle, 1 / zoom - 1, 0);
  style.setProperty("--zoom", zoom);
  style.setProperty("--left", `${100 * at(x + w / 2)}%`);
  style.setProperty("--top", `${100 * at(y + high / 2)}%`);
}

function outline(overlay, shapes) {
  if (!overlay) return;
  fill(overlay, shapes.flatMap(({ box, strokes, kind }) => {
    const drawn = [];
    if (box) {
      const [x, y, width, height] = box.map(Number);
      for (const under of [true, false]) {
        drawn.push(s("rect", { x, y, width, height, class: `region ${kind}${under ? " under" : ""}` }));
      }
    }
    for (const stroke of strokes || []) {
      const points = stroke.map(([x, y]) => `${Number(x)},${Number(y)}`).join(" ");
      for (const under of [true, false]) {
        drawn.push(s("polyline", { points, class: `stroke ${kind}${under ? " under" : ""}` }));
      }
    }
    return drawn;
  }));
}
