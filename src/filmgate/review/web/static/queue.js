// What waits for people: the rows, their order, and what changes while the page is open.

import { get } from "./api.js";

const FIRST_ROWS = 100; // enough to begin with; the rest comes while these are looked at
const ALL_ROWS = 5000;
const FACETS_MS = 1500;
const OPTIONS = ["sequence", "check", "reviewer", "state", "order"];

/** The queue of the server as this page sees it. Events: change. */
export class Queue extends EventTarget {
  constructor() {
    super();
    this.rows = [];
    this.total = 0;
    this.facets = null;
    this.version = 0;
    this.filter = { sequence: "", check: "", reviewer: "", state: "waiting", order: "worst" };
    this.find = "";
    this.settled = new Set(); // shots ruled on here whose facts have not come back yet
    this.at = 0;
    this.loading = null;
    this.loaded = false;
  }

  /** Rows after the search for a slate, without those that were ruled on a moment ago. */
  get shown() {
    const find = this.find.toLowerCase();
    const hide = this.filter.state === "waiting" ? this.settled : new Set();
    return this.rows.filter((row) => !hide.has(row.shot)
      && (!find || row.slate.toLowerCase().includes(find)));
  }

  /** How many wait, as far as is known. */
  get left() {
    return Math.max(0, this.total - (this.filter.state === "waiting" ? this.settled.size : 0));
  }

  /** Take these filters and load anew. */
  set(filter) {
    Object.assign(this.filter, filter);
    return this.load();
  }

  /** Load the first rows; the rest follows by itself. */
  async load() {
    this.loading?.abort();
    const loading = (this.loading = new AbortController());
    const first = await this.#ask(0, FIRST_ROWS, loading.signal);
    if (loading !== this.loading) return;
    this.rows = first.rows;
    this.total = first.total;
    this.facets = first.facets;
    this.version = first.version;
    this.settled.clear();
    this.loaded = true;
    this.#changed();
    if (first.total > first.rows.length) this.#more(loading);
  }

  /** The take to judge after `shot`, in this order; null when nothing waits. */
  after(shot, but = new Set()) {
    const open = (row) => row.shot !== shot && !but.has(row.shot) && !this.settled.has(row.shot)
      && ["waiting", "answer unknown"].includes(row.state) && row.media;
    const at = this.rows.findIndex((row) => row.shot === shot);
    if (at >= 0) this.at = at;
    const from = at >= 0 ? at + 1 : this.at; // its row may be gone: what came after took its place
    return this.rows.slice(from).find(open) || this.rows.slice(0, from).find(open) || null;
  }

  /** The row before or after `shot`, whatever its state. */
  beside(shot, by) {
    const rows = this.shown.filter((row) => row.media);
    const at = rows.findIndex((row) => row.shot === shot);
    return rows[at + by] || null;
  }

  /** Somebody here has ruled on the shot: it is out of the way until the ledger says more. */
  settle(shot) {
    this.settled.add(shot);
    this.#changed();
  }

  /** The ruling was taken back, or could not be stored: the shot waits again. */
  unsettle(shot) {
    if (this.settled.delete(shot)) this.#changed();
  }

  /** A new fact: its row takes the old one's place, comes in, or goes. */
  hear(row) {
    if (!row) return;
    const at = this.rows.findIndex((known) => known.shot === row.shot);
    const fits = this.#fits(row);
    if (row.state !== "waiting") this.settled.delete(row.shot);
    if (at >= 0 && fits) this.rows[at] = row;
    else if (at >= 0) this.rows.splice(at, 1);
    else if (fits) this.rows.splice(this.#place(row), 0, row);
    else return this.#refreshFacets();
    this.total += (fits ? 1 : 0) - (at >= 0 ? 1 : 0);
    this.#changed();
    return this.#refreshFacets();
  }

  #fits(row) {
    const { sequence, check, reviewer, state } = this.filter;
    return (state === "all" || row.state === state) && (!sequence || row.sequence === sequence)
      && (!check || row.checks.includes(check)) && (!reviewer || row.waits_for === reviewer);
  }

  /** Worst first: before the first that is less bad. In edit order the server must say: at the end. */
  #place(row) {
    if (this.filter.order !== "worst") return this.rows.length;
    const size = (one) => one.score ?? -1;
    const at = this.rows.findIndex((known) => size(known) < size(row));
    return at < 0 ? this.rows.length : at;
  }

  #ask(offset, limit, signal) {
    const asked = new URLSearchParams({ offset, limit });
    for (const name of OPTIONS) if (this.filter[name]) asked.set(name, this.filter[name]);
    return get(`/api/queue?${asked}`, { signal });
  }

  async #more(loading) {
    try {
      const rest = await this.#ask(FIRST_ROWS, ALL_ROWS, loading.signal);
      if (loading !== this.loading) return;
      // What happened between the two answers may have moved a row from one into the other.
      const known = new Set(this.rows.map((row) => row.shot));
      this.rows = this.rows.concat(rest.rows.filter((row) => !known.has(row.shot)));
      this.#changed();
    } catch (error) {
      if (error.name !== "AbortError") this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
  }

  #refreshFacets() {
    if (this.refreshing) return;
    this.refreshing = setTimeout(async () => {
      this.refreshing = 0;
      try {
        const found = await this.#ask(0, 1);
        this.facets = found.facets;
        this.version = found.version;
        this.#changed();
      } catch {
        // The next fact asks again.
      }
    }, FACETS_MS);
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}
