// Runs the jobs of the server with an npm package: node node.mjs PACKAGE SERVER
import {openEventSource, run} from "./run.mjs";

const openers = {
  "eventsource": async () => openEventSource((await import("eventsource")).EventSource),
  "undici": async () => openEventSource((await import("undici")).EventSource),
  "@microsoft/fetch-event-source": openFetchEventSource,
  "eventsource-parser": openParser,
};

// The package expects a browser. It leaves to its caller what follows a response, so that only its
// parser is judged.
async function openFetchEventSource() {
  globalThis.window = globalThis;
  globalThis.document = {removeEventListener() {}};
  const {fetchEventSource} = await import("@microsoft/fetch-event-source");
  return (url, types, {onActivity, onEvent, onClosed}) => {
    const controller = new AbortController();
    fetchEventSource(url, {
      signal: controller.signal,
      openWhenHidden: true,
      onmessage(e) {
        onActivity();
        onEvent({type: e.event || "message", data: e.data, id: e.id});
      },
    }).then(onClosed, onClosed);
    return {close: () => controller.abort()};
  };
}

// The package only parses. The response is decoded and passed to it, and the last event ID is kept,
// as in its README.
async function openParser() {
  const {createParser} = await import("eventsource-parser");
  return (url, types, {onActivity, onEvent, onClosed}) => {
    const controller = new AbortController();
    let id = "";
    const parser = createParser({
      onId(value) {
        id = value;
      },
      onEvent(e) {
        onActivity();
        onEvent({type: e.event || "message", data: e.data, id});
      },
    });
    const read = async () => {
      const response = await fetch(url, {signal: controller.signal});
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        parser.feed(chunk);
      }
    };
    read().then(onClosed, onClosed);
    return {close: () => controller.abort()};
  };
}

const [name, server] = process.argv.slice(2);
await run(server, await openers[name](), 16);
process.exit(0);
