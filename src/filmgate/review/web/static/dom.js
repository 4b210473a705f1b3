// Elements without HTML text: what comes from outside is only ever text or a checked attribute.

const SVG = "http://www.w3.org/2000/svg";

/** An element: h("p", { class: "dim", on: { click } }, "text", child). null children are left out. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("aria-")) {
      element.setAttribute(name, String(value)); // "false" is a word there, not an absence
    } else if (value === false) {
      continue;
    } else if (name === "on") {
      for (const [kind, call] of Object.entries(value)) element.addEventListener(kind, call);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat().filter(isThere));
  return element;
}

function isThere(child) {
  return child !== null && child !== undefined && child !== false;
}

/** The element of that id; a missing one is a mistake of ours, so it is said at once. */
export function one(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** Put `children` in place of what was there. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter(isThere));
}

/** A value kept inside of [low, high]. */
export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** A number as words.number writes it: about three figures, a real minus sign. */
export function number(value) {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3;
  let text = value.toFixed(digits);
  if (text.includes(".")) text = text.replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text.replace("-", "\u2212");
}

/** "1 take", "12 takes". */
export function count(n, word) {
  return `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
}

/** A moment for people: the time today, else with its day. */
export function moment(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (at.toDateString() === new Date().toDateString()) return time;
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time}`;
}

/** A colour that may go into a style: "#rrggbb", else null. */
export function colour(hex) {
  return typeof hex === "string" && /^#[0-9a-f]{6}$/i.test(hex) ? hex : null;
}

/** The symbol of a state or verdict, defined once in _room.html; the word stands beside it. */
export function mark(name) {
  const known = ["circle", "retake", "escalate", "hold", "ng", "intended", "waiting"];
  const id = known.includes(name) ? name : "other";
  return s("svg", { class: `mark ${id}`, "aria-hidden": "true" }, s("use", { href: `#m-${id}` }));
}

/** Say something to whoever cannot see it. */
export function announce(text) {
  const place = one("spoken");
  place.textContent = "";
  // An unchanged text is not spoken twice; a new turn makes it a change.
  setTimeout(() => (place.textContent = text), 30);
}
