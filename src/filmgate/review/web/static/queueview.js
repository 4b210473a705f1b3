// The queue on the page: filters, the list, and what to say when it is empty.

import { count, fill, h, mark, moment, one, s } from "./dom.js";
import { List } from "./list.js";
import { urls } from "./api.js";

const ROW_PX = 64;
const STATES = {
  waiting: "waiting", all: "all shots", decided: "decided, not applied",
  circled: "circled", hold: "hold", ng: "NG", measured: "measured", planned: "planned",
  "in the making": "in the making", "answer unknown": "answer unknown", stopped: "stopped",
};
const MARKS = { waiting: "waiting", circled: "circle", hold: "hold", ng: "ng", decided: "intended" };

/** Shows a `Queue`. `open(row)` opens a take. */
export class QueueView {
  constructor(queue, open) {
    this.queue = queue;
    this.open = open;
    this.shot = null; // of the selected row: it stays selected when rows come and go above it
    this.list = new List(one("list"), {
      height: ROW_PX, make: blank, paint: (row, index, rest) => this.#paint(row, index, rest),
      choose: (index) => (this.shot = this.queue.shown[index]?.shot ?? null), open: () => this.openSelected(),
    });
    this.#filters();
    one("begin").addEventListener("click", () => this.openSelected());
    queue.addEventListener("change", () => this.refresh());
  }

  /** Draw what has changed. */
  refresh() {
    const rows = this.queue.shown;
    const at = rows.findIndex((row) => row.shot === this.shot);
    const index = at >= 0 ? at : Math.max(0, Math.min(this.list.at, rows.length - 1));
    this.list.resize(rows.length, index);
    this.shot = rows[index]?.shot ?? null;
    this.#counts(rows);
    this.#facets();
    one("begin").disabled = !rows.length;
    one("empty").hidden = rows.length > 0 || !this.queue.loaded;
    one("list").hidden = rows.length === 0 && this.queue.loaded;
    if (!rows.length) this.#empty();
  }

  /** Show and focus the list, with this shot selected. */
  enter(shot) {
    if (shot) this.shot = shot;
    this.refresh();
    if (this.list.at >= 0) this.list.select(this.list.at);
    if (!one("list").hidden) one("list").focus({ preventScroll: true });
  }

  openSelected() {
    const row = this.queue.shown[Math.max(0, this.list.at)];
    if (row) this.open(row);
  }

  /** What a key does here; true when it did something. */
  key(name) {
    if (this.list.key(name)) return true;
    if (name === "Enter") this.openSelected();
    else if (name === "/") one("f-find").focus();
    else if (name === "Escape" && document.activeElement === one("f-find")) {
      one("f-find").value = "";
      this.#found();
      one("list").focus();
    } else return false;
    return true;
  }

