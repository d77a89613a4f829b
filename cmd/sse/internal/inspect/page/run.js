// The state of a run, made from the messages of the relay.

import { OTHER, TypeColors } from "./colors.js";
import { Histogram } from "./histogram.js";
import { Store } from "./store.js";

// How many of each the page keeps, whatever the server sends.
const maxTypes = 1000,
  maxStates = 5000,
  maxAttempts = 100,
  maxLines = 500,
  maxParts = 100_000,
  maxPartText = 1 << 20; // characters

/** A list that keeps its newest items, and counts all of them. */
class Newest {
  items = [];
  total = 0;

  constructor(max) {
    this.max = max;
  }

  push(item) {
    this.items.push(item);
    this.total++;
    // Removing many at once makes it cheap.
    const excess = this.items.length - this.max;
    if (excess > this.max / 4) this.items.splice(0, excess);
  }
}

/** The view of one request and all its attempts. Each message of the relay has a method. */
export class Run {
  store = new Store();
  colors = new TypeColors();
  marks = new Histogram(OTHER + 1);
  types = new Set();
  states = new Newest(maxStates);
  attempts = new Newest(maxAttempts);
  ignoredLines = new Newest(maxLines);
  comments = new Newest(maxLines);
  findings = new Map(); // by rule
  #parts = []; // of the output of a model that the page has not shown yet
  #partsLength = 0; // number of their characters
  stats = null;
  droppedText = 0; // number of characters of parts that were dropped
  lost = 0; // number of messages that did not reach the page
  lastNumber = 0;
  lastTime = 0;
  #start; // of the run, in the time of performance.now

  /** Begins a run with the message that announces it, or none. */
  constructor(message) {
    const start = Date.parse(message?.time);
    this.#start = performance.now() - (Number.isNaN(start) ? 0 : Date.now() - start);
  }

  /** The time since the start of the run, in milliseconds. */
  get now() {
    return Math.max(performance.now() - this.#start, this.lastTime);
  }

  /** The current state, or null. */
  get current() {
    return this.states.items.at(-1) ?? null;
  }

  get isLive() {
    return this.current !== null && this.current.state !== "closed";
  }

  /** Sets the clock by a message: no message arrives before the time that it contains. */
  observe({ t }) {
    if (typeof t !== "number") return;
    this.lastTime = Math.max(this.lastTime, t);
    this.#start = Math.min(this.#start, performance.now() - t);
  }

  // If the relay was cut, the newest state and request may arrive twice.
  state(message) {
    const last = this.current;
    if (last && (message.t < last.t || (message.t === last.t && message.state === last.state))) {
      return;
    }
    this.states.push(message);
  }

  request(message) {
    if (this.attempts.items.some(a => a.request?.t >= message.t)) return;
    this.attempts.push({ number: message.attempt, request: message, response: null });
  }

  response(message) {
    const attempt = this.attempts.items.findLast(a => a.number === message.attempt);
    if (attempt) attempt.response = message;
    else this.attempts.push({ number: message.attempt, request: null, response: message });
  }

  event(message) {
    if (message.n <= this.lastNumber) return;
    this.lastNumber = message.n;
    const { parts, ...event } = message;
    event.raw ??= "";
    event.color = this.colors.of(event.type);
    if (this.types.size < maxTypes) this.types.add(event.type);
    this.marks.add(event.t, event.color);
    this.store.push(event);
    for (const part of parts ?? []) this.#addPart({ ...part, attempt: event.attempt });
  }

  // While the page is hidden or paused, nothing takes the parts, so their number is bounded here.
  #addPart(part) {
    this.#parts.push(part);
    this.#partsLength += part.text.length;
    if (this.#partsLength <= 2 * maxPartText && this.#parts.length <= 2 * maxParts) return;
    let n = 0;
    for (; this.#partsLength > maxPartText || this.#parts.length - n > maxParts; n++) {
      this.#partsLength -= this.#parts[n].text.length;
      this.droppedText += this.#parts[n].text.length;
    }
    this.#parts.splice(0, n);
  }

  /** Returns the parts that were added since the last call. */
  takeParts() {
    const parts = this.#parts;
    this.#parts = [];
    this.#partsLength = 0;
    return parts;
  }

  comment(message) {
    this.comments.push(message);
  }

  ignored(message) {
    this.ignoredLines.push(message);
  }

  finding(message) {
    this.findings.set(message.rule, message);
  }
}
