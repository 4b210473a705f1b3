// Buttons and slider under the picture: they do what the keys do, and show what is on.

import { announce, fill, h, one, s } from "./dom.js";
import { framesOf } from "./frames.js";
import { Cut } from "./cut.js";

/** The controls of one `Table`. */
export class Transport {
  constructor(table) {
    this.table = table;
    this.stage = table.stage;
    this.cut = new Cut(this.stage, () => this.state());
    this.clip = null;
    this.slider = one("seek");
    const click = (id, call) => one(id).addEventListener("click", call);
    click("play", () => this.toggle());
    click("back", () => this.step(-1));
    click("forth", () => this.step(1));
    click("loop", () => table.toggleLoop());
    click("zoom", () => table.toggleZoom());
    click("regions", () => table.toggleRegions());
    click("sound", () => table.nextSound());
    click("scopes-toggle", () => table.toggleInstruments());
    click("play-cut", () => this.playCut());
    click("best", () => table.on.best());
    click("tool-box", () => table.useTool("box"));
    click("tool-pen", () => table.useTool("pen"));
    click("tool-clear", () => table.clearSketch());
    one("modes").addEventListener("click", (event) => {
      const mode = event.target.closest("[data-mode]")?.dataset.mode;
      if (mode) this.mode(mode);
    });
    this.slider.addEventListener("input", () => this.stage.show(Number(this.slider.value)));
    // After a drag the arrows mean frames and findings again.
    for (const id of ["seek", "wipe", "mix"]) {
      one(id).addEventListener("pointerup", (event) => event.target.blur());
    }
    one("goto").addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#goTo(event.target);
    });
  }

  /** A new take. */
  load(data, clip, findings) {
    this.clip = clip || null;
    this.data = data;
    this.slider.max = clip?.last ?? 0;
    this.slider.disabled = !clip?.readable;
    one("best").disabled = data.takes.length < 2 || this.table.session.role === "viewer";
    fill(one("best-n"), String(data.takes.length));
    this.marks(data, findings);
    this.state();
  }

  /** Where findings and notes are on the track. */
  marks(data, findings) {
    const last = Math.max(1, this.clip?.last ?? 1);
    const x = (n) => 5 + (990 * n) / last; // the slider's thumb does not reach the very ends
    const ticks = findings.flatMap((finding) => finding.frames.map(({ frame }) =>
      s("path", { class: `tick ${finding.status}`, d: `M${x(frame)} 0V9` })));
    const notes = data.people.notes.filter((n) => Number.isInteger(n.first_frame)).map((n) =>
      s("path", { class: "noted", d: `M${x(n.first_frame)} 11V20H${x(n.last_frame ?? n.first_frame) + 3}V11Z` }));
    fill(one("marks"), ticks, notes);
  }

  frame(n) {
    this.slider.value = n;
    if (this.clip?.readable && !this.stage.playing) {
      this.slider.setAttribute("aria-valuetext", `frame ${this.clip.display(n)}, ${this.clip.timecode(n)}`);
    }
  }

  /** Show what is on. */
  state() {
    const { stage, table } = this;
    const press = (id, on) => one(id).setAttribute("aria-pressed", Boolean(on));
    const playing = stage.playing || this.cut.playing;
    one("play").classList.toggle("on", playing);
    one("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    for (const button of one("modes").children) {
      button.setAttribute("aria-pressed", button.dataset.mode === stage.mode);
      button.disabled = !stage.other && button.dataset.mode !== "side";
    }
    press("loop", stage.loop);
    press("zoom", stage.zoomed);
    press("regions", table.regions);
    press("play-cut", this.cut.on);
    press("scopes-toggle", !one("instruments").hidden);
    press("tool-box", table.sketch?.tool === "box");
    press("tool-pen", table.sketch?.tool === "pen");
    one("tool-clear").hidden = !table.sketch || table.sketch.empty;
    const who = { none: "Sound off", take: "Sound: take", other: "Sound: ref." }[stage.audible];
    fill(one("sound"), who, " ", h("kbd", {}, "a"));
    one("panes").classList.toggle("cutting", this.cut.on);
    if (stage.mode === "flip") announce(stage.modeWord);
    one("panes").dataset.shows = stage.mode === "flip" ? (stage.flipped ? "reference" : "this take") : "";
  }

  toggle() {
    if (this.cut.on) return this.cut.toggle();
    return this.stage.toggle();
  }

  step(by) {
    if (this.cut.on) this.cut.stop();
    return this.stage.step(by);
  }

  mode(mode) {
    if (this.cut.on) this.cut.stop();
    if (mode === "side") this.stage.setMode("side");
    else this.stage.toggleMode(mode);
  }

  async playCut() {
    if (this.cut.on) {
      this.cut.stop();
      return;
    }
    this.stage.pause();
    await this.cut.play(this.data.slate);
  }

  /** "12" is the media frame, "1013" the display frame, "01:00:00:12" the timecode. */
  #goTo(field) {
    const n = asked(field.value.trim(), this.clip);
    if (n === null) {
      announce("That is no frame of this take.");
      field.select();
      return;
    }
    field.value = "";
    field.blur();
    this.stage.show(n);
  }
}

function asked(text, clip) {
  if (!clip?.readable) return null;
  let n = null;
  if (/^\d+$/.test(text)) {
    n = Number(text);
    // Media frames and display frames cannot be mixed up unless the clip has more than a thousand.
    if (n > clip.last && n >= clip.displayStart) n -= clip.displayStart;
  } else if (/^\d+[:;.]\d+[:;.]\d+[:;.]\d+$/.test(text)) {
    n = framesOf(text, clip.nominal, clip.drop) - clip.first;
  }
  return n === null || n < 0 || n > clip.last ? null : n;
}
