// One picture that can be asked for frame n: a video, or stills where the browser cannot play it.

import { h } from "./dom.js";
import { release, take } from "./media.js";
import { urls } from "./api.js";

const PRESENT_MS = 300; // after a seek has ended, how long its picture may take to be presented
const EDGE_S = 0.002; // inside of a frame, next to where it begins
const SOON = 12; // frames
const STILLS_AHEAD = 8;

/** Shows media frame by frame. `on.frame(n)` is called with every frame that comes on screen. */
export class Player {
  constructor(clip, { still = false } = {}) {
    this.clip = clip;
    this.shown = -1;
    this.playing = false;
    this.closed = false;
    this.presented = 0; // pictures that came on screen
    this.moved = false; // played since the last seek: what is on screen may be newer than `shown`
    this.on = { frame: () => {}, end: () => {} };
    this.range = null;
    this.until = null;
    this.wanted = null;
    this.seeking = null;
    this.asked = 0;
    this.turn = 0;
    this.stills = still || !clip.playable;
    this.box = h("div", { class: "picture" });
    this.box.style.setProperty("--aspect", clip.aspect);
    if (this.stills) this.#useStills();
    else this.#useVideo();
  }

  /** Resolves when frame n is on screen, or when a later wish has taken its place. */
  show(n) {
    this.pause();
    return this.#want(this.clip.kept(n));
  }

  /** Resolves when the first picture is there and playing could begin. */
  async ready(n = 0) {
    await this.show(n);
    return this;
  }

  /** Play from where it stands; `range`: first and last frame of a loop, or null for all. */
  async play(range = null) {
    const turn = ++this.turn;
    this.range = range;
    const { first, last } = range || { first: 0, last: this.clip.last };
    if (this.shown < first || this.shown >= last) await this.#want(first);
    if (turn !== this.turn) return; // paused meanwhile
    this.playing = true;
    this.moved = true;
    if (this.stills) {
      this.#tick(performance.now());
      return;
    }
    try {
      await this.video.play();
    } catch {
      this.playing = false; // paused again before it began, or the browser forbids it
    }
  }

  /** Go to frame n without stopping. */
  jump(n) {
    if (!this.stills) this.video.currentTime = this.clip.middleOf(this.clip.kept(n));
  }

  pause() {
    this.turn += 1;
    this.playing = false;
    clearTimeout(this.until);
    this.until = null;
    if (!this.stills) this.video.pause();
  }

  /** Play a little slower or faster, to fall into step with another player. */
  pace(rate) {
    if (!this.stills && this.video.playbackRate !== rate) this.video.playbackRate = rate;
  }

  set muted(quiet) {
    if (!this.stills) this.video.muted = quiet;
  }

  close() {
    if (this.closed) return;
    this.pause();
    this.closed = true;
    this.letGo?.();
    this.on = { frame: () => {}, end: () => {} };
    this.asked += 1;
    if (this.stills) {
      this.image.removeAttribute("src");
    } else if (this.video.getAttribute("src")) {
      this.video.removeAttribute("src");
      this.video.load(); // lets go of the connection and of the decoder
      release(this.clip.digest);
    }
    this.box.remove();
  }

  #useVideo() {
    this.video = h("video", {
      preload: "auto", playsinline: true, muted: true, disablepictureinpicture: true,
      disableremoteplayback: true, "aria-hidden": "true",
    });
    this.video.muted = true;
    this.box.append(this.video);
    const opened = new Promise((ok) => {
      this.video.addEventListener("loadeddata", ok, { once: true });
      this.video.addEventListener("error", ok, { once: true });
      this.letGo = ok;
    });
    const first = new Promise((ok) => (this.begun = ok));
    this.loaded = Promise.race([first, opened.then(() => wait(PRESENT_MS))]).then(() => (this.begun = null));
    this.#source();
    this.video.addEventListener("error", () => this.#giveUp());
    this.video.addEventListener("ended", () => this.playing && this.#ended());
    this.#listen();
  }

  async #source() {
    const { digest } = this.clip;
    const { url } = await take(digest);
    if (this.closed || this.stills) release(digest);
    else this.video.src = url;
  }

