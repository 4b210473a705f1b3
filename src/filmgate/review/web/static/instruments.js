// Under the picture: the measured curve over the sequence, and the scopes of the two frames.

import { fill, h, number, one, s } from "./dom.js";
import { get, urls } from "./api.js";

const SETTLE_MS = 80; // scopes are asked for when the picture has stood that long
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 10, 16, 22];

/** The plot over the sequence, this shot marked. */
export class Plot {
  constructor(pick) {
    this.place = one("plot");
    this.pick = pick;
    this.known = new Map();
    this.slate = "";
    this.attribute = "";
    new ResizeObserver(() => this.#draw()).observe(this.place);
  }

  /** Show the series of a take once it is known; it may take the server seconds. */
  async show(slate, attribute, version) {
    this.clear();
    this.slate = slate;
    this.attribute = attribute;
    const key = `${slate} ${version}`;
    if (!this.known.has(key)) {
      fill(this.place, h("p", { class: "dim small" }, "Comparing the sequence…"));
      this.asking = new AbortController();
      const { signal } = this.asking;
      try {
        this.known.set(key, await get(urls.series(slate), { signal, quiet: true, patience: 300_000 }));
      } catch (error) {
        if (signal.aborted) return;
        if (this.slate === slate) fill(this.place, h("p", { class: "dim small" }, `No curve: ${error.message}`));
        return;
      }
      if (this.known.size > 40) this.known.delete(this.known.keys().next().value);
    }
    if (this.slate !== slate) return;
    this.told = this.known.get(key);
    this.#draw();
  }

  /** Nothing yet for this take. A comparison that nobody waits for must not hold a connection. */
  clear() {
    this.asking?.abort();
    this.slate = "";
    this.told = null;
    fill(this.place);
  }

  /** Follow the finding that is looked at. */
  follow(attribute) {
    this.attribute = attribute;
    this.#draw();
  }

  #draw() {
    if (!this.told || !this.place.clientWidth) return;
    const { series, shots, mark } = this.told;
    const known = series.filter((one) => [...one.step, ...one.accumulated].some((v) => v !== null));
    if (!known.length) {
      fill(this.place, h("p", { class: "dim small" }, "No curve: nothing was measured over the sequence."));
      return;
    }
    const own = known.find((one) => one.attribute === this.attribute);
    const [check] = this.attribute.split("/");
    const chosen = own || known.find((one) => one.check === check) || known[0];
    // A curve of something else must not pass for the finding's.
    const none = this.attribute && !own ? " – not this finding's" : "";
    const select = h("select", { "aria-label": "Attribute shown", on: { change: (event) => this.follow(event.target.value) } },
      known.map((one) => h("option", { value: one.attribute, selected: one === chosen },
        one === chosen ? one.title + none : one.title)));
    fill(this.place, select, curve(chosen, shots, mark, this.place.clientWidth, this.place.clientHeight - 26, this.pick));
  }
}

function curve(series, shots, mark, width, height, pick) {
  const values = [...series.step, ...series.accumulated].filter((v) => v !== null);
  const limit = series.tolerance;
  let high = Math.max(0, limit || 0, ...values);
  let low = Math.min(0, ...values);
  if (limit && low < -0.3 * limit) low = Math.min(low, -limit);
  if (high === low) high = 1;
  high += 0.1 * (high - low);
  const x = (i) => LEFT + ((width - LEFT - RIGHT) * (i + 0.5)) / shots.length;
  const y = (v) => TOP + ((height - TOP - BOTTOM) * (high - v)) / (high - low);
  const over = (v) => limit && Math.abs(v) > limit;
  const half = (x(1) - x(0)) / 2 || 10;
  const here = mark !== null && mark >= 0 && mark < shots.length;
  const say = (v) => (v === null || v === undefined ? "not measured" : `${number(v)} ${series.unit_text}`);
  const label = here
    ? `${series.title} over ${shots.length} shots. This shot, ${shots[mark]}: step ${say(series.step[mark])}, `
      + `accumulated ${say(series.accumulated[mark])}${limit ? `; tolerance ${say(limit)}` : ""}.`
    : `${series.title} over ${shots.length} shots.`;
  const band = Math.max(half, 4);
  return s("svg", { class: "curve", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label },
    here && s("rect", { class: "now", x: x(mark) - band, y: TOP, width: 2 * band, height: height - TOP - BOTTOM }),
    s("path", { class: "zero", d: `M${LEFT} ${y(0)}H${width - RIGHT}` }),
    limit && [limit, -limit].filter((v) => v >= low && v <= high)
      .map((v) => s("path", { class: "tolerance", d: `M${LEFT} ${y(v)}H${width - RIGHT}` })),
    limit && s("text", { x: LEFT - 5, y: y(limit) + 4, "text-anchor": "end" }, number(limit)),
    s("text", { x: LEFT - 5, y: y(0) + 4, "text-anchor": "end" }, "0"),
    s("text", { x: LEFT, y: 11, class: "unit" }, `${series.unit_text}: │ step from the shot before, ─ from the scene's anchor`),
    s("path", { class: "stems", d: series.step.map((v, i) => (v === null ? "" : `M${x(i)} ${y(0)}V${y(v)}`)).join("") }),
    s("path", { class: "line", d: joined(series.accumulated, x, y) }),
    [...series.step.entries()].concat([...series.accumulated.entries()]).map(([i, v]) => {
      if (v === null) return null;
      const shape = over(v)
        ? s("path", { class: "over", d: `M${x(i)} ${y(v) - 5}l5 9h-10z` })
        : s("circle", { class: "dot", cx: x(i), cy: y(v), r: 2.4 });
      shape.append(s("title", {}, `${shots[i]}: ${say(v)}`));
      return shape;
    }),
    labels(shots, mark, x, height),
    shots.length <= 400 && shots.map((shot, i) => {
      const area = s("rect", { class: "reach", x: x(i) - half, y: TOP, width: 2 * half, height: height - TOP,
        on: { click: () => pick(shot) } });
      area.append(s("title", {}, `${shot}: step ${say(series.step[i])}, accumulated ${say(series.accumulated[i])}`));
      return area;
    }),
  );
}

