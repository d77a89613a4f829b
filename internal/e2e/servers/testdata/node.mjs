// An event stream with Node's http. doc.go describes its commands.
import http from "node:http";
import readline from "node:readline";

const text = "The quick brown fox jumps\nover the lazy dog.\n";

let length = 0;
let cuts = 0;
let ended = false;
const updates = new Set(); // a function for each open response

// event returns event n of package eventlog.
function event(n) {
  const lines = `${n} ${text.slice(0, n % text.length)}`.split("\n");
  return `id: ${n}\n${lines.map((line) => `data: ${line}\n`).join("")}\n`;
}

const server = http.createServer((req, res) => {
  let last = Number(req.headers["last-event-id"] ?? 0);
  if (ended && last >= length) {
    res.writeHead(204).end();
    return;
  }
  res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  res.write("retry: 0\n\n");
  const cutsBefore = cuts;
  const update = () => {
    if (cuts > cutsBefore) {
      updates.delete(update);
      res.write(`id: ${last + 1}\ndata: incomplete`, () => res.destroy());
      return;
    }
    while (last < length) {
      res.write(event(++last));
    }
    if (ended) {
      res.end();
    }
  };
  updates.add(update);
  res.on("close", () => updates.delete(update));
  update();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [command, n] = line.split(" ");
    if (command === "grow") {
      length = Number(n);
    } else if (command === "cut") {
      cuts++;
    } else if (command === "end") {
      ended = true;
    }
    for (const update of [...updates]) {
      update();
    }
  })
  .on("close", () => process.exit());
