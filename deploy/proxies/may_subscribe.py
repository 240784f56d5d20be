"""Decides who may subscribe to which topics, for nginx with nginx-auth.conf.

    may_subscribe.py [ADDRESS:PORT]        default 127.0.0.1:9000

Answers 204 if the user may read every topic of X-Original-URI, else 401 (nobody is logged in) or
403. Copy topics_of() into your application, or write the same in its language; the rest is
for trying.
"""

import sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote

PUBLIC = {"all", "news"}
SESSIONS = {"secret-of-42": {"user.42", "orders.eu"}}  # Your sessions, and what each may read.


def topics_of(uri):
    """The topics of a request, as crier reads them: the path's, and each `topic` of the query."""
    path, _, query = uri.partition("?")
    topics = {value for name, value in parse_qsl(query, keep_blank_values=True) if name == "topic"}
    before, _, last = unquote(path).partition("/events/")
    if before == "" and last != "":
        topics.add(last)
    return topics


class MaySubscribe(BaseHTTPRequestHandler):
    def do_GET(self):
        private = topics_of(self.headers["X-Original-URI"]) - PUBLIC
        session = SimpleCookie(self.headers["Cookie"]).get("session")
        allowed = SESSIONS.get(session.value) if session else None
        if private and allowed is None:
            self.send_response(401)
        else:
            self.send_response(204 if private <= (allowed or set()) else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    address, port = (sys.argv[1:] or ["127.0.0.1:9000"])[0].rsplit(":", 1)
    ThreadingHTTPServer((address, int(port)), MaySubscribe).serve_forever()