function joined(values, x, y) {
  let path = "";
  let on = false;
  values.forEach((v, i) => {
    if (v !== null) path += `${on ? "L" : "M"}${x(i)} ${y(v)}`;
    on = v !== null;
  });
  return path;
}

function labels(shots, mark, x, height) {
  const order = [mark, 0, shots.length - 1, ...shots.keys()].filter((i) => i !== null && shots[i] !== undefined);
  const taken = [];
  const out = [];
  for (const i of order) {
    const text = shots[i].length > 9 ? `${shots[i].slice(0, 8)}…` : shots[i];
    const half = 3.6 * text.length + 4;
    if (taken.some(([at, other]) => Math.abs(at - x(i)) < half + other)) continue;
    taken.push([x(i), half]);
    out.push(s("text", { class: i === mark ? "shot this" : "shot", x: x(i), y: height - 6, "text-anchor": "middle" }, text));
  }
  return out;
}

/** Waveform, parade, vectorscope or histogram of the two frames that stand. */
export class Scopes {
  constructor() {
    this.kind = "waveform";
    this.regionOnly = false;
    this.sides = [one("scope-take"), one("scope-other")].map((image, i) => ({
      image, said: one(i ? "scope-other-said" : "scope-take-said"), asked: "",
    }));
    this.timer = 0;
    this.now = [null, null];
    one("scope-kinds").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.id === "scope-region") this.regionOnly = !this.regionOnly;
      else this.kind = button.dataset.kind;
      this.#pressed();
      this.#ask();
    });
  }

  /** `both`: [{ digest, frame, box, name } or null, …]; asked for once the picture stands. */
  show(both) {
    this.now = both;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), SETTLE_MS);
  }

  #pressed() {
    for (const button of one("scope-kinds").querySelectorAll("[data-kind]")) {
      button.setAttribute("aria-pressed", button.dataset.kind === this.kind);
    }
    one("scope-region").setAttribute("aria-pressed", this.regionOnly);
  }

  #ask() {
    if (one("instruments").hidden) return;
    this.sides.forEach((side, i) => this.#fetch(side, i));
  }

  /** One request per side at a time: what was asked for meanwhile comes after it, the newest only. */
  async #fetch(side, i) {
    if (side.busy) {
      side.again = true;
      return;
    }
    side.busy = true;
    try {
      await this.#draw(side, this.now[i]);
    } finally {
      side.busy = false;
    }
    if (side.again) {
      side.again = false;
      this.#fetch(side, i);
    }
  }

  async #draw(side, of) {
    const box = of && this.regionOnly ? of.box : null;
    const asked = of ? urls.scope(of.digest, of.frame, this.kind, box) : "";
    if (asked === side.asked) return;
    side.asked = asked;
    if (!of) {
      side.image.removeAttribute("src");
      side.image.alt = "";
      fill(side.said);
      return;
    }
    const next = new Image();
    next.src = asked;
    const [counts] = await Promise.all([
      get(urls.counts(of.digest, of.frame, box), { quiet: true }).catch(() => null),
      next.decode().catch(() => null),
    ]);
    side.image.src = asked;
    side.image.alt = `${this.kind} of ${of.name}, frame ${of.frame}`;
    fill(side.said, h("b", {}, of.name), ` ${of.frame + 1001}${counts ? `: ${levels(counts)}` : ""}`);
    side.said.title = side.said.textContent;
  }
}

function levels(counts) {
  const percent = (v) => `${number(100 * v)}%`;
  const mean = counts.mean.map((v) => Math.round(100 * v)).join("/");
  return `mean ${mean}%, black ${percent(counts.clipped.low)}, white ${percent(counts.clipped.high)}`;
}
