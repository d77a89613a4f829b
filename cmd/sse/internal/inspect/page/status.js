// The state of the connection and the counters.

import { byId, element, setText, visible } from "./dom.js";
import { bytes, count, duration, endSentence, sentence, truncate } from "./format.js";

/** Shows the state in full sentences, with a countdown while the client waits. */
export class Status {
  #root = byId("state");
  #text = element("span");
  // Screen readers announce the state once, and not each change of the countdown.
  #countdown = element("span", { class: "countdown", "aria-hidden": "true" });
  #counters = new Map(
    [...byId("counters").querySelectorAll("dd")].map(dd => [dd.dataset.counter, dd]),
  );
  #shown;

  constructor() {
    this.#root.append(this.#text, this.#countdown);
  }

  reset(run) {
    this.run = run;
    this.#shown = undefined;
    for (const name of this.#counters.keys()) this.#count(name, null, String);
    this.render();
  }

  render() {
    const state = this.run.current;
    if (state !== this.#shown) {
      this.#shown = state;
      this.#root.dataset.state = state?.state ?? "idle";
      this.#text.replaceChildren(...visible(describe(state)));
    }
    setText(this.#countdown, state?.state === "waiting" ? this.#remaining(state) : "");
    if (this.run.stats) this.#renderCounters(this.run.stats);
  }

  #remaining(state) {
    const ms = state.t + (state.wait ?? 0) - this.run.now;
    if (ms <= 0) return " Next attempt now.";
    const wait = ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms);
    return ` Next attempt in ${wait.replaceAll(" ", "\u00a0")}.`;
  }

  #renderCounters(stats) {
    this.#count("events", Math.max(stats.events, this.run.lastNumber), count);
    this.#count("rate", stats.rate, rate);
    this.#count("bytes", stats.bytes, bytes);
    this.#count("first", stats.firstEvent, duration);
    this.#count("p50", stats.gapP50, duration);
    this.#count("p95", stats.gapP95, duration);
    this.#count("max", stats.gapMax, duration);
    this.#count("reconnects", stats.reconnects, count);
  }

  #count(name, value, format) {
    const dd = this.#counters.get(name);
    setText(dd, value == null ? "–" : format(value));
    dd.dataset.value = value ?? "";
  }
}

/** Returns the sentences that describe a state message, or no state if it is null. */
function describe(message) {
  if (!message) return "Idle. Enter a URL and press Send.";
  const { state, attempt, lastEventID } = message;
  const reason = reasonOf(message);
  const resume = lastEventID
    ? ` It resumes after the ID ${JSON.stringify(truncate(lastEventID, 60))}.`
    : "";
  const number = attempt > 1 ? `, attempt ${count(attempt)}` : "";
  switch (state) {
    case "connecting":
      return `Connecting${number}.${resume}`;
    case "open":
      return `Open${number}.`;
    case "waiting":
      return reason ? `Waiting to reconnect: ${reason}` : "Waiting to reconnect.";
    case "closed":
      return reason === "stopped." ? "Stopped." : reason ? `Closed: ${reason}` : "Closed.";
  }
  return sentence(`${state} ${reason}`);
}

function reasonOf({ reason }) {
  const text = truncate(reason ?? "", 600);
  const status = /^(?:HTTP )?(\d{3} .+)$/.exec(text)?.[1];
  const end = status?.startsWith("204 ") ? ", which ends the stream" : "";
  return endSentence(status ? `the server responded ${status}${end}` : text);
}

const rate = n => `${n < 10 ? +n.toFixed(1) : count(Math.round(n))}/s`;

/** Shows the notes of the flags, such as that certificates are not verified. */
export function showNotes(notes) {
  byId("notes").replaceChildren(...notes.map(text => element("li", {}, ...visible(text))));
}