  /** What the browser cannot decode the server can: still by still. */
  #giveUp() {
    if (this.stills || !this.video.getAttribute("src")) return;
    const wanted = Math.max(0, this.aim);
    this.stills = true;
    release(this.clip.digest);
    this.playing = false;
    this.seeking = null;
    this.wanted = null;
    this.shown = -1;
    this.video.remove();
    this.#useStills();
    this.#want(wanted);
  }

  #useStills() {
    this.image = h("img", { alt: "", draggable: "false" });
    this.box.append(this.image);
    this.box.classList.add("stills");
    this.loaded = Promise.resolve();
  }

  #listen() {
    const presented = (_, told) => {
      if (this.stills) return;
      // Browsers differ in whether a file that starts late starts at zero: the first picture tells.
      if (this.begun) this.clip.start_s = told.mediaTime;
      this.begun?.();
      this.begun = null;
      this.presented += 1;
      this.#shows(this.clip.frameAt(told.mediaTime));
      this.video.requestVideoFrameCallback(presented);
    };
    this.video.requestVideoFrameCallback(presented);
  }

  #shows(n) {
    const changed = n !== this.shown;
    this.shown = n;
    if (this.playing || !this.seeking) this.aimed = n;
    this.waiter?.(n);
    if (changed) this.on.frame(n);
    const last = this.range ? this.range.last : this.clip.last;
    if (this.playing && (this.range || this.stills) && last - n < SOON) {
      // The last frame stays on for its own time, then the loop begins anew. Each picture sets the
      // clock again: on a busy machine the last one may not be told in time.
      clearTimeout(this.until);
      this.until = setTimeout(() => this.#ended(), (Math.max(0, last - n) + 0.9) * (1000 / this.clip.fps));
    }
  }

  #ended() {
    clearTimeout(this.until);
    this.until = null;
    this.on.end();
  }

  /** The frame it stands on, or is on its way to. */
  get aim() {
    return this.aimed ?? this.shown;
  }

  #want(n) {
    this.wanted = n;
    this.aimed = n;
    this.seeking ??= this.#seekAll().finally(() => (this.seeking = null));
    return this.seeking;
  }

  /** Wishes that come while one is being fulfilled replace one another: only the last counts. */
  async #seekAll() {
    await this.loaded;
    while (this.wanted !== null) {
      const n = this.wanted;
      this.wanted = null;
      if (n === this.shown && !this.moved) continue;
      this.moved = false;
      await (this.stills ? this.#fetch(n) : this.#seek(n));
    }
  }

  async #seek(n) {
    await this.#seekTo(n, this.clip.middleOf(n));
    // Where the times of a file are odd its player may take the neighbour: then from the edge.
    if (this.shown !== n && !this.stills && this.wanted === null) {
      await this.#seekTo(n, this.clip.timeOf(n) + EDGE_S);
    }
  }

  async #seekTo(n, time_s) {
    const { video, clip } = this;
    if (!video.getAttribute("src")) return;
    const before = this.presented;
    const arrived = new Promise((ok) => (this.waiter = (m) => m === n && ok(true)));
    const sought = new Promise((ok) => video.addEventListener("seeked", ok, { once: true }));
    const failed = new Promise((ok) => video.addEventListener("error", ok, { once: true }));
    video.currentTime = time_s;
    // A hidden page presents nothing; then the end of the seek must do.
    const late = Promise.race([sought, failed]).then(() => wait(PRESENT_MS));
    const seen = await Promise.race([arrived, late]);
    this.waiter = null;
    // What was presented is believed; only where nothing was does the clock have to do.
    if (!seen && !this.stills && this.presented === before) this.#shows(clip.frameDuring(video.currentTime));
  }

  async #fetch(n) {
    const turn = ++this.asked;
    const image = new Image();
    image.src = urls.still(this.clip.digest, n);
    try {
      await image.decode();
    } catch {
      return; // the frame cannot be decoded: what stands stays, and so does its number
    }
    if (turn !== this.asked) return;
    image.alt = "";
    image.draggable = false;
    this.image.replaceWith(image);
    this.image = image;
    this.#shows(n);
  }

  /** Stills are played on time, by leaving out those that come too late. */
  async #tick(began, from = this.shown) {
    while (this.playing) {
      const due = from + Math.floor(((performance.now() - began) * this.clip.fps) / 1000);
      const last = this.range ? this.range.last : this.clip.last;
      if (due !== this.shown) await this.#fetch(Math.min(due, last));
      if (!this.playing) return;
      if (this.shown >= last) {
        this.until ??= setTimeout(() => this.#ended(), 1000 / this.clip.fps);
        return;
      }
      for (let n = this.shown + 1; n <= Math.min(last, this.shown + STILLS_AHEAD); n++) {
        new Image().src = urls.still(this.clip.digest, n);
      }
      await wait(Math.max(4, 500 / this.clip.fps));
    }
  }
}

function wait(ms) {
  return new Promise((ok) => setTimeout(ok, ms));
}
