// The contact sheet: every shot of a sequence in edit order, for the eye.

import { count, fill, h, mark, one } from "./dom.js";
import { get, urls } from "./api.js";
import { paper } from "./paper.js";

const STILL_PX = 240;
const MARKS = { waiting: "waiting", circled: "circle", hold: "hold", ng: "ng", decided: "intended" };
let rows = [];

function paint() {
  const only = one("only").checked;
  const shown = only ? rows.filter((row) => row.state === "waiting") : rows;
  fill(one("sheet"), shown.map(tile));
  const waiting = rows.filter((row) => row.state === "waiting").length;
  const circled = rows.filter((row) => row.state === "circled").length;
  one("summary").textContent = `${count(rows.length, "shot")}: ${circled} circled, ${waiting} waiting`;
}

function tile(row, i) {
  const before = rows[i - 1];
  const picture = row.media
    ? h("img", { src: urls.still(row.media, row.frame ?? 0, STILL_PX), alt: "", loading: "lazy", decoding: "async" })
    : h("span", { class: "nothing" }, row.state);
  const words = [h("span", { class: "well" }, picture),
    h("span", { class: "line" }, mark(MARKS[row.state] || "other"), h("b", {}, row.slate),
      i === 0 || before?.scene !== row.scene ? h("span", { class: "scene" }, `scene ${row.scene || "?"}`) : null,
      h("span", { class: "dim" }, row.state)),
    // One line in every tile: pictures of one row stand at one height, as on a sheet of prints.
    h("span", { class: "line worst", title: row.worst ? `${row.worst.title}: ${row.worst.text}` : null },
      row.worst ? `${row.worst.title}: ${row.worst.text}` : "")];
  return h("li", { class: `tile ${row.state.replaceAll(" ", "-")}` },
    row.media ? h("a", { href: urls.page(row.slate) }, words) : h("span", { class: "box" }, words));
}

const size = one("size");
size.addEventListener("input", () => one("sheet").style.setProperty("--tile", `${size.value}px`));
one("only").addEventListener("change", paint);

paper("sheet", async (id) => {
  const sheet = await get(`/api/sequences/${encodeURIComponent(id)}/sheet`);
  rows = sheet.rows;
  document.title = `Contact sheet ${id} – filmgate`;
  paint();
});
