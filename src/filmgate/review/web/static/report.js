// The review report of a sequence, for paper: what the machine said and what people ruled, apart.

import { count, fill, h, mark, moment, number, one } from "./dom.js";
import { get, urls } from "./api.js";
import { paper } from "./paper.js";

const STILL_PX = 180;
let told = null;

function paint() {
  if (!told) return;
  const only = one("only").checked;
  const shots = only ? told.shots.filter((s) => s.decisions.length || s.notes.length) : told.shots;
  const counts = Object.entries(told.counts).map(([state, n]) => h("li", {}, h("b", {}, n), ` ${state}`));
  fill(one("report"),
    h("header", {},
      h("h2", {}, told.id || "unnamed sequence"),
      h("p", { class: "dim" }, `${told.title} · ${count(told.shots.length, "shot")} · ${moment(told.at)}`,
        told.reviewers.length ? ` · reviewed by ${told.reviewers.join(", ")}` : " · nobody has ruled yet"),
      h("ul", { class: "counts" }, counts)),
    shots.map(shot),
    shots.length ? null : h("p", { class: "dim" }, "Nobody has said anything about this sequence yet."));
}

function shot({ row, decisions, notes, machine, withheld }) {
  return h("section", { class: "entry" },
    row.media ? h("img", { src: urls.still(row.media, row.frame ?? 0, STILL_PX), alt: `${row.slate}, frame ${row.frame ?? 0}`, loading: "lazy" })
      : h("span", { class: "nothing" }, "no take"),
    h("div", { class: "what" },
      h("h3", {}, row.media ? h("a", { href: urls.page(row.slate) }, row.slate) : row.slate, " ",
        h("span", { class: "dim" }, `${row.state}, ${count(row.takes, "take")}`)),
      machine ? h("div", { class: "machine-said" },
        h("p", {}, h("span", { class: "source" }, "Machine"), mark(machine.word), machine.word,
          machine.score === null ? "" : `, score ${number(machine.score)}`),
        machine.findings.length ? h("ul", {}, machine.findings.map((f) => h("li", {}, f))) : null)
        : h("p", { class: "dim small" }, withheld
          ? "The machine's word is told when a person has ruled." : "The machine has said nothing of this take."),
      decisions.length || notes.length ? h("div", { class: "people-said" },
        h("p", {}, h("span", { class: "source" }, "People")),
        h("ul", {}, decisions.map(ruling), notes.map(note))) : null));
}

function ruling(d) {
  const scores = Object.entries(d.scores || {}).map(([name, v]) => `${name} ${v}`).join(", ");
  const more = [d.reasons.length && `because of ${d.reasons.join(", ")}`,
    d.disagrees?.length && `disagrees with ${d.disagrees.join(", ")}`, scores,
    d.undone && "taken back", d.stale && "expired"].filter(Boolean).join("; ");
  return h("li", { class: d.undone ? "undone" : "" }, h("span", { class: "by" }, d.reviewer), ` ${d.take} `,
    mark(d.ruling), h("b", {}, d.ruling), h("time", { datetime: d.at }, ` ${moment(d.at)}`),
    more ? h("span", { class: "dim" }, ` ${more}`) : null, d.note ? h("p", { class: "words" }, d.note) : null);
}

function note(n) {
  const where = Number.isInteger(n.first_frame) ? ` at frame ${n.first_frame + 1001}` : "";
  return h("li", {}, h("span", { class: "by" }, n.reviewer), ` on ${n.take}${where}`,
    h("time", { datetime: n.at }, ` ${moment(n.at)}`), n.text ? h("p", { class: "words" }, n.text) : null,
    n.drawing?.length || n.box ? h("p", { class: "dim small" }, "with a region or drawing") : null);
}

one("only").addEventListener("change", paint);

paper("report", async (id) => {
  told = await get(`/api/sequences/${encodeURIComponent(id)}/report`);
  document.title = `Review report ${id} – filmgate`;
  paint();
});
