// What each key does while a take is on the table.

import { one } from "./dom.js";

/** Do what the key `name` says to `room`; false when it says nothing. */
export function takeKey(room, name, event) {
  const { table } = room;
  const { stage, desk, transport, sketch, evidence } = table;
  if (sketch.key(event)) return true;
  const digit = /^(?:(Shift)\+)?([0-9])$/.exec(name);
  if (digit) {
    if (!digit[1]) return desk.digit(Number(digit[2]));
    const finding = evidence.keyed(digit[2]);
    if (finding) desk.disagree(finding.attribute);
    return true;
  }
  if (name === "Escape") {
    leave(room);
    return true;
  }
  if (name !== "t" && name !== "s") desk.endChord();
  const does = {
    c: () => desk.rule("circle"), r: () => desk.rule("retake"), h: () => desk.rule("hold"),
    n: () => desk.rule("ng"), i: () => desk.rule("intended"),
    t: () => desk.startChord("t"), s: () => desk.startChord("s"), b: () => room.best(),
    " ": () => transport.toggle(), x: () => transport.playCut(),
    ArrowLeft: () => transport.step(-1), ArrowRight: () => transport.step(1),
    "Shift+ArrowLeft": () => transport.step(-10), "Shift+ArrowRight": () => transport.step(10),
    Home: () => stage.show(0), End: () => stage.show(Infinity),
    l: () => table.toggleLoop(), g: () => one("goto").focus(), a: () => table.nextSound(),
    w: () => transport.mode("wipe"), o: () => transport.mode("overlay"),
    d: () => transport.mode("difference"), f: () => transport.mode("flip"),
    e: () => transport.mode("side"), z: () => table.toggleZoom(), y: () => table.toggleRegions(),
    p: () => table.nextPair(), "Shift+P": () => room.pickReference(),
    ",": () => stage.slip(-1), ".": () => stage.slip(1), v: () => table.toggleInstruments(),
    ArrowUp: () => evidence.move(-1), ArrowDown: () => evidence.move(1),
    j: () => room.next(1), k: () => room.next(-1),
    m: () => table.writeNote(), "Shift+M": () => table.useTool("box"),
  }[name];
  if (!does) return false;
  does();
  return true;
}

/** Escape leaves what was entered last: a question, a tool, the cut, the take. */
function leave(room) {
  const { desk, sketch, transport } = room.table;
  if (desk.endChord() || desk.cancel()) return;
  if (sketch.tool) room.table.useTool(sketch.tool);
  else if (transport.cut.on) transport.cut.stop();
  else room.showQueue();
}
