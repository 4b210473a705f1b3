// Talking to the room's own server; nothing else is ever asked.

/** The server's word that something cannot be done. */
export class Refusal extends Error {
  constructor(status, code, message, details) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details || {};
  }
}

/** No answer: the server is gone, or says that it cannot answer now. */
export class Lost extends Error {}

const PATIENCE_MS = 20_000;
let csrf = "";
let onLost = () => {};
let onFound = () => {};
let onSignIn = () => {};

/** Who is told when the server goes, comes back, or asks who is there. */
export function watch(calls) {
  onLost = calls.lost;
  onFound = calls.found;
  onSignIn = calls.signIn;
}

/** GET as JSON. `quiet`: a failure is not told to the page's banner. */
export async function get(path, { signal, quiet = false, patience = PATIENCE_MS } = {}) {
  return ask(path, { signal, quiet, patience });
}

/** POST JSON with the session's token against forged requests. */
export async function post(path, body, { quiet = false } = {}) {
  try {
    return await send(path, body, quiet);
  } catch (error) {
    // The token belongs to a session that is over (the server was started anew): take a new one.
    if (!(error instanceof Refusal) || error.code !== "csrf") throw error;
    await session();
    return send(path, body, quiet);
  }
}

function send(path, body, quiet) {
  return ask(path, {
    method: "POST", quiet, patience: PATIENCE_MS, body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", "X-Filmgate-CSRF": csrf },
  });
}

/** Who is signed in; keeps the token. */
export async function session() {
  const found = await ask("/api/session", { patience: PATIENCE_MS });
  csrf = found.csrf;
  return found;
}

/** Sign in with a token. */
export async function signIn(token) {
  const found = await ask("/api/session", {
    method: "POST", patience: PATIENCE_MS, body: JSON.stringify({ token }),
    headers: { "Content-Type": "application/json" }, entering: true,
  });
  csrf = found.csrf;
  return found;
}

/** Sign out; the page starts anew. */
export async function signOut() {
  await ask("/api/session", {
    method: "DELETE", patience: PATIENCE_MS, headers: { "X-Filmgate-CSRF": csrf },
  });
  location.assign("/");
}

async function ask(path, { patience, quiet, entering, signal, ...options }) {
  const timeout = AbortSignal.timeout(patience);
  const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", signal: either, ...options });
  } catch (error) {
    if (signal?.aborted) throw error;
    if (!quiet) onLost();
    throw new Lost("The server does not answer.");
  }
  if (answer.status === 503 || answer.status === 502 || answer.status === 504) {
    if (!quiet) onLost();
    throw new Lost("The server is busy.");
  }
  onFound();
  const plain = await answer.json().catch(() => null);
  if (answer.ok) return plain;
  const error = plain?.error || {};
  if (answer.status === 401 && !entering) onSignIn();
  throw new Refusal(
    answer.status, error.code || "internal",
    error.message || `The server answered ${answer.status}.`, error.details,
  );
}

/** A new key: what is sent with it is written once, however often it is sent. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

const enc = encodeURIComponent;

/** Addresses; slates and digests are encoded, whatever is in them. */
export const urls = {
  take: (slate) => `/api/takes/${enc(slate)}`,
  page: (slate) => `/take/${enc(slate)}`,
  clip: (digest) => `/api/clips/${enc(digest)}`,
  media: (digest) => `/media/${enc(digest)}`,
  still: (digest, n, height) =>
    `/frames/${enc(digest)}/${n}.jpg${height ? `?height=${height}` : ""}`,
  scope: (digest, n, kind, box) =>
    `/scopes/${enc(digest)}/${n}/${kind}.png${box ? `?box=${box.join(",")}` : ""}`,
  counts: (digest, n, box) =>
    `/api/scopes/${enc(digest)}/${n}${box ? `?box=${box.join(",")}` : ""}`,
  series: (slate) => `/api/series/${enc(slate)}`,
  pairs: (slate, other) => `/api/pairs/${enc(slate)}?other=${enc(other)}`,
  cut: (slate, handles) => `/api/cut/${enc(slate)}?handles=${handles}`,
};
