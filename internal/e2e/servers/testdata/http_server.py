"""An event stream with Python's http.server, which speaks HTTP/1.0."""

import http.server
import threading

from eventlog import Log

log = Log()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        last = int(self.headers.get("Last-Event-ID", 0))
        if log.is_complete(last):
            self.send_response(204)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        try:
            for block in log.stream(last):
                self.wfile.write(block)
        except ConnectionError:
            pass

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
log.run(server.server_port)
