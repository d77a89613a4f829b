// Runs the jobs of the server with one implementation and posts what it delivers.

const quiet = 2500; // a job ends after this many milliseconds without activity
const longest = 4 * quiet; // and after this many in any case

// run runs all jobs, as many at a time as there are workers. The function open starts an
// implementation: see openEventSource.
export async function run(base, open, workers) {
  const post = (path, body) => fetch(base + path, {method: "POST", body: JSON.stringify(body)});
  const jobs = await (await fetch(base + "/jobs")).json();
  const worker = async () => {
    for (let job; job = jobs.shift();) await post("/report", await runJob(base, job, open, post));
  };
  await Promise.all(Array.from({length: workers}, worker));
  await post("/done");
}

function runJob(base, job, open, post) {
  return new Promise(resolve => {
    const events = [];
    let timer, source;
    const finish = closed => {
      clearTimeout(timer);
      clearTimeout(end);
      source?.close();
      resolve({id: job.id, events, closed});
    };
    const wait = ms => {
      clearTimeout(timer);
      timer = setTimeout(finish, ms, false);
    };
    const end = setTimeout(finish, longest, false);
    source = open(base + job.url, job.types, {
      onActivity: () => wait(quiet),
      onEvent: event => {
        events.push(event);
        if (job.prompt) post("/seen", {id: job.id, count: events.length});
      },
      onClosed: () => finish(true),
    });
  });
}

// openEventSource returns a function that opens an EventSource of the given class. An event of the
// type error or open is told from those of EventSource itself by its lastEventId.
export const openEventSource = EventSource => (url, types, {onActivity, onEvent, onClosed}) => {
  const source = new EventSource(url);
  const listen = e => {
    onActivity();
    if ("lastEventId" in e) onEvent({type: e.type, data: e.data, id: e.lastEventId});
    else if (e.type === "error" && source.readyState === 2) onClosed();
  };
  for (const type of new Set(["message", "error", "open", ...types])) {
    source.addEventListener(type, listen);
  }
  return source;
};
