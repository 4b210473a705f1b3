// Marking a region or drawing on the take: by pointer, pen or keys. All in shares of the picture.

import { clamp } from "./dom.js";

const MOST_STROKES = 64;
const MOST_POINTS = 4000;
const NEAR = 0.004; // points closer than this share of the picture say nothing new
const STEP = 0.02;
const SMALL = 0.01;

/** What is being drawn on one take. `changed()` is called when it is to be painted anew. */
export class Sketch {
  constructor(pane, changed) {
    this.pane = pane;
    this.changed = changed;
    this.tool = null;
    this.clear();
    pane.addEventListener("pointerdown", (event) => this.#down(event));
    pane.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel"]) {
      pane.addEventListener(kind, () => this.#up());
    }
  }

  get empty() {
    return !this.box && !this.strokes.length;
  }

  clear() {
    this.box = null;
    this.strokes = [];
    this.from = null;
    this.points = 0;
  }

  /** Take a tool up ("box", "pen"), or lay it down (null). */
  use(tool) {
    this.tool = this.tool === tool ? null : tool;
    this.pane.classList.toggle("drawing", Boolean(this.tool));
    if (this.tool === "box" && !this.box) this.box = [0.35, 0.35, 0.3, 0.3];
    this.changed();
  }

  /** A new take: no tool, nothing drawn. */
  lay() {
    this.clear();
    this.tool = null;
    this.pane.classList.remove("drawing");
  }

  /** Keys while the region tool is up: arrows move it, with shift they size it. */
  key(event) {
    if (this.tool !== "box" || !this.box) return false;
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!by) return false;
    let [x, y, w, h] = this.box;
    if (event.shiftKey) {
      w = clamp(w + by[0] * STEP, STEP, 1 - x);
      h = clamp(h + by[1] * STEP, STEP, 1 - y);
    } else {
      x = clamp(x + by[0] * STEP, 0, 1 - w);
      y = clamp(y + by[1] * STEP, 0, 1 - h);
    }
    this.box = [x, y, w, h].map(short);
    this.changed();
    return true;
  }

  #at(event) {
    const overlay = this.pane.querySelector(".overlay");
    const rect = overlay.getBoundingClientRect();
    return [
      short(clamp((event.clientX - rect.left) / rect.width, 0, 1)),
      short(clamp((event.clientY - rect.top) / rect.height, 0, 1)),
    ];
  }

  #down(event) {
    if (!this.tool || event.button !== 0 || !this.pane.querySelector(".overlay")) return;
    event.preventDefault();
    this.pane.setPointerCapture(event.pointerId);
    this.from = this.#at(event);
    if (this.tool === "pen" && this.strokes.length < MOST_STROKES) this.strokes.push([this.from]);
  }

  #move(event) {
    if (!this.from) return;
    const to = this.#at(event);
    if (this.tool === "box") {
      const [x, y] = [Math.min(this.from[0], to[0]), Math.min(this.from[1], to[1])];
      const box = [x, y, short(Math.abs(to[0] - this.from[0])), short(Math.abs(to[1] - this.from[1]))];
      if (box[2] >= SMALL && box[3] >= SMALL) this.box = box;
    } else {
      const stroke = this.strokes[this.strokes.length - 1];
      const last = stroke[stroke.length - 1];
      const far = Math.hypot(to[0] - last[0], to[1] - last[1]) > NEAR;
      if (far && this.points < MOST_POINTS - MOST_STROKES) {
        stroke.push(to);
        this.points += 1;
      }
    }
    this.changed();
  }

  #up() {
    if (!this.from) return;
    this.from = null;
    this.strokes = this.strokes.filter((stroke) => stroke.length > 1);
    this.changed();
  }
}

function short(value) {
  return Math.round(value * 1e4) / 1e4;
}
