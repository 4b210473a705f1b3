// Whether the server answers, and what is not stored yet: said in a word, and loudly when it matters.

import { count, fill, h, one } from "./dom.js";

/** The word at the top, and the banner. `waiting()`: entries not stored; `hurry()`: try now. */
export class Banner {
  constructor({ waiting, lasting, hurry, back }) {
    Object.assign(this, { waiting, lasting, hurry, back });
    this.up = null;
    this.told = "";
  }

  /** The server has answered, or has not. */
  server(up) {
    const back = up && this.up === false;
    this.up = up;
    this.paint();
    if (back) this.back();
  }

  paint() {
    if (this.up === null) return;
    const n = this.waiting();
    const lasting = this.lasting();
    const told = `${this.up} ${n} ${lasting}`;
    if (told === this.told) return;
    this.told = told;
    one("server").dataset.state = !this.up ? "down" : n ? "storing" : "up";
    one("server-word").textContent = !this.up ? "no server" : n ? `storing ${n}` : "stored";
    const banner = one("banner");
    banner.hidden = this.up && lasting;
    if (banner.hidden) return;
    const where = lasting ? "kept in this browser and will be stored when it is back."
      : "on this page only: do not close it.";
    fill(banner,
      h("b", {}, this.up ? "This browser keeps nothing." : "The server does not answer."),
      n ? ` ${count(n, "entry").replace("entrys", "entries")} ${n === 1 ? "is" : "are"} ${where}`
        : " What you rule is kept here until it is back.",
      h("button", { type: "button", on: { click: () => this.hurry() } }, "Try now"));
  }
}
