// The room: who is here, which view is on, what a key does, and where decisions go.

import { Lost, Refusal, get, session, signIn, signOut, urls, watch } from "./api.js";
import { announce, count, fill, h, one } from "./dom.js";
import { ask, asking, conflict, refused } from "./dialogs.js";
import { help, nameOf, switchedOn, taken } from "./keys.js";
import { Banner } from "./banner.js";
import { Bench } from "./ready.js";
import { takeKey } from "./keymap.js";
import { listen } from "./live.js";
import { Outbox } from "./outbox.js";
import { pickBest } from "./best.js";
import { Queue } from "./queue.js";
import { QueueView } from "./queueview.js";
import { Table } from "./take.js";

const PEOPLE_FACTS = ["decision", "note", "preference"];
const AUTOPLAY = !matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Everything on the page; `app.js` makes the one there is. */
export class Room {
  constructor() {
    this.queue = new Queue();
    this.bench = new Bench();
    this.outbox = new Outbox();
    this.history = []; // rulings of this page that can be taken back, newest last
    this.slate = null;
    this.turn = 0;
    this.table = null;
    this.banner = new Banner({
      waiting: () => (this.session ? this.outbox.mine().filter((e) => e.state === "waiting").length : 0),
      lasting: () => this.outbox.lasting, hurry: () => this.outbox.hurry(),
      back: () => {
        this.outbox.hurry();
        this.#reload();
      },
    });
    watch({ lost: () => this.banner.server(false), found: () => this.banner.server(true), signIn: () => this.enter() });
    this.#wire();
  }