  #counts(rows) {
    const { filter, total, left } = this.queue;
    const n = filter.state === "waiting" ? left : total;
    const what = filter.state === "waiting" ? "waiting" : filter.state === "all" ? "" : STATES[filter.state];
    const found = this.queue.find ? `, ${count(rows.length, "take")} found` : "";
    one("queue-count").textContent = this.queue.loaded ? `${count(n, "take")} ${what}${found}` : "loading…";
  }

  #filters() {
    one("filters").addEventListener("submit", (event) => {
      event.preventDefault();
      one("list").focus();
    });
    for (const name of ["state", "sequence", "check", "reviewer", "order"]) {
      one(`f-${name}`).addEventListener("change", (event) => {
        this.queue.set({ [name]: event.target.value });
      });
    }
    one("f-find").addEventListener("input", () => this.#found());
    one("f-clear").addEventListener("click", () => this.clear());
  }

  clear() {
    one("f-find").value = "";
    this.queue.find = "";
    this.queue.set({ sequence: "", check: "", reviewer: "", state: "waiting", order: "worst" });
  }

  #found() {
    this.queue.find = one("f-find").value.trim();
    this.refresh();
  }

  #facets() {
    const { facets, filter } = this.queue;
    if (!facets) return;
    const states = facets.states.map((s) => ({ value: s.name, text: `${STATES[s.name] || s.name} (${s.count})` }));
    for (const name of ["waiting", "all"].reverse()) {
      if (!states.some((s) => s.value === name)) states.unshift({ value: name, text: STATES[name] });
    }
    options(one("f-state"), states, filter.state);
    const every = (list, text) => [{ value: "", text }, ...list.map((f) => (
      { value: f.name, text: `${f.name || "unnamed"} (${f.waiting})` }))];
    options(one("f-sequence"), every(facets.sequences, "all"), filter.sequence);
    options(one("f-check"), every(facets.checks, "any"), filter.check);
    options(one("f-reviewer"), every(facets.reviewers, "anybody"), filter.reviewer);
    one("f-order").value = filter.order;
    one("f-clear").hidden = !this.#narrowed();
  }

  #narrowed() {
    const { filter, find } = this.queue;
    return Boolean(find || filter.sequence || filter.check || filter.reviewer || filter.state !== "waiting");
  }

  #empty() {
    const narrowed = this.#narrowed();
    const later = this.queue.facets?.states.find((s) => s.name === "decided")?.count;
    fill(one("empty"),
      mark("circle"),
      h("h2", {}, narrowed ? "No take fits these filters" : "The queue is clear"),
      h("p", { class: "dim" }, narrowed
        ? "Others may wait." : "Nothing waits for you. What a run escalates appears here by itself."),
      !narrowed && later ? h("p", {}, `${count(later, "shot")} decided and not applied yet: a retake is made by `,
        h("code", {}, "filmgate resume"), ".") : null,
      narrowed
        ? h("button", { type: "button", class: "main", on: { click: () => this.clear() } }, "Show all that waits")
        : h("p", {}, h("a", { href: "/sheet" }, "Look at the contact sheet"), " · ", h("a", { href: "/report" }, "print the report")));
  }

  #paint(element, index, rest) {
    const row = this.queue.shown[index];
    const parts = element.parts;
    const frame = row.media ? urls.still(row.media, row.frame ?? 0, 90) : "";
    if (parts.key !== row) {
      parts.key = row;
      element.dataset.state = row.state;
      fill(parts.take, h("b", {}, row.slate), h("span", { class: "state" }, mark(MARKS[row.state] || "other"),
        row.state === "waiting" ? count(row.takes, "take") : row.state));
      fill(parts.worst, row.worst
        ? [h("span", { class: "title" }, row.worst.title), meter(row.worst.times), h("span", { class: "dim" }, row.worst.text)]
        : h("span", { class: "dim" }, row.score === null && row.state === "waiting" ? "no finding told" : ""));
      fill(parts.reason, row.reason);
      fill(parts.sequence, row.sequence || "unnamed");
      fill(parts.waits, row.waits_for
        ? h("span", { class: "by" }, row.waits_for) : h("span", { class: "dim" }, row.state === "waiting" ? "anybody" : row.by),
        row.notes ? h("span", { class: "notes by" }, count(row.notes, "note")) : null);
      fill(parts.since, moment(row.at));
      parts.image.removeAttribute("src");
    }
    // A picture costs the server a decode: none is asked for while rows fly by.
    if (rest && frame && parts.image.getAttribute("src") !== frame) parts.image.src = frame;
    parts.image.hidden = !frame;
  }
}

function blank() {
  const cell = (name) => h("span", { class: name });
  const parts = {
    image: h("img", { alt: "", class: "thumb", width: 96, height: 54, decoding: "async" }), take: cell("c-take"),
    worst: cell("c-worst"), reason: cell("c-reason"), sequence: cell("c-sequence"), waits: cell("c-waits"), since: cell("c-since"),
  };
  parts.image.addEventListener("error", () => parts.image.removeAttribute("src"));
  const element = h("div", { role: "option", class: "row" }, h("span", { class: "c-thumb" }, parts.image),
    parts.take, parts.worst, parts.reason, parts.sequence, parts.waits, parts.since);
  element.parts = parts;
  return element;
}

function meter(times) {
  if (typeof times !== "number") return null;
  const full = 20 * Math.min(times, 5);
  return s("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("rect", { class: "track", width: 100, height: 10 }),
    s("rect", { class: times > 1 ? "much" : "little", width: full, height: 10 }), s("path", { class: "tick", d: "M20 0v10" }));
}

function options(select, list, chosen) {
  const known = list.some((option) => option.value === chosen) ? list : [...list, { value: chosen, text: chosen }];
  const same = select.options.length === known.length
    && known.every((o, i) => select.options[i].value === o.value && select.options[i].text === o.text);
  if (!same) fill(select, known.map((o) => h("option", { value: o.value }, o.text)));
  select.value = chosen;
}
