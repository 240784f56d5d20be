"""A subscription, and the oracle for what it is sent."""

import json
import selectors
import socket

from connection import AGAIN_SECONDS, Connection


def sequence_of(identifier):
    return int(identifier.rsplit("-", 1)[1])


class Stream(Connection):
    """A subscription that resumes when it ends. A slow one reads `slow` bytes every 20 ms."""

    def __init__(self, load, topics, version="1.1", slow=0, rests_after=0):
        super().__init__(load, (load.daemon.host, 8080))
        self.topics = {topic.name: topic for topic in topics}
        self.version = version
        self.slow = slow
        self.rests_after = rests_after  # Events after which it disconnects and resumes.
        self.position = None
        self.epoch = ""
        # The next N of each topic; None: not known, because the stream began or has a gap.
        self.expected = dict.fromkeys(self.topics)
        self.reopened = 0
        self.gaps = 0
        self.start()

    def start(self):
        if self.socket is not None:
            return
        self.head = b""
        self.raw = b""
        self.text = b""
        self.events = 0
        self.opened = False
        self.chunked = None
        self.resumed_from = self.position
        try:
            self.open(receive_buffer=4096 if self.slow else 0)
        except OSError as error:
            self.load.cannot_connect("stream", error)
            return self.ended()
        query = "&".join(f"topic={name}" for name in self.topics)
        resume = "" if self.position is None else f"Last-Event-ID: {self.epoch}-{self.position}\r\n"
        self.send(f"GET /events?{query} HTTP/{self.version}\r\nHost: a\r\n"
                  f"Accept: text/event-stream\r\n{resume}\r\n".encode())
        if self.slow:
            self.load.loop.selector.unregister(self.socket)
            self.read_a_little(self.socket)

    def read_a_little(self, sock):
        """Until the load comes to rest; then the stream is as fast as others."""
        if self.socket is not sock:
            return
        if self.load.active:
            self.read(self.slow)
            self.load.loop.call_later(0.02, lambda: self.read_a_little(sock))
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            self.load.loop.selector.register(sock, selectors.EVENT_READ, self.on_events)

    def ended(self):
        self.reopened += 1
        self.load.loop.call_later(AGAIN_SECONDS, self.start)

    def received(self, data):
        if self.chunked is None:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self.head.startswith(b"HTTP/1.1 200"):
                self.load.problem(f"stream: {self.head[:120]}")
            self.chunked = b"chunked" in self.head[:end].lower()
            data = self.head[end + 4:]
        if self.chunked:
            self.raw += data
            data = self.unchunk()
        self.text += data
        *blocks, self.text = self.text.split(b"\n\n")
        for block in blocks:
            self.on_block(block.decode())
            if self.socket is None:
                return

    def unchunk(self):
        out = b""
        while (end := self.raw.find(b"\r\n")) >= 0:
            size = int(self.raw[:end], 16)
            if len(self.raw) < end + 2 + size + 2:
                break
            if self.raw[end + 2 + size:end + 4 + size] != b"\r\n":
                self.load.problem(f"a chunk of {size} bytes does not end after them")
            out += self.raw[end + 2:end + 2 + size]
            self.raw = self.raw[end + 2 + size + 2:]
        return out

    def on_block(self, block):
        lines = [line.split(": ", 1) for line in block.split("\n") if line != ":"]
        fields = dict(line for line in lines if len(line) == 2)
        if len(fields) != len(lines) or not fields.keys() <= {"id", "event", "retry", "data"}:
            return self.load.problem(f"garbled: {block[:200]}")
        before, epoch = self.position, self.epoch
        kind = fields.get("event")
        if "id" in fields:
            self.epoch = fields["id"].rsplit("-", 1)[0]
            self.position = sequence_of(fields["id"])
            if epoch and self.epoch != epoch and kind != "crier.gap":
                self.load.problem(f"a daemon started anew, and no gap before {fields['id']}")
        if kind is None:
            return self.on_event(fields, before)
        if kind == "crier.open":
            self.opened = True
            if self.resumed_from is not None and self.position != self.resumed_from:
                self.load.problem(f"resumed from {self.resumed_from}, opened at {self.position}")
        elif kind == "crier.gap":
            self.on_gap(json.loads(fields["data"]), self.epoch != epoch)
        else:
            self.load.problem(f"{kind}: {fields.get('data')}")

    def on_gap(self, gap, new_epoch):
        self.load.note(f"gap: {gap['reason']}")
        if new_epoch and gap["reason"] == "restarted" and self.load.restarts:
            self.gaps = 0
            self.expected = dict.fromkeys(self.topics)
            return
        self.gaps += 1
        if "small" not in self.topics or gap["reason"] not in ("evicted", "overflow"):
            return self.load.problem(f"a gap on a stream of {list(self.topics)}: {gap}")
        expected = self.expected["small"]
        known = len(self.topics) == 1 and gap["missed"] is not None and expected is not None
        self.expected["small"] = expected + gap["missed"] if known else None

    def on_event(self, fields, before):
        name, n, filling = fields["data"].split(" ")
        n = int(n)
        if name not in self.topics:
            return self.load.problem(f"an event of another topic: {name}")
        if before is not None and self.position <= before:
            self.load.problem(f"{name} {n}: id {self.position} after {before}")
        if filling != "x" * self.topics[name].sizes.get(n, len(filling)):
            self.load.problem(f"{name} {n}: {len(filling)} bytes of data, or not those published")
        expected = self.expected[name]
        if expected is not None and n != expected:
            self.load.problem(f"{name}: {n} came where {expected} was due, without a gap")
        if expected is None and n < self.topics[name].begins_at:
            self.load.problem(f"{name} {n} was acknowledged by the daemon before")
        if expected is None and not self.gaps:
            self.load.first_events.append((before, self.topics[name], n))
        self.expected[name] = n + 1
        self.events += 1
        if self.rests_after and self.events >= self.rests_after and self.load.active:
            self.close()
            self.load.loop.call_later(AGAIN_SECONDS, self.start)

    def reopen(self):
        self.close()
        self.start()

    def caught_up(self):
        if self.socket is None or not self.opened:
            return False
        return all(self.expected[name] == topic.acknowledged or
                   (self.expected[name] is None and self.position >= topic.newest())
                   for name, topic in self.topics.items())
