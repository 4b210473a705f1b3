// The take on the table: stage, evidence, people, desk and instruments put together.

import { get, urls } from "./api.js";
import { announce, fill, h, one } from "./dom.js";
import { Desk } from "./desk.js";
import { Evidence } from "./evidence.js";
import { reference } from "./ready.js";
import { People } from "./people.js";
import { Plot, Scopes } from "./instruments.js";
import { Sketch } from "./draw.js";
import { Stage } from "./stage.js";
import { Transport } from "./transport.js";

const SERIES_AFTER_MS = 500;
const NARROW_PX = 1000; // as in take.css

/** Everything about one take. `on.decide(take, ruling, said)`, `on.note(take, note)`, `on.open(slate)`. */
export class Table {
  constructor(session, on) {
    this.on = on;
    this.session = session;
    this.stage = new Stage();
    this.evidence = new Evidence({
      select: (finding) => this.select(finding),
      reason: (finding) => this.desk.reason(finding.attribute),
      disagree: (finding) => this.desk.disagree(finding.attribute),
    });
    this.desk = new Desk(session, {
      decide: (ruling, said) => this.#decide(ruling, said),
      changed: () => this.#paintEvidence(),
    });
    this.people = new People({
      note: (text, all) => this.#note(text, all), go: (note) => this.#goTo(note),
    });
    this.plot = new Plot((shot) => on.open(shot));
    this.scopes = new Scopes();
    this.sketch = new Sketch(one("pane-take"), () => this.#drawn());
    this.transport = new Transport(this);
    this.regions = true;
    this.stage.on = { frame: (n) => this.#framed(n), state: () => this.#changed() };
    this.data = null;
    this.drafts = new Map();
    this.timer = 0;
    for (const field of session.role === "viewer" ? one("note-form").elements : []) field.disabled = true;
    one("instruments").hidden = innerWidth <= NARROW_PX; // the evidence matters more there
    one("pair").addEventListener("change", (event) => this.#picked(event.target.value));
  }

  /** Put a prepared take on; resolves when it can be judged. */
  async put(prepared, { moving }) {
    const { data } = prepared;
    this.stage.pause();
    this.#draft(data.slate);
    this.data = data;
    this.expects = data.rulings;
    this.pairs = prepared.pairs;
    this.pair = prepared.pair || null;
    this.since = performance.now();
    this.hiddenFor = 0;
    this.still = true; // until its first picture moves
    this.notice(null);
    this.transport.cut.stop();
    fill(one("take-title"), `Take ${data.slate}, ${data.sequence}`);
    fill(one("name-take"), h("b", {}, data.slate), h("span", { class: "dim" },
      data.takes.length > 1 ? ` take ${data.number} of ${data.takes.length}` : ""));
    this.evidence.show(data.machine, data.recipe, data.cost);
    this.desk.reset(data.machine.reasons || [], this.evidence.drifting);
    this.#paintEvidence();
    this.people.show(data.people, prepared.clip || null, this.on.unsent(data.slate));
    this.#listPairs();
    if (prepared.player) {
      this.stage.load(prepared.player, prepared.other || null, prepared.align || null);
    } else {
      this.stage.clear("There is no take to show yet.");
    }
    this.transport.load(data, prepared.clip, this.evidence.findings);
    this.#shapes();
    this.plot.clear();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#late(data), SERIES_AFTER_MS);
    announce(`${data.slate}. ${this.#summary()}`);
    if (prepared.player && moving && prepared.clip.readable) await this.stage.play();
    else this.#framed(this.stage.frame);
    this.#scoped();
  }

  /** What was written and not kept stays with its take, and is there again when one comes back. */
  #draft(slate) {
    const { text, all } = this.people;
    const { box, strokes } = this.sketch;
    if (this.data && (text.value || !this.sketch.empty)) {
      this.drafts.set(this.data.slate, { words: text.value, whole: all.checked, box, strokes });
    }
    const kept = this.drafts.get(slate);
    this.drafts.delete(slate);
    text.value = kept?.words || "";
    all.checked = Boolean(kept?.whole);
    this.sketch.lay();
    if (kept) Object.assign(this.sketch, { box: kept.box, strokes: kept.strokes });
  }

  /** Seconds that the person has looked at this take. */
  get looked_s() {
    return Math.max(0, (performance.now() - this.since - this.hiddenFor) / 1000);
  }

  /** Look at a finding: its frames, its other take, its region. */
  async select(finding) {
    this.evidence.selected = finding;
    this.#paintEvidence();
    this.plot.follow(finding.attribute);
    const looping = Boolean(this.stage.loop);
    const pair = this.#pairOf(finding);
    if (pair && pair !== this.pair) await this.#beside(pair);
    if (looping) this.stage.setLoop(finding.loop);
    if (this.stage.zoomed) this.#zoomTo(finding);
    this.#shapes();
    if (!finding.frames.length) return;
    const here = near(finding.frames, this.pair?.here ?? this.stage.frame);
    if (finding.other && this.stage.other && pair === this.pair && finding.other.frames.length) {
      this.stage.align.here = here;
      this.stage.align.at = near(finding.other.frames, this.pair.at);
    }
    await this.stage.show(here);
  }

  /** The next reference of this take. */
  nextPair(by = 1) {
    if (!this.pairs.length) return null;
    const at = this.pairs.indexOf(this.pair);
    return this.#beside(this.pairs[(at + by + this.pairs.length) % this.pairs.length]);
  }

  /** Any take beside this one. */
  async choose(slate) {
    const { pairs } = await get(urls.pairs(this.data.slate, slate));
    const chosen = pairs.find((pair) => pair.role === "chosen");
    if (!chosen) return;
    this.pairs = [...this.pairs.filter((pair) => pair.role !== "chosen"), chosen];
    this.#listPairs();
    await this.#beside(chosen);
  }

  /** Loop the selected finding's frames, or all again. */
  toggleLoop() {
    const range = this.evidence.selected?.loop;
    if (this.stage.loop || !range) this.stage.setLoop(null);
    else {
      this.stage.setLoop(range);
      if (!this.stage.playing) this.stage.play();
    }
    if (!range) announce("No finding names frames to loop.");
  }

  toggleZoom() {
    if (this.stage.zoomed) this.stage.zoom(null);
    else this.#zoomTo(this.evidence.selected);
  }

  toggleRegions() {
    this.regions = !this.regions;
    this.#shapes();
    this.transport.state();
  }

  toggleInstruments() {
    const place = one("instruments");
    place.hidden = !place.hidden;
    this.transport.state();
    this.#scoped();
    if (!place.hidden && this.data) this.#late(this.data);
  }

  nextSound() {
    const order = ["none", "take", "other"];
    const next = order[(order.indexOf(this.stage.audible) + 1) % order.length];
    this.stage.listen(next);
  }

  /** Something happened elsewhere to this shot; null takes the word away. */
  notice(...said) {
    const place = one("notice");
    place.hidden = said[0] === null;
    fill(place, said.filter(Boolean));
  }

  /** Somebody else ruled on the take that is on the table: said at once, asked when this one rules. */
  overtaken(who) {
    this.notice(h("b", {}, who || "Somebody"), " has just ruled on this take. ",
      h("button", { type: "button", on: { click: () => this.on.open(this.data.slate, true) } }, "See it"),
      h("button", { type: "button", on: { click: () => this.on.next() } }, "Next take"));
  }

  /** What people said has grown: show it. */
  async refreshPeople() {
    const { slate } = this.data;
    const fresh = await get(urls.take(slate), { quiet: true }).catch(() => null);
    if (!fresh || this.data.slate !== slate) return;
    this.data.people = fresh.people;
    this.people.show(fresh.people, this.stage.take?.clip || null, this.on.unsent(slate));
    this.transport.marks(fresh, this.evidence.findings);
    this.#shapes();
  }

  repaintPeople() {
    if (!this.data) return;
    this.people.show(this.data.people, this.stage.take?.clip || null, this.on.unsent(this.data.slate));
  }

  /** Write on the frame that is on screen. */
  writeNote() {
    if (this.stage.playing) this.stage.toggle();
    this.people.text.focus();
  }

  useTool(tool) {
    this.stage.pause();
    this.sketch.use(tool);
    this.transport.state();
  }

  clearSketch() {
    this.sketch.clear();
    this.#drawn();
  }

  /** Leave the take: nothing plays on. */
  leave() {
    this.stage.pause();
    this.transport.cut.stop();
    this.plot.clear();
    clearTimeout(this.timer);
  }

  async #picked(index) {
    if (index === "any") {
      this.#listPairs();
      this.on.pick();
      return;
    }
    await this.#beside(this.pairs[Number(index)]);
    one("pair").blur();
  }

  async #beside(pair) {
    const { data } = this;
    this.pair = pair;
    one("pair").value = String(this.pairs.indexOf(pair));
    const made = await reference(this.stage.take.clip, pair);
    if (this.data !== data || this.pair !== pair) {
      made.player.close();
      return;
    }
    await this.stage.beside(made.player, made.align);
    this.#shapes();
    this.#scoped();
    announce(`Beside ${pair.label}`);
  }

