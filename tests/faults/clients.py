"""Publishers, visitors and an operator of one daemon.

Every event of a topic is `TOPIC N …`, N counting from 0. One publisher owns the topic: it gives the
event the idempotency key `TOPIC-N` and sends it again, in order, until it is acknowledged. So each
stream must see every N once, in order, unless `crier.gap` tells of a loss.
"""

import collections

from connection import AGAIN_SECONDS, Answers, Connection
from event_stream import sequence_of

NO_MEMORY = b"There is no memory for the body now"


class Topic:
    def __init__(self, name):
        self.name = name
        self.made = 0
        self.acknowledged = 0  # Every N below is acknowledged.
        self.sequences = {}    # N → sequence, of the acknowledged ones.
        self.sizes = {}        # N → bytes that fill its data.
        self.begins_at = 0     # The first N of this run of the daemon.

    def begin_again(self):
        """The daemon was started anew and knows nothing of what was acknowledged."""
        self.sequences = {}
        self.begins_at = self.acknowledged

    def acknowledge(self, first, last, sequence_first, sequence_last):
        for n in range(first, last + 1):
            if sequence_last - sequence_first == last - first:
                self.sequences[n] = sequence_first + n - first
            elif n == last:
                self.sequences[n] = sequence_last
        self.acknowledged = last + 1

    def newest(self):
        return self.sequences.get(self.acknowledged - 1, 0)


class Publisher(Connection):
    """Keeps up to `window` requests unanswered, each with `lines` events; 0: not as NDJSON."""

    def __init__(self, load, topic, window=1, lines=0, sizes=(40,)):
        super().__init__(load, load.daemon.socket)
        self.topic = topic
        self.window = window
        self.lines = lines
        self.sizes = sizes
        self.unanswered = collections.deque()  # (first N, last N, bytes)
        self.answers = Answers()
        self.reopened = 0
        self.open()

    def request(self):
        name, first = self.topic.name, self.topic.made
        last = first + max(self.lines, 1) - 1
        size = self.sizes[first % len(self.sizes)]
        if self.lines:
            body = "".join(f'{{"topic":"{name}","data":"{name} {n} {"x" * size}",'
                           f'"key":"{name}-{n}"}}\n' for n in range(first, last + 1))
            head = "POST /publish HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\n"
        else:
            body = f"{name} {first} {'x' * size}"
            head = (f"POST /topics/{name} HTTP/1.1\r\nHost: a\r\n"
                    f"Idempotency-Key: {name}-{first}\r\n")
        self.topic.made = last + 1
        self.topic.sizes.update(dict.fromkeys(range(first, last + 1), size))
        text = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        return first, last, text

    def publish(self, requests=1):
        for _ in range(requests):
            self.unanswered.append(self.request())
            if self.socket is not None:
                self.send(self.unanswered[-1][2])

    def fill(self):
        while self.load.active and len(self.unanswered) < self.window:
            self.publish()

    def received(self, data):
        for status, _, body in self.answers.feed(data):
            if self.load.may_end and NO_MEMORY in body:
                self.close()
                return self.ended()
            if status != 202 or not self.unanswered:
                self.load.problem(f"publisher: {status} {body[:80]}")
                self.close()
                return self.ended()
            first, last, _ = self.unanswered.popleft()
            ids = self.load.ids(body)
            self.topic.acknowledge(first, last, sequence_of(ids[0]), sequence_of(ids[-1]))
        self.fill()

    def ended(self):
        self.reopened += 1
        self.load.loop.call_later(AGAIN_SECONDS, self.again)

    def again(self):
        self.answers = Answers()
        try:
            self.open()
        except OSError as error:
            self.load.cannot_connect("publisher", error)
            return self.ended()
        for _, _, text in list(self.unanswered):
            self.send(text)


class Visitor(Connection):
    """Connects, asks one thing, checks the answer, closes, and again."""

    # (name, request, beginning of the answer, text that ends the visit)
    CALLS = [
        ("health", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200", b"\r\n\r\n"),
        ("a stream", b"GET /events?topic=pipelined HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200",
         b"crier.open"),
        ("pipelined", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 3, b"HTTP/1.1 200",
         b"\r\n\r\n"),
        ("earliest", b"GET /events/single?from=earliest HTTP/1.0\r\n\r\n", b"HTTP/1.1 200",
         b"crier.open"),
        ("no page", b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 404", b"\r\n\r\n"),
        ("malformed", b"GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n", b"HTTP/1.1 400", b"\r\n\r\n"),
        ("two halves", b"GET /events/single HTTP/1.1\r\nHost: a\r\n|\r\n", b"HTTP/1.1 200",
         b"crier.open"),
    ]

    def __init__(self, load, turn):
        super().__init__(load, (load.daemon.host, 8080))
        self.turn = turn
        self.done = True

    def fill(self):
        if self.done and self.load.active:
            self.turn += 1
            self.visit()

    def visit(self):
        self.done = False
        calls = self.CALLS[:-1] if self.load.whole_heads else self.CALLS
        self.name, request, self.wanted, self.until = calls[self.turn % len(calls)]
        self.data = b""
        try:
            self.open()
        except OSError as error:
            self.load.cannot_connect("visitor", error)
            return self.ended()
        first, _, self.rest = request.partition(b"|")
        self.send(first)
        if self.rest:
            self.load.loop.call_later(0.005, self.send_rest)

    def send_rest(self):
        if self.socket is not None:
            self.send(self.rest)

    def received(self, data):
        self.data += data
        if self.until not in self.data:
            return
        if not self.data.startswith(self.wanted):
            self.load.problem(f"{self.name}: {self.data[:120]}")
        self.close()
        self.done = True
        self.fill()

    def ended(self):
        self.load.loop.call_later(AGAIN_SECONDS, self.visit)  # The same, as a browser would.


class Operator(Connection):
    """Reads the admin pages in turn over one connection, and reloads now and then."""

    PAGES = ("/healthz", "/metrics", "/status", "/readyz", "/debug/streams", "/debug/topics")

    def __init__(self, load, pause):
        super().__init__(load, (load.daemon.host, 8081))
        self.pause = pause  # Seconds between two pages.
        self.answers = Answers()
        self.page = 0
        self.reloads = 0
        self.waits = False
        self.open()

    def fill(self):
        if self.waits or not self.load.active:
            return
        self.waits = True
        if self.page % 4 == 3:
            self.reloads += 1
            self.load.daemon.configure({"history": {"events_max": 50000 + self.reloads % 2}})
            self.load.daemon.reload()
        self.ask(self.PAGES[self.page % len(self.PAGES)])

    def ask(self, page):
        self.asked = page
        if self.socket is not None:
            self.send(f"GET {page} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def received(self, data):
        for status, _, body in self.answers.feed(data):
            if status != 200 and not (self.asked == "/readyz" and self.load.may_be_unready()):
                self.load.problem(f"{self.asked}: {status} {body[:120]}")
            self.page += 1
            self.load.loop.call_later(self.pause, self.next_page)

    def next_page(self):
        self.waits = False
        self.fill()

    def ended(self):
        self.load.loop.call_later(AGAIN_SECONDS, self.again)

    def again(self):
        self.answers = Answers()
        try:
            self.open()
        except OSError as error:
            self.load.cannot_connect("operator", error)
            return self.ended()
        if self.waits:
            self.ask(self.asked)

