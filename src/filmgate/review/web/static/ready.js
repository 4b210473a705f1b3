// Takes made ready before they are asked for: their evidence, and players that stand on a picture.

import { get, urls } from "./api.js";
import { Alignment, Clip } from "./frames.js";
import { foresee } from "./media.js";
import { Player } from "./player.js";

const KEEP = 3; // prepared takes: each holds two decoders
const CLIPS = 400;
const clips = new Map();

/** The frame table of a media file; asked for once, for media never change. */
export async function clipOf(digest) {
  if (!clips.has(digest)) {
    const asked = get(urls.clip(digest), { quiet: true }).then((plain) => new Clip(plain));
    asked.catch(() => clips.delete(digest));
    clips.set(digest, asked);
    if (clips.size > CLIPS) clips.delete(clips.keys().next().value);
  }
  return clips.get(digest);
}

/** One take with its players, ready to be put on the stage. */
export class Prepared {
  constructor(slate, moving) {
    this.slate = slate;
    this.moving = moving;
    this.given = false;
    this.closed = false;
    this.done = this.#make();
    this.done.catch(() => {});
  }

  async #make() {
    const data = await get(urls.take(this.slate), { quiet: true });
    this.data = data;
    this.pairs = data.pairs || [];
    if (!data.media) return this;
    this.clip = new Clip(data.clip);
    this.player = new Player(this.clip);
    const [pair] = this.pairs;
    if (pair) foresee(pair.media); // while its frame table is asked for
    const other = pair ? await reference(this.clip, pair).catch(() => null) : null;
    if (other) Object.assign(this, { pair, other: other.player, align: other.align });
    if (this.closed) {
      this.#letGo();
      return this;
    }
    await this.#stand();
    return this;
  }

  /** Put both on the frame with which the take will begin. */
  async #stand() {
    const begin = this.moving && this.align && this.align.overlap() < 0.5
      ? this.align.fromStart() : this.align;
    const first = this.moving || !begin ? 0 : begin.here;
    await Promise.all([
      this.clip.readable ? this.player.ready(first) : null,
      this.other?.clip.readable ? this.other.ready(begin.across(first)) : null,
    ]);
  }

  close() {
    this.closed = true;
    if (!this.given) this.#letGo();
  }

  #letGo() {
    this.player?.close();
    this.other?.close();
  }
}

/** A player of a pair's reference, and how it lies beside the take. */
export async function reference(clip, pair) {
  const other = await clipOf(pair.media);
  const at = other.kept(pair.at ?? 0);
  return { player: new Player(other), align: new Alignment(clip, other, clip.kept(pair.here ?? 0), at) };
}

/** The takes that are ready, or about to be. */
export class Bench {
  constructor() {
    this.ready = new Map();
  }

  /** Prepare a take unless it is prepared already. */
  prepare(slate, moving) {
    const known = this.ready.get(slate);
    if (known && known.moving === moving) return known;
    known?.close();
    const made = new Prepared(slate, moving);
    this.ready.delete(slate);
    this.ready.set(slate, made);
    made.done.catch(() => this.ready.get(slate) === made && this.ready.delete(slate));
    while (this.ready.size > KEEP) this.drop(this.ready.keys().next().value);
    return made;
  }

  /** Take a prepared take off: from now on its players belong to the stage. */
  async give(slate, moving) {
    const made = this.prepare(slate, moving);
    await made.done;
    if (made.closed) return this.give(slate, moving); // a fact came in meanwhile: look again
    made.given = true;
    this.ready.delete(slate);
    return made;
  }

  /** What was prepared is out of date: a fact about that shot came in. */
  forget(shot) {
    for (const [slate, made] of this.ready) {
      if (slate === shot || made.data?.shot === shot || slate.startsWith(`${shot}-`)) this.drop(slate);
    }
  }

  drop(slate) {
    this.ready.get(slate)?.close();
    this.ready.delete(slate);
  }
}
