// The connection to sse inspect.

// The kinds of messages, as in messages.go.
const kinds = [
  "run",
  "state",
  "request",
  "response",
  "event",
  "comment",
  "ignored",
  "finding",
  "stats",
  "lost",
];

/**
 * Receives the messages of the relay. EventSource reconnects by itself and sends the ID of the last
 * message, so that the relay continues after it.
 */
export function connect({ onmessage, onlost, onback, onend }) {
  const source = new EventSource("relay");
  let isLost = false;
  for (const kind of kinds) {
    source.addEventListener(kind, e => onmessage(kind, JSON.parse(e.data)));
  }
  source.addEventListener("open", () => {
    if (isLost) onback();
    isLost = false;
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) onend();
    else if (!isLost) onlost();
    isLost = true;
  });
}
