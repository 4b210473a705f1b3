// What the contact sheet and the report share: who is here, which sequence, and printing.

import { Refusal, get, session, watch } from "./api.js";
import { fill, h, one } from "./dom.js";
import { help } from "./keys.js";

/** Open a page about one sequence: `show(id)` is called now and whenever another is chosen. */
export async function paper(name, show) {
  watch({ lost: () => server(false), found: () => server(true), signIn: () => location.assign("/") });
  one("keys-open").addEventListener("click", () => help());
  one("print").addEventListener("click", () => printed());
  for (const id of ["to-queue", "to-sheet", "to-report"]) {
    if (id === `to-${name}`) one(id).setAttribute("aria-current", "page");
  }
  addEventListener("keydown", (event) => {
    if (event.key === "?" && !event.target.matches?.("input, select") && !document.querySelector("dialog[open]")) help();
  });
  try {
    const here = await session();
    fill(one("reviewer"), here.reviewer, h("span", { class: "dim" }, ` ${here.role}`));
    const { sequences } = await get("/api/sequences");
    const asked = decodeURIComponent(location.pathname.slice(`/${name}/`.length));
    const select = one("sequence");
    fill(select, sequences.map((s) => h("option", { value: s.id }, `${s.id || "unnamed"} (${s.shots})`)));
    const first = sequences.some((s) => s.id === asked) ? asked : sequences[0]?.id;
    if (first === undefined) return tell("There is no sequence yet: start with filmgate run.");
    select.value = first;
    const turn = async () => {
      const id = select.value;
      history.replaceState({}, "", `/${name}/${encodeURIComponent(id)}`);
      for (const other of ["sheet", "report"]) one(`to-${other}`).href = `/${other}/${encodeURIComponent(id)}`;
      await show(id).catch((error) => tell(error.message));
    };
    select.addEventListener("change", turn);
    await turn();
  } catch (error) {
    if (!(error instanceof Refusal && error.status === 401)) tell(error.message);
  }
  return null;
}

/** Print, with the pictures that were never scrolled to. */
async function printed() {
  await Promise.all([...document.images].map((image) => {
    image.loading = "eager";
    return image.decode().catch(() => null);
  }));
  print();
}

function tell(text) {
  const banner = one("banner");
  banner.hidden = false;
  fill(banner, text);
}

function server(up) {
  one("server").dataset.state = up ? "up" : "down";
  one("server-word").textContent = up ? "connected" : "no server";
  if (!up) tell("The server does not answer: what is shown may be old.");
}
