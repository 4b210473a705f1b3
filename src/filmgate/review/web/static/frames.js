// Frame numbers, times and timecode. Pure: no page, no video. Rates are fractions, never decimals.

/** The frame table of a media file, as /api/clips gives it. */
export class Clip {
  #half_s;

  constructor(plain) {
    this.plain = plain;
    this.digest = plain.digest;
    this.frames = plain.frames || 0;
    const [over, under] = (plain.rate || "24").split("/").map(Number);
    this.over = over;
    this.under = under || 1;
    this.start_s = plain.start_s || 0;
    this.times_s = plain.times_s || null;
    this.displayStart = plain.display_start ?? 1001;
    this.nominal = plain.nominal || Math.round(over / this.under);
    this.drop = Boolean(plain.drop);
    this.first = framesOf(plain.timecode || "00:00:00:00", this.nominal, this.drop);
    this.aspect = plain.width && plain.height ? plain.width / plain.height : 16 / 9;
    this.playable = plain.playable !== false && this.frames > 0;
    this.readable = this.frames > 0;
    const gaps = (this.times_s || []).slice(1).map((t, i) => t - this.times_s[i]);
    this.#half_s = Math.min(this.under / this.over, ...gaps.filter((gap) => gap > 0)) / 2;
  }

  get fps() {
    return this.over / this.under;
  }

  get last() {
    return Math.max(0, this.frames - 1);
  }

  /** The nearest frame that there is. */
  kept(n) {
    return Math.min(this.last, Math.max(0, Math.round(n)));
  }

  /** When frame n comes on screen, seconds of the media. */
  timeOf(n) {
    if (!this.times_s) return this.start_s + (n * this.under) / this.over;
    if (n < this.times_s.length) return this.start_s + this.times_s[n];
    return this.start_s + this.times_s[this.times_s.length - 1] + this.under / this.over;
  }

  /** Half a frame into frame n: where rounding cannot give its neighbour. Of frames that do not
   * come evenly the shortest counts: players take a longer one for over when that has passed. */
  middleOf(n) {
    return this.timeOf(n) + this.#half_s;
  }

  /** Which frame has the presentation time `time_s`; players give it rounded to a microsecond. */
  frameAt(time_s) {
    const since = time_s - this.start_s;
    if (!this.times_s) return this.kept((since * this.over) / this.under);
    const near = 2e-4 + since;
    let low = 0;
    let high = this.times_s.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.times_s[middle] <= near) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Which frame is on screen at `time_s`, anywhere within it. */
  frameDuring(time_s) {
    if (this.times_s) return this.frameAt(time_s);
    return this.kept(Math.floor(((time_s - this.start_s) * this.over) / this.under + 1e-3));
  }

  /** How people count frames: from 1001. */
  display(n) {
    return n + this.displayStart;
  }

  timecode(n) {
    return timecode(this.first + n, this.nominal, this.drop);
  }
}

/** Frames since midnight of a timecode ("01:00:00:00", or "01:00:00;02" where frames are dropped). */
export function framesOf(text, nominal, drop) {
  const [hours, minutes, seconds, frames] = text.split(/[:;.]/).map(Number);
  const plain = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames;
  if (!drop) return plain;
  const whole = hours * 60 + minutes;
  return plain - dropped(nominal) * (whole - Math.floor(whole / 10));
}

/** Timecode of a frame since midnight (SMPTE 12M: 2 numbers a minute are left out, each tenth keeps
 * them; 4 at 59.94). */
export function timecode(frame, nominal, drop) {
  let n = frame;
  if (drop) {
    const skip = dropped(nominal);
    const minute = 60 * nominal - skip;
    const ten = 10 * minute + skip;
    const tens = Math.floor(n / ten);
    const rest = n % ten;
    const over = rest < 60 * nominal ? 0 : 1 + Math.floor((rest - 60 * nominal) / minute);
    n += skip * (9 * tens + over);
  }
  const two = (value) => String(value).padStart(2, "0");
  const seconds = Math.floor(n / nominal);
  const parts = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  return `${parts.map(two).join(":")}${drop ? ";" : ":"}${two(n % nominal)}`;
}

function dropped(nominal) {
  return Math.round(nominal / 15); // 2 at 29.97, 4 at 59.94
}

/** How two clips lie beside one another: frame `here` of the one with frame `at` of the other. */
export class Alignment {
  constructor(clip, other, here = 0, at = 0) {
    this.clip = clip;
    this.other = other;
    this.here = here;
    this.at = at;
  }

  /** Frame of the other that belongs to frame n; the ends are held. */
  across(n) {
    const { clip, other } = this;
    if (clip.over * other.under === other.over * clip.under && !clip.times_s && !other.times_s) {
      return other.kept(n - this.here + this.at);
    }
    const since = clip.middleOf(n) - clip.timeOf(this.here);
    return other.frameDuring(other.timeOf(this.at) + since);
  }

  /** Share of the clip's frames that have a frame of their own beside them. */
  overlap() {
    const first = Math.max(0, this.here - this.at);
    const last = Math.min(this.clip.last, this.here + this.other.last - this.at);
    return Math.max(0, last - first + 1) / Math.max(1, this.clip.frames);
  }

  /** Both from their first frames. */
  fromStart() {
    return new Alignment(this.clip, this.other);
  }

  /** The alignment moved by `frames` of the other. */
  slipped(frames) {
    return new Alignment(this.clip, this.other, this.here, this.at + frames);
  }
}
