// A list of any length of which only what can be seen exists. Rows are of one height and recycled.

const SPARE = 3; // rows kept above and below what can be seen
const REST_MS = 90; // scrolling has come to rest: now pictures may be asked for

/** A listbox: `make()` gives an empty row element, `paint(element, index, rest)` fills it. */
export class List {
  constructor(box, { height, make, paint, choose, open }) {
    this.box = box;
    this.canvas = box.firstElementChild;
    this.height = height;
    this.make = make;
    this.paint = paint;
    this.choose = choose;
    this.size = 0;
    this.at = -1;
    this.rows = new Map(); // index -> element
    this.pool = [];
    this.resting = 0;
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    box.addEventListener("click", (event) => {
      const row = event.target.closest("[role=option]");
      if (!row) return;
      this.select(Number(row.dataset.index));
      open();
    });
    new ResizeObserver(() => this.#layout()).observe(box);
  }

  /** There are `size` rows now; all that can be seen are painted anew. */
  resize(size, at = this.at) {
    this.size = size;
    this.at = size ? Math.min(Math.max(0, at), size - 1) : -1;
    this.canvas.style.height = `${size * this.height}px`;
    this.#layout(true);
  }

  /** Select a row and bring it into view. */
  select(index, { scroll = true } = {}) {
    if (!this.size) return;
    this.at = Math.min(Math.max(0, index), this.size - 1);
    if (scroll) this.#reveal(this.at);
    this.#layout(true);
    this.choose(this.at);
  }

  /** Rows that fit at once. */
  get page() {
    return Math.max(1, Math.floor(this.box.clientHeight / this.height));
  }

  /** What a key does to the selection; true when it did something. */
  key(name) {
    const steps = {
      ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: this.page, PageUp: -this.page,
      Home: -this.size, End: this.size,
    };
    if (!(name in steps)) return false;
    this.select(this.at + steps[name]);
    return true;
  }

  #reveal(index) {
    const top = index * this.height;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) {
      this.box.scrollTop = top + this.height - clientHeight;
    }
  }

  #scrolled() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.#layout());
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.resting = 0;
      this.#layout(true);
    }, REST_MS);
  }

  #layout(again = false) {
    this.frame = 0;
    if (!this.box.clientHeight) return; // not on screen: no rows, and no pictures asked for
    const { scrollTop, clientHeight } = this.box;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - SPARE);
    const end = Math.min(this.size, Math.ceil((scrollTop + clientHeight) / this.height) + SPARE);
    for (const [index, row] of this.rows) {
      if (index < first || index >= end) {
        this.rows.delete(index);
        this.pool.push(row);
      }
    }
    for (let index = first; index < end; index++) {
      const known = this.rows.get(index);
      if (known && !again) continue;
      const row = known || this.pool.pop() || this.make();
      this.rows.set(index, row);
      row.id = `row-${index}`;
      row.dataset.index = index;
      row.style.transform = `translateY(${index * this.height}px)`;
      row.setAttribute("aria-posinset", index + 1);
      row.setAttribute("aria-setsize", this.size);
      row.setAttribute("aria-selected", index === this.at);
      this.paint(row, index, this.resting === 0);
      if (row.parentNode !== this.canvas) this.canvas.append(row);
    }
    for (const row of this.pool.splice(24)) row.remove();
    for (const row of this.pool) row.remove();
    const active = this.rows.has(this.at) ? `row-${this.at}` : null;
    if (active) this.box.setAttribute("aria-activedescendant", active);
    else this.box.removeAttribute("aria-activedescendant");
  }
}
