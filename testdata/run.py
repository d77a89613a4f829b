"""Runs the cases of parser.json against another program.

    python3 run.py PROGRAM [ARGUMENT...]

PROGRAM reads a stream from standard input and prints one JSON object a line,
{"id": "...", "type": "...", "data": "..."}, for each event as soon as it is
complete. It is started once for each case. Cases of several connections are left out:
they need a parser that can be told of a new connection.
"""
import collections, json, os, queue, subprocess, sys, threading

def text(v):
    if isinstance(v, str):
        return v
    return v[0] * text(v[1]) if isinstance(v[0], int) else "".join(map(text, v))

def events(v):
    for e in v:
        n, e = e if isinstance(e, list) else (1, e)
        yield from [{k: text(e[k]) for k in ("id", "type", "data")}] * n

def run(case):
    chunks = case.get("chunks") or [case["stream"]]
    delivered = case.get("delivered") or [0]
    p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lines, got = queue.Queue(), []
    threading.Thread(target=lambda: [lines.put(l) for l in p.stdout] + [lines.put(None)], daemon=True).start()
    try:
        for chunk, n in zip(chunks, delivered):
            p.stdin.write(text(chunk).encode("latin-1"))
            p.stdin.flush()
            while len(got) < n:  # an event must not wait for bytes that come later
                got.append(json.loads(lines.get(timeout=10)))
        p.stdin.close()
        got += map(json.loads, iter(lambda: lines.get(timeout=60), None))
    except (queue.Empty, OSError, ValueError, TypeError) as e:
        return got, repr(e)
    finally:
        p.kill()
        p.wait()
    return got, ""

cases = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "parser.json")))
cases = [c for c in cases if "connections" not in c]
failed = collections.Counter()  # by topic
for case in cases:
    (got, error), want = run(case), list(events(case["events"]))
    if got != want or error:
        failed[case["topic"]] += 1
        print("FAIL", case["name"], error, "\n  want", str(want)[:300], "\n  got ", str(got)[:300])
for topic, count in failed.items():
    print(topic + ":", count, "of", sum(c["topic"] == topic for c in cases), "cases fail")
print(len(cases) - sum(failed.values()), "of", len(cases), "cases pass")
sys.exit(bool(failed))
