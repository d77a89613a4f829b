"""An event stream with Flask and its development server."""

import threading

import flask
from werkzeug.serving import make_server

from eventlog import Log

app = flask.Flask(__name__)
log = Log()


@app.get("/")
def events():
    last = int(flask.request.headers.get("Last-Event-ID", 0))
    if log.is_complete(last):
        return "", 204
    return flask.Response(
        log.stream(last),
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-cache"},
    )


server = make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
log.run(server.server_port)
