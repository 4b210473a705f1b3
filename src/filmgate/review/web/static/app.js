// Begins. What a stray key or a lost promise did is told in the console, not swallowed.

import { Lost } from "./api.js";
import { Room } from "./room.js";

addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof Lost || event.reason?.name === "AbortError") event.preventDefault();
});
new Room().enter();
