"""Streams that follow a topic over restarts, as an EventSource would, while it is published to.

    resuming.py STREAMS SOCKET      prints `open` when all are; ends its publishing when it reads a
                                    line, and prints what came of it once every stream is at the
                                    end, as JSON:
        published  events that were acknowledged
        lost       of them, how many did not reach a stream, all streams together
        repeated   events that came twice or out of order, all streams together
        refused    connections of subscribers that were refused or reset
        gaps       by reason
        ready_first   did /readyz say 503 before the first stream was told to end, each time?
"""

import collections
import http.client
import json
import selectors
import socket
import sys
import threading
import time

ADDRESS = ("127.0.0.1", 8080)
ADMIN = ("127.0.0.1", 8081)
EVENTS_PER_SECOND = 25
SECONDS_MAX = 60


class Publisher(threading.Thread):
    """One event after the other. What is not acknowledged is published again."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.ids = []
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(1 / EVENTS_PER_SECOND):
            try:
                connection = http.client.HTTPConnection("crier", timeout=15)
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.connect(self.path)
                connection.request("POST", "/topics/a", body=b"x")
                answer = connection.getresponse()
                body = answer.read()
                if answer.status // 100 == 2:
                    self.ids.append(json.loads(body)["id"])
                connection.close()
            except (OSError, http.client.HTTPException):
                pass


class Watch(threading.Thread):
    """When /readyz began to say no."""

    def __init__(self):
        super().__init__(daemon=True)
        self.began = []

    def run(self):
        ready = True
        while True:
            try:
                connection = http.client.HTTPConnection(*ADMIN, timeout=1)
                connection.request("GET", "/readyz")
                status = connection.getresponse().status
                if ready and status == 503:
                    self.began.append(time.monotonic())
                ready = status == 200
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)


class Stream:
    def __init__(self, shared):
        self.shared = shared
        self.last_id = None
        self.received = []
        self.retry_seconds = 1.0
        self.connect()

    def connect(self):
        self.text = b""
        self.served = False
        resume = f"Last-Event-ID: {self.last_id}\r\n" if self.last_id else ""
        try:
            self.socket = socket.create_connection(ADDRESS, 15)
            self.socket.sendall(f"GET /events/a HTTP/1.1\r\nHost: x\r\n{resume}\r\n".encode())
        except OSError:
            return self.come_back()
        self.shared.selector.register(self.socket, selectors.EVENT_READ, self)

    def come_back(self):
        self.shared.refused += not self.served
        self.shared.waiting.append((time.monotonic() + self.retry_seconds, self))

    def on_readable(self):
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.shared.selector.unregister(self.socket)
            self.socket.close()
            return self.come_back()
        *messages, self.text = (self.text + data).split(b"\n\n")
        for message in messages:
            self.on_message(message)

    def on_message(self, message):
        self.served = True
        # The response's head and the chunks' sizes look like fields that nobody knows.
        fields = dict(line.split(b": ", 1) for line in message.split(b"\n") if b": " in line)
        if b"retry" in fields:
            self.retry_seconds = int(fields[b"retry"]) / 1000
        if b"id" in fields:
            self.last_id = fields[b"id"].decode()
        event = fields.get(b"event", b"message").decode()
        if event == "crier.open":
            self.shared.opened += 1
        elif event == "crier.gap":
            self.shared.gaps[json.loads(fields[b"data"])["reason"]] += 1
        elif event == "crier.end":
            self.shared.ends.append(time.monotonic())
        elif event == "message" and b"data" in fields:
            self.received.append(self.last_id)


class Streams:
    def __init__(self, count):
        self.selector = selectors.DefaultSelector()
        self.waiting = collections.deque()
        self.refused = 0
        self.opened = 0
        self.gaps = collections.Counter()
        self.ends = []
        self.all = [Stream(self) for _ in range(count)]

    def turn(self):
        for key, _ in self.selector.select(0.05):
            key.data.on_readable()
        for _ in range(len(self.waiting)):
            at, stream = self.waiting.popleft()
            if at <= time.monotonic():
                stream.connect()
            else:
                self.waiting.append((at, stream))


def first_of_each_stop(times):
    """Ends of streams that belong to one stop are close together."""
    firsts = []
    last = None
    for at in sorted(times):
        if last is None or at - last > 2:
            firsts.append(at)
        last = at
    return firsts


def main(count, path):
    deadline = time.monotonic() + SECONDS_MAX
    streams = Streams(count)
    while streams.opened < count and time.monotonic() < deadline:
        streams.turn()
    watch = Watch()
    watch.start()
    publisher = Publisher(path)
    publisher.start()
    print("open", flush=True)

    told = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
    while not told.is_set() and time.monotonic() < deadline:
        streams.turn()
    publisher.over.set()
    publisher.join()
    last = publisher.ids[-1]
    while time.monotonic() < deadline and any(stream.last_id != last for stream in streams.all):
        streams.turn()

    published = {identifier: at for at, identifier in enumerate(publisher.ids)}
    lost = sum(len(published.keys() - set(stream.received)) for stream in streams.all)
    repeated = 0
    for stream in streams.all:
        order = [published[one] for one in stream.received if one in published]
        repeated += sum(later <= former for former, later in zip(order, order[1:]))
    ends = first_of_each_stop(streams.ends)
    print(json.dumps({
        "published": len(published), "lost": lost, "repeated": repeated,
        "refused": streams.refused, "gaps": streams.gaps,
        "ready_first": len(watch.began) >= len(ends) > 0 and
        all(no < end for no, end in zip(watch.began, ends))}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