  /** Find out who is here; then show what the address asks for. */
  async enter() {
    if (this.entering) return;
    this.entering = true;
    try {
      this.session = await session();
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) await this.#askWho();
      else {
        this.banner.server(false);
        setTimeout(() => this.enter(), 2000);
        return;
      }
    } finally {
      this.entering = false;
    }
    if (one("sign-in").open) one("sign-in").close();
    this.#seated();
  }

  #seated() {
    const { session } = this;
    fill(one("reviewer"), session.reviewer, h("span", { class: "dim" }, ` ${session.role}`));
    one("sign-out").hidden = session.mode === "local";
    const project = session.project.id || session.project.title;
    this.outbox.start(session.reviewer, project);
    if (this.table) return; // signed in again: everything is still there
    this.table = new Table(session, {
      decide: (...said) => this.decide(...said), note: (...said) => this.note(...said),
      open: (slate, again) => this.open(slate, { again }), next: () => this.next(), best: () => this.best(),
      pick: () => this.pickReference(),
      unsent: (slate) => this.outbox.mine().filter((e) => e.about.slate === slate && e.kind !== "undo"),
    });
    this.view = new QueueView(this.queue, (row) => this.open(row.slate));
    this.stop = listen(session.version, {
      fact: (fact) => this.#fact(fact), reset: () => this.#reload(), up: () => this.banner.server(true),
      down: () => this.banner.server(false),
    });
    const first = this.#reload();
    this.#go(first);
  }

  async #reload() {
    try {
      await this.queue.load();
    } catch (error) {
      if (error.name !== "AbortError") this.#said(error);
    }
  }

  /** What the address asks for. */
  async #go(loaded) {
    const path = decodeURIComponent(location.pathname);
    if (path.startsWith("/take")) {
      const slate = path.slice("/take/".length);
      if (slate) {
        await this.open(slate, { silent: true });
        return;
      }
      await loaded;
      const [first] = this.queue.shown;
      if (first) {
        await this.open(first.slate, { replace: true });
        return;
      }
    }
    this.showQueue({ silent: true });
    await loaded;
    this.view.enter();
    const [first] = this.queue.shown;
    if (first?.media) this.bench.prepare(first.slate, AUTOPLAY);
  }

  /** Open a take; what was prepared is shown at once. */
  async open(slate, { silent = false, again = false, replace = false } = {}) {
    const turn = ++this.turn;
    const asked = performance.now();
    if (again) this.bench.forget(this.shotOf(slate));
    let prepared;
    try {
      prepared = await this.bench.give(slate, AUTOPLAY);
    } catch (error) {
      if (turn === this.turn) await this.#notOpened(slate, error);
      return;
    }
    if (turn !== this.turn) {
      prepared.given = false;
      prepared.close();
      return;
    }
    const { data } = prepared;
    this.slate = data.slate;
    this.shot = data.shot;
    one("queue").hidden = true;
    one("take").hidden = false;
    document.body.classList.add("judging");
    if (!silent) history[replace ? "replaceState" : "pushState"]({ slate: data.slate }, "", urls.page(data.slate));
    document.title = `${data.slate} – filmgate`;
    this.#crumb(data);
    await this.table.put(prepared, { moving: AUTOPLAY });
    this.#left();
    performance.measure("filmgate:take", { start: asked, detail: data.slate });
    this.#prepareNext();
  }

  /** The queue again, with the shot that was looked at selected. */
  showQueue({ silent = false } = {}) {
    this.turn += 1;
    this.table?.leave();
    this.slate = null;
    one("take").hidden = true;
    one("queue").hidden = false;
    document.body.classList.remove("judging");
    fill(one("crumb"));
    document.title = "Queue – filmgate";
    if (!silent) history.pushState({}, "", "/");
    this.view.enter(this.shot);
  }

  /** Write a ruling down here, send it, and go on at once: the next take is ready. */
  decide(data, expects, ruling, said, looked_s) {
    const started = performance.now();
    const body = {
      take: data.slate, ruling, expects, person_s: Math.round(100 * looked_s) / 100, ...said,
    };
    if (data.machine.verdict) body.saw = data.machine.verdict.id;
    const key = this.outbox.add("decide", body, { slate: data.slate, shot: data.shot });
    this.history.push({ key, slate: data.slate, shot: data.shot, ruling });
    announce(`${data.slate}: ${ruling}`);
    const next = this.queue.after(data.shot);
    this.queue.settle(data.shot);
    this.bench.forget(data.shot);
    this.#advance(next, started);
  }

  async #advance(next, started) {
    if (!next) {
      this.showQueue();
      return;
    }
    await this.open(next.slate);
    if (this.slate !== next.slate && this.shot !== next.shot) return;
    performance.measure("filmgate:next", { start: started, detail: next.slate });
  }

  /** Keep a note, a region, a drawing. */
  note(data, note) {
    this.outbox.add("note", note, { slate: data.slate, shot: data.shot });
    announce("Note kept");
  }

  /** Take the newest ruling of this page back, and return to its take. */
  async undo() {
    const last = this.history.pop() || this.#earlier();
    if (!last) {
      announce("There is nothing to undo.");
      return;
    }
    const about = { slate: last.slate, shot: last.shot };
    if (last.key) this.outbox.undo(last.key, about);
    else this.outbox.add("undo", { decision: last.decision }, about);
    this.queue.unsettle(last.shot);
    this.bench.forget(last.shot);
    announce(`Taken back: ${last.ruling} on ${last.slate}`);
    await this.#stored();
    await this.open(last.slate, { again: true });
  }

  /** The newest ruling on the take that is open, if this person may take it back. */
  #earlier() {
    const { data } = this.table;
    if (!this.slate || this.session.role === "viewer") return null;
    const newest = data.people.decisions.filter((d) => d.take === data.slate).at(-1);
    const mine = newest && (newest.reviewer === this.session.reviewer || this.session.role === "lead");
    if (!mine || newest.undone || newest.undoes) return null;
    return { decision: newest.id, slate: data.slate, shot: data.shot, ruling: newest.ruling };
  }

  /** Soon after everything is stored, or after a moment when the server is gone. */
  #stored() {
    if (!this.outbox.mine().some((e) => e.state === "waiting")) return Promise.resolve();
    return new Promise((done) => {
      const check = () => !this.outbox.mine().some((e) => e.state === "waiting") && done();
      this.outbox.addEventListener("change", check);
      setTimeout(done, 1500);
    });
  }

  /** The next or previous take of the queue, without ruling. */
  next(by = 1) {
    const row = this.queue.beside(this.shot, by)
      || (by > 0 ? this.queue.after(this.shot) : null);
    if (row) this.open(row.slate);
    else announce(by > 0 ? "This is the last take." : "This is the first take.");
  }

  async best() {
    const { data } = this.table;
    if (!data || data.takes.length < 2 || this.session.role === "viewer") return;
    this.table.stage.pause();
    const picked = await pickBest(data);
    if (!picked) return;
    const about = { slate: picked.best, shot: data.shot };
    this.outbox.add("preference", {
      shot: data.shot, best: picked.best, over: picked.over, reason: picked.reason,
    }, about);
    announce(`${picked.best} is preferred`);
    if (!picked.circle) return;
    const best = picked.best === data.slate ? data : await get(urls.take(picked.best));
    const expects = best === data ? this.table.expects : best.rulings;
    this.decide(best, expects, "circle", { reasons: [], note: "", scores: {}, disagrees: [] }, this.table.looked_s);
  }

  /** Put any take beside this one. */
  async pickReference() {
    const field = h("input", { id: "any-take", type: "text", autocomplete: "off", list: "any-takes", spellcheck: "false" });
    const slates = [...new Set([...this.table.data.takes.map((t) => t.slate), ...this.queue.rows.map((r) => r.slate)])];
    const answer = await ask({
      title: "Put another take beside this one",
      body: [h("p", {}, h("label", { for: "any-take" }, "Slate of a take or shot "), field,
        h("datalist", { id: "any-takes" }, slates.slice(0, 300).map((slate) => h("option", { value: slate }))))],
      actions: [{ text: "Compare", value: "go", main: true }, { text: "Leave", value: null }],
      onShow: (dialog) => {
        field.focus();
        field.addEventListener("keydown", (event) => {
          if (event.key === "Enter") dialog.querySelector(".main").click();
        });
      },
    });
    if (answer && field.value.trim()) await this.table.choose(field.value.trim()).catch((error) => this.#said(error));
  }

  shotOf(slate) {
    return this.table?.data?.slate === slate ? this.table.data.shot : slate.replace(/-\d+$/, "");
  }

  #prepareNext() {
    const first = this.queue.after(this.shot);
    if (!first) return;
    this.bench.prepare(first.slate, AUTOPLAY);
    const second = this.queue.after(first.shot, new Set([this.shot]));
    if (second) setTimeout(() => this.bench.prepare(second.slate, AUTOPLAY), 400);
  }

  async #notOpened(slate, error) {
    if (error instanceof Lost) {
      this.banner.server(false);
      this.table.notice(h("b", {}, slate), " cannot be loaded: the server does not answer. ",
        h("button", { type: "button", on: { click: () => this.open(slate) } }, "Try again"));
      return;
    }
    await ask({ title: `${slate} cannot be opened`, body: h("p", {}, error.message),
      actions: [{ text: "To the queue", value: null, main: true }] });
    this.showQueue();
  }

  #crumb(data) {
    const shots = h("span", {}, `${data.sequence || "unnamed"} › `);
    fill(one("crumb"), shots, h("b", {}, data.slate), h("span", { class: "dim" }, ` ${data.planned?.action || ""}`));
    const enc = encodeURIComponent(data.sequence);
    one("to-sheet").href = `/sheet/${enc}`;
    one("to-report").href = `/report/${enc}`;
  }

  #left() {
    one("undo").disabled = this.history.length === 0 && !this.#earlier();
    if (this.session.role !== "viewer") fill(one("left"), `${count(this.queue.left, "take")} waiting`);
  }

  #fact(fact) {
    this.queue.hear(fact.row);
    if (!fact.shot) return;
    const mine = fact.by === this.session.reviewer;
    if (fact.shot !== this.shot || !this.slate) {
      if (fact.kind !== "applied") this.bench.forget(fact.shot);
      return;
    }
    const here = fact.take === this.slate || fact.take === this.shot;
    if (PEOPLE_FACTS.includes(fact.kind)) this.table.refreshPeople();
    if (fact.kind === "decision" && here && !mine) this.table.overtaken(fact.by);
    if (fact.kind === "take" && !here) {
      this.table.notice("A new take is there: ", h("button", { type: "button",
        on: { click: () => this.open(fact.take, { again: true }) } }, fact.take));
    }
  }

  #said(error) {
    if (error instanceof Lost) this.banner.server(false);
    else announce(error.message);
  }

  #askWho() {
    const dialog = one("sign-in");
    if (!dialog.open) dialog.showModal();
    return new Promise((done) => {
      one("sign-in-form").onsubmit = async (event) => {
        event.preventDefault();
        try {
          this.session = await signIn(one("token").value.trim());
          one("token").value = "";
          done();
        } catch (error) {
          one("sign-in-said").textContent = error.message;
        }
      };
    });
  }

  #wire() {
    const { outbox } = this;
    outbox.addEventListener("change", () => {
      this.banner.paint();
      this.table?.repaintPeople();
      this.#changedQueue();
    });
    outbox.addEventListener("stored", ({ detail }) => {
      if (detail.entry.kind === "undo") this.queue.unsettle(detail.entry.about.shot);
    });
    outbox.addEventListener("conflict", ({ detail }) => this.#conflict(detail));
    outbox.addEventListener("refused", ({ detail }) => this.#refused(detail));
    this.queue.addEventListener("change", () => this.#changedQueue());
    addEventListener("popstate", () => this.#back());
    addEventListener("keydown", (event) => this.#key(event));
    one("undo").addEventListener("click", () => this.undo());
    one("keys-open").addEventListener("click", () => help());
    one("sign-out").addEventListener("click", () => signOut());
    one("sign-in").addEventListener("cancel", (event) => event.preventDefault());
    // A button that was clicked must not take the space bar away from play.
    addEventListener("click", (event) => {
      if (event.detail > 0 && !asking()) event.target.closest?.("button, summary")?.blur();
    });
    addEventListener("beforeunload", (event) => {
      if (!outbox.lasting) event.preventDefault();
    });
    let hiddenAt = 0;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) hiddenAt = performance.now();
      else if (this.table) this.table.hiddenFor += performance.now() - hiddenAt;
    });
  }

  #changedQueue() {
    if (this.table) this.#left();
  }

  async #conflict({ entry, error }) {
    this.history = this.history.filter((past) => past.key !== entry.key);
    const answer = await conflict(entry, error);
    outboxDrop(this.outbox, entry);
    this.queue.unsettle(entry.about.shot);
    this.bench.forget(entry.about.shot);
    if (answer === "mine") {
      const { key: _, ...body } = entry.body;
      const key = this.outbox.add("decide", { ...body, expects: error.details.rulings }, entry.about);
      this.history.push({ key, ...entry.about, ruling: body.ruling });
      this.queue.settle(entry.about.shot);
    } else if (answer === "look" || answer === null) {
      await this.open(entry.about.slate, { again: true });
    }
  }

  async #refused({ entry, error }) {
    this.history = this.history.filter((past) => past.key !== entry.key);
    const answer = await refused(entry, error);
    outboxDrop(this.outbox, entry);
    this.queue.unsettle(entry.about.shot);
    if (answer !== "drop") await this.open(entry.about.slate, { again: true });
  }

  #back() {
    const path = decodeURIComponent(location.pathname);
    if (path.startsWith("/take/")) this.open(path.slice("/take/".length), { silent: true });
    else this.showQueue({ silent: true });
  }

  #key(event) {
    if (asking() || event.isComposing || !this.table || taken(event)) return;
    const name = nameOf(event);
    if (!name) return;
    if (name.length === 1 && !switchedOn() && name !== "?") return;
    if (event.target.matches?.("input, textarea, select") && name === "Escape") {
      if (!(this.slate ? false : this.view.key(name))) event.target.blur();
      event.preventDefault();
      return;
    }
    if (name === "?") help();
    else if (name === "u") this.undo();
    else if (!(this.slate ? takeKey(this, name, event) : this.view.key(name))) return;
    event.preventDefault();
  }

}

function outboxDrop(outbox, entry) {
  const kept = outbox.entries().find((known) => known.key === entry.key);
  if (kept) outbox.drop(kept);
}
