"""The events of package eventlog. doc.go describes the commands."""

import os
import sys
import threading

TEXT = "The quick brown fox jumps\nover the lazy dog.\n"


def event(n):
    """Return event n in its wire form."""
    lines = f"{n} {TEXT[: n % len(TEXT)]}".split("\n")
    data = "".join(f"data: {line}\n" for line in lines)
    return f"id: {n}\n{data}\n".encode()


class Log:
    """A sequence of events that grows by the commands on standard input."""

    def __init__(self):
        self._changed = threading.Condition()
        self._length = 0
        self._cuts = 0
        self._ended = False

    def is_complete(self, last):
        """Report whether no event follows event number last."""
        with self._changed:
            return self._ended and last >= self._length

    def stream(self, last):
        """Yield the stream after event number last."""
        yield b"retry: 0\n\n"
        with self._changed:
            cuts = self._cuts
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._cuts > cuts or self._length > last or self._ended
                )
                cut, length = self._cuts > cuts, self._length
            if cut:
                yield f"id: {last + 1}\ndata: incomplete".encode()
                raise ConnectionAbortedError
            if last >= length:
                return
            while last < length:
                last += 1
                yield event(last)

    def run(self, port):
        """Print port, execute the commands, and exit at their end."""
        print(port, flush=True)
        for line in sys.stdin:
            command, *arguments = line.split()
            with self._changed:
                if command == "grow":
                    self._length = int(arguments[0])
                elif command == "cut":
                    self._cuts += 1
                elif command == "end":
                    self._ended = True
                self._changed.notify_all()
        os._exit(0)  # the threads of open responses still wait
