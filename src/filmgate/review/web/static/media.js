// Media as the players take them: whole in memory where they are small.
//
// A browser opens six connections to a server and no more, and a video that is paused keeps its own.
// With two pictures on the table and two made ready nothing would be left for a decision.

import { urls } from "./api.js";

const SMALL_BYTES = 32 << 20;
const KEEP_BYTES = 256 << 20;
const held = new Map(); // digest -> { url, bytes, users }, least recently used first

/** Where a player finds the media: { url, whole }. Call `release` when it needs it no more. */
export async function take(digest) {
  const known = held.get(digest) || start(digest);
  held.delete(digest);
  held.set(digest, known);
  known.users += 1;
  await known.done;
  spare();
  return { url: known.url, whole: known.bytes > 0 };
}

/** Begin to load what a player will take in a moment. */
export function foresee(digest) {
  if (!held.has(digest)) held.set(digest, start(digest));
}

export function release(digest) {
  const known = held.get(digest);
  if (known) known.users -= 1;
  spare();
}

function start(digest) {
  const direct = urls.media(digest);
  const made = { url: direct, bytes: 0, users: 0, done: null };
  made.done = fetched(direct).then((blob) => {
    if (!blob) return;
    made.url = URL.createObjectURL(blob);
    made.bytes = blob.size;
  });
  return made;
}

async function fetched(url) {
  const stop = new AbortController();
  try {
    const answer = await fetch(url, { credentials: "same-origin", signal: stop.signal });
    if (answer.ok && Number(answer.headers.get("content-length")) <= SMALL_BYTES) {
      return await answer.blob();
    }
    stop.abort();
  } catch {
    // Then the player asks by itself, and says what is wrong.
  }
  return null;
}

function spare() {
  let total = 0;
  for (const one of held.values()) total += one.bytes;
  for (const [digest, one] of held) {
    if (total <= KEEP_BYTES) return;
    if (one.users > 0) continue;
    held.delete(digest);
    URL.revokeObjectURL(one.url);
    total -= one.bytes;
  }
}
