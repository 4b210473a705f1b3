// Facts as they are written, from the server's event stream.

const SILENT_MS = 4000; // a stream that is gone this long is worth telling

/** Listen to the ledger. `on.fact(event)`, `on.reset()`, `on.up()`, `on.down()`. */
export function listen(after, on) {
  let source = null;
  let last = after;
  let timer = 0;
  let wait_ms = 500;

  function open() {
    source = new EventSource(`/api/events?after=${last}`);
    source.addEventListener("open", () => {
      clearTimeout(timer);
      timer = 0;
      wait_ms = 500;
      on.up();
    });
    source.addEventListener("fact", (event) => {
      const fact = JSON.parse(event.data);
      last = Math.max(last, fact.id);
      on.fact(fact);
    });
    source.addEventListener("reset", (event) => {
      last = Math.max(last, Number(event.lastEventId) || last);
      on.reset();
    });
    source.addEventListener("error", () => {
      timer ||= setTimeout(() => on.down(), SILENT_MS);
      // The browser tries again by itself, unless the answer was no stream at all.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(open, wait_ms);
      wait_ms = Math.min(10_000, 2 * wait_ms);
    });
  }

  open();
  return () => source.close();
}