  #listPairs() {
    fill(one("pair"),
      this.pairs.length ? null : h("option", { value: "" }, "no reference"),
      this.pairs.map((pair, i) => h("option", { value: i, selected: pair === this.pair },
        `${pair.label}${pair.exact === false ? " (another take than was compared)" : ""}`)),
      h("option", { value: "any" }, "any other take…"));
  }

  #pairOf(finding) {
    const { other } = finding;
    if (finding.against === "look") {
      const about = finding.attribute.toLowerCase().split("/");
      return this.pairs.find((pair) => pair.role === "look" && about.includes(pair.shot.toLowerCase())) || null;
    }
    if (!other?.media) return null;
    return this.pairs.find((pair) => pair.role === "finding" && pair.media === other.media)
      || this.pairs.find((pair) => pair.media === other.media) || null;
  }

  #zoomTo(finding) {
    const box = this.sketch.box || finding?.box;
    if (!box) {
      announce("No region to zoom to.");
      return;
    }
    this.stage.zoom(box, this.sketch.box ? null : this.#isBeside(finding) ? finding.other.box : null);
  }

  #isBeside(finding) {
    return Boolean(finding?.other && this.pair && finding.other.media === this.pair.media);
  }

  #shapes() {
    const { selected } = this.evidence;
    const take = [];
    const other = [];
    const n = this.stage.frame;
    if (this.regions && selected?.box) take.push({ box: selected.box, kind: kindAt(selected.frames, n) });
    if (this.regions && this.#isBeside(selected) && selected.other.box) {
      const there = this.stage.other?.shown ?? 0;
      other.push({ box: selected.other.box, kind: kindAt(selected.other.frames, there) });
    }
    for (const note of this.regions ? this.data?.people.notes || [] : []) {
      const first = note.first_frame ?? 0;
      const last = note.last_frame ?? note.first_frame ?? Infinity;
      if (n >= first && n <= last) take.push({ box: note.box, strokes: note.drawing, kind: "person" });
    }
    if (!this.sketch.empty) take.push({ box: this.sketch.box, strokes: this.sketch.strokes, kind: "new" });
    this.stage.draw(take, other);
  }

  #drawn() {
    this.#shapes();
    this.transport?.state();
  }

  /** Something was switched, or the picture has come to stand. */
  #changed() {
    this.transport?.state();
    if (!this.data || this.stage.playing) return;
    this.#where(this.stage.frame);
    this.#scoped();
  }

  #framed(n) {
    if (this.stage.playing && this.still) {
      this.still = false;
      performance.mark("filmgate:playing", { detail: this.data.slate });
    }
    this.transport.frame(n);
    this.#where(n);
    this.#shapes();
    if (!this.stage.playing) this.#scoped();
  }

  #where(n) {
    const clip = this.stage.take?.clip;
    if (!clip?.readable || this.stage.playing) return;
    this.people.where(`frame ${clip.display(n)}`);
  }

  /** Scopes of what stands; while it plays, of the frames that the finding was measured on. */
  #scoped() {
    const { selected } = this.evidence;
    const beside = this.#isBeside(selected);
    const moving = this.stage.playing;
    const side = (player, name, box, frames, pair) => {
      if (!player?.clip.readable) return null;
      const frame = moving ? (frames?.length ? near(frames, pair) : pair) : Math.max(0, player.shown);
      return { digest: player.clip.digest, frame, name, box };
    };
    this.scopes.show([
      side(this.stage.take, this.data?.slate, this.sketch.box || selected?.box, selected?.frames, this.pair?.here ?? 0),
      side(this.stage.other, this.pair?.slate || this.pair?.shot, beside ? selected.other.box : null,
        beside ? selected.other.frames : null, this.pair?.at ?? 0),
    ]);
  }

  #late(data) {
    if (this.data !== data || one("instruments").hidden) return;
    this.plot.show(data.slate, this.evidence.selected?.attribute || "", data.version);
  }

  #paintEvidence() {
    this.evidence.paint(this.desk.reasons, this.desk.disagrees);
  }

  #decide(ruling, said) {
    this.people.keep(); // what was written and not sent is not lost
    this.on.decide(this.data, this.expects, ruling, said, this.looked_s);
  }

  #note(text, all) {
    if (!text && this.sketch.empty) return false;
    if (this.session.role === "viewer") return false;
    const at = this.stage.frame;
    const note = { take: this.data.slate, text };
    if (!all) Object.assign(note, { first_frame: at, last_frame: at });
    if (this.sketch.box) note.box = this.sketch.box;
    if (this.sketch.strokes.length) note.drawing = this.sketch.strokes;
    this.on.note(this.data, note);
    this.sketch.lay();
    this.#drawn();
    return true;
  }

  #goTo(note) {
    this.stage.show(note.first_frame ?? 0).then(() => this.#shapes());
  }

  #summary() {
    const { verdict } = this.data.machine;
    const worst = this.evidence.selected;
    return [verdict ? `Machine: ${verdict.word}.` : "", worst ? `${worst.title}: ${worst.text}.` : ""].join(" ");
  }
}

/** A region holds for the frames that were measured; away from them it is only a hint. */
function kindAt(frames, n) {
  const all = frames.map((f) => f.frame);
  const measured = !all.length || (n >= Math.min(...all) && n <= Math.max(...all));
  return measured ? "machine" : "machine away";
}

/** The frame of `frames` that is nearest to `to`. */
function near(frames, to) {
  return frames.map((f) => f.frame).reduce((best, n) => (Math.abs(n - to) < Math.abs(best - to) ? n : best));
}
