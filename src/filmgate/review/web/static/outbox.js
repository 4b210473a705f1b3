// What a person ruled or said, kept in the browser until the ledger has it.
//
// One item of localStorage per entry, so that two pages of one browser never overwrite each other's.
// Each entry has the key that the server knows it by: sent twice, it is written once.

import { Lost, Refusal, newKey, post } from "./api.js";

const PREFIX = "filmgate.outbox.";
const STORED = "filmgate.stored.";
const KEEP_STORED = 200;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const MOST_FAILURES = 6; // of a server that answers, and fails: then a person must look
const ORPHAN_MS = 15_000; // a page that has not stored its entry by then is probably closed

const PATHS = {
  decide: "/api/decide", undo: "/api/undo", note: "/api/notes", preference: "/api/preferences",
};

/** Keeps and sends. Events: change, stored {entry, answer}, conflict {entry, error}, refused. */
export class Outbox extends EventTarget {
  constructor(storage = window.localStorage) {
    super();
    this.storage = storage;
    this.page = newKey();
    this.memory = new Map(); // where the browser keeps nothing
    this.known = new Map(); // key -> decision, of this page
    this.count = 0;
    this.sending = null;
    this.wait_ms = FIRST_WAIT_MS;
    this.timer = 0;
    this.owner = null;
  }

  /** From now on send what is `reviewer`'s in `project`: nothing is sent in another's name. */
  start(reviewer, project) {
    const again = Boolean(this.owner);
    this.owner = { reviewer, project };
    if (!again) {
      addEventListener("online", () => this.hurry());
      addEventListener("storage", () => this.#changed());
      setInterval(() => this.#pump(), ORPHAN_MS);
    }
    this.hurry();
    // What could not be stored when the page was closed is asked about again.
    for (const entry of this.mine().filter((e) => e.state !== "waiting")) {
      const error = new Refusal(0, entry.state, entry.message, entry.details);
      this.#tell(entry.state, { entry, error });
    }
  }

  /** Keep something and send it as soon as that can be. Returns its key. */
  add(kind, body, about = {}) {
    const key = newKey();
    const made = Date.now();
    const order = `${String(made).padStart(15, "0")}.${String(this.count++).padStart(6, "0")}`;
    const name = `${PREFIX}${order}.${key}`;
    this.#write({ name, key, kind, body: { ...body, key }, about, made, page: this.page,
      tries: 0, state: "waiting", ...this.owner });
    this.#changed();
    this.#pump();
    return key;
  }

  /** Take back the ruling that was sent with `key`: before it was tried it is simply dropped. */
  undo(key, about = {}) {
    const entry = this.entries().find((e) => e.key === key);
    if (entry && entry.tries === 0 && this.sending !== key) {
      this.drop(entry);
      return null;
    }
    return this.add("undo", {}, { ...about, of: key });
  }

  /** Everything that is not stored yet, oldest first. */
  entries() {
    const found = [...this.memory.values()];
    try {
      for (let i = 0; i < this.storage.length; i++) {
        const name = this.storage.key(i);
        if (name?.startsWith(PREFIX)) {
          const entry = parsed(this.storage.getItem(name));
          if (entry) found.push({ ...entry, name });
        }
      }
    } catch {
      // The browser forbids storage: what is in memory is all there is.
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What is `owner`'s here, and could be sent. */
  mine() {
    return this.entries().filter((e) => this.owner && e.reviewer === this.owner.reviewer
      && e.project === this.owner.project);
  }

  /** Whether entries are kept if the page is closed. */
  get lasting() {
    return this.memory.size === 0;
  }

  /** Forget an entry: the person said so, or it is stored. */
  drop(entry) {
    this.memory.delete(entry.name);
    try {
      this.storage.removeItem(entry.name);
    } catch {
      // Not kept there then.
    }
    this.#changed();
  }

  /** Try at once: the server may be back. */
  hurry() {
    this.wait_ms = FIRST_WAIT_MS;
    clearTimeout(this.timer);
    this.timer = 0;
    this.#pump();
  }

  /** The decision that a key became, or null while it is not stored. */
  decisionOf(key) {
    const id = this.known.get(key) ?? Number(this.#read(STORED + key)?.split(" ")[1]);
    return id > 0 ? id : null;
  }

  async #pump() {
    if (this.sending || this.timer || !this.owner) return;
    const now = Date.now();
    const entry = this.mine().find((e) => e.state === "waiting"
      && (e.page === this.page || now - e.made > ORPHAN_MS));
    if (!entry) return;
    this.sending = entry.key;
    try {
      await this.#send(entry);
      this.wait_ms = FIRST_WAIT_MS;
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) return; // start() comes after signing in
      this.timer = setTimeout(() => {
        this.timer = 0;
        this.#pump();
      }, this.wait_ms);
      this.wait_ms = Math.min(LONGEST_WAIT_MS, 2 * this.wait_ms);
      return;
    } finally {
      this.sending = null;
    }
    this.#pump();
  }

  async #send(entry) {
    const body = { ...entry.body };
    if (entry.kind === "undo" && !body.decision) {
      body.decision = this.decisionOf(entry.about.of);
      if (!body.decision) {
        if (this.entries().some((e) => e.key === entry.about.of && e.state === "waiting")) {
          throw new Lost("What is to be undone is not stored yet.");
        }
        this.drop(entry); // what it would undo was never written
        return;
      }
    }
    this.#write({ ...entry, tries: entry.tries + 1 });
    try {
      const answer = await post(PATHS[entry.kind], body);
      if (answer.decision) this.#remember(entry.key, answer.decision.id);
      this.drop(entry);
      this.#tell("stored", { entry, answer });
    } catch (error) {
      const failing = error.status >= 500 && entry.tries < MOST_FAILURES;
      if (!(error instanceof Refusal) || [401, 429].includes(error.status) || failing) throw error;
      const state = error.status === 409 ? "conflict" : "refused";
      this.#write({ ...entry, tries: entry.tries + 1, state, message: error.message,
        details: error.details });
      this.#changed();
      this.#tell(state, { entry: { ...entry, state }, error });
    }
  }

  #write(entry) {
    try {
      this.storage.setItem(entry.name, JSON.stringify(entry));
      this.memory.delete(entry.name);
    } catch {
      this.memory.set(entry.name, entry);
    }
  }

  #remember(key, id) {
    this.known.set(key, id);
    try {
      const names = Object.keys(this.storage).filter((name) => name.startsWith(STORED));
      if (names.length > KEEP_STORED) {
        names.sort((a, b) => (this.#read(a) < this.#read(b) ? -1 : 1));
        for (const name of names.slice(0, names.length - KEEP_STORED)) this.storage.removeItem(name);
      }
      this.storage.setItem(STORED + key, `${String(Date.now()).padStart(15, "0")} ${id}`);
    } catch {
      // Full, or forbidden: `known` has it as long as the page is open.
    }
  }

  #read(name) {
    try {
      return this.storage.getItem(name);
    } catch {
      return null;
    }
  }

  #changed() {
    this.#tell("change", {});
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

function parsed(text) {
  try {
    const entry = JSON.parse(text);
    return entry && PATHS[entry.kind] && entry.body ? entry : null;
  } catch {
    return null;
  }
}
