// Connects the parts of the page.

import * as api from "./api.js";
import { showEvent } from "./details.js";
import { byId, prefersReducedMotion, setText } from "./dom.js";
import { startExport } from "./export.js";
import { setForm, startForm } from "./form.js";
import { count, plural } from "./format.js";
import { startKeys } from "./keys.js";
import { EventList } from "./list.js";
import { dismiss, notify } from "./notice.js";
import { FindingsPanel, HeadersPanel, IgnoredPanel } from "./panels.js";
import { lastOfTab, startRecent } from "./recent.js";
import { connect } from "./relay.js";
import { Run } from "./run.js";
import { withSecretsOf } from "./secrets.js";
import { showNotes, Status } from "./status.js";
import { Tabs } from "./tabs.js";
import { TextPanel } from "./text.js";
import { Timeline } from "./timeline.js";
import { Toolbar } from "./toolbar.js";

const clockInterval = 100; // milliseconds between updates of the countdown and of the time
const paintInterval = 80; // and between those of the timeline, which is costly

let run;
let isScheduled = false;
let mustPaint = true; // the timeline, also during a pause
let paintTimer = null; // pending, if the timeline was painted a moment ago

const status = new Status();
const toolbar = new Toolbar({
  onfilter: () => {
    list.refilter();
    schedule();
  },
  onpause: schedule,
});
const list = new EventList({ onselect: select, onopen: openDetails, onchange: schedule });
const timeline = new Timeline({
  onselect: position => {
    list.select(position);
    list.reveal();
  },
  onopen: openDetails,
  ontype: type => toolbar.toggleType(type),
  onchange: () => {
    mustPaint = true;
    schedule();
  },
});
const panels = [new HeadersPanel(), new TextPanel(), new FindingsPanel(), new IgnoredPanel()];
const tabs = new Tabs(byId("tabs"), schedule);

function begin(message) {
  run = new Run(message);
  for (const view of [status, toolbar, timeline, ...panels]) view.reset(run);
  list.reset(run, toolbar.filter);
  select(null);
  dismiss("lost");
  dismiss("dropped");
}

function schedule() {
  if (isScheduled || !run) return;
  isScheduled = true;
  requestAnimationFrame(render);
}

function render() {
  isScheduled = false;
  list.readScroll();
  const isComplete = toolbar.search();
  toolbar.render();
  status.render();
  if (!toolbar.paused) for (const panel of panels) panel.render();
  renderBadges();
  byId("stop").disabled = !run.isLive;
  renderTimeline();
  list.render();
  if (!isComplete) schedule();
}

function renderTimeline() {
  if (!mustPaint && (toolbar.paused || paintTimer !== null)) return;
  timeline.render();
  mustPaint = false;
  const last = run.lastTime;
  clearTimeout(paintTimer);
  paintTimer = setTimeout(() => {
    paintTimer = null;
    if (run.lastTime !== last) schedule();
  }, paintInterval);
}

function renderBadges() {
  const ignored = Math.max(run.stats?.ignored ?? 0, run.ignoredLines.total);
  const badges = { headers: run.attempts.total, findings: run.findings.size, ignored };
  for (const [name, n] of Object.entries(badges)) {
    setText(byId(`tab-${name}`).querySelector(".badge"), n > 0 ? count(n) : "");
  }
}

function select(event) {
  showEvent(event);
  timeline.select(event);
  mustPaint = true;
  schedule();
}

// Moves to the details. On a narrow screen they are below the list.
function openDetails() {
  if (!tabs.selected.matches("#tab-data, #tab-raw")) tabs.select(byId("tab-data"));
  const behavior = prefersReducedMotion() ? "auto" : "smooth";
  byId("details").scrollIntoView({ block: "nearest", behavior });
  tabs.panel.focus({ preventScroll: true });
}

// Esc undoes one thing at a time.
function clear(target) {
  const isFilter = target.id === "filter-text" || target.id === "filter-type";
  if (target.matches("input, textarea, select") && !isFilter) return;
  if (target.closest("#details")) byId("events").focus({ preventScroll: true });
  else if (isFilter && !toolbar.clear()) byId("events").focus({ preventScroll: true });
  else if (!isFilter && list.selected !== null) list.select(null);
  else if (!isFilter) toolbar.clear();
}

function receive(kind, message) {
  if (kind === "run") begin(message);
  run.observe(message);
  if (kind === "lost") showLost(message);
  else if (kind === "stats") run.stats = message;
  else if (kind !== "run") run[kind](message);
  if (kind === "event" && run.store.first > 0) showDropped();
  schedule();
}

function showLost({ from, to }) {
  run.lost += to - from + 1;
  const isStart = from <= 2 && run.lost === to - from + 1; // the first message begins the run
  notify(
    "lost",
    `${isStart ? "The first " : ""}${plural(run.lost, "message")} of this run did not ` +
      "reach the page, because the memory of sse inspect is full (--memory).",
    { kind: "warn", keep: true },
  );
}

let reportedRun = null; // the run whose dropped events have been reported

function showDropped() {
  if (reportedRun === run) return;
  reportedRun = run;
  notify(
    "dropped",
    `This page keeps the newest ${count(run.store.maxEvents)} events and 64 MB of ` +
      "text. Older events are dropped from the list.",
    { kind: "warn", keep: true },
  );
}

function startRelay() {
  connect({
    onmessage: receive,
    onlost: () =>
      notify("relay", "The connection to sse inspect was lost. The page is trying to reconnect.", {
        kind: "bad",
        keep: true,
      }),
    onback: () => notify("relay", "The connection to sse inspect is back."),
    onend: () =>
      notify(
        "relay",
        "sse inspect has ended, was started again with another address, or serves too many pages. " +
          "Open the address that it prints.",
        { kind: "bad", keep: true },
      ),
  });
}

async function start() {
  begin();
  startForm();
  startRecent(setForm);
  startExport();
  startKeys({ togglePause: () => toolbar.togglePause(), clear });
  startRelay();
  setInterval(() => run.isLive && schedule(), clockInterval);
  try {
    const { request, notes } = await api.setup();
    showNotes(notes ?? []);
    // After a reload, the form contains the request that was sent, if it is another one.
    const last = lastOfTab();
    setForm(last && last.url !== request.url ? withSecretsOf(request, last) : request);
  } catch (error) {
    notify("setup", `The form could not be prefilled. ${error.message}`, {
      kind: "bad",
      keep: true,
    });
  }
}

start();
