"""A subscription, and the oracle for what it is sent."""

import json
import selectors
import socket

from connection import AGAIN_SECONDS
from event_stream import EventStream


class Stream(EventStream):
    """A slow one reads `slow` bytes every 20 ms."""

    def __init__(self, load, topics, version="1.1", slow=0, rests_after=0):
        super().__init__(load, {topic.name: topic for topic in topics}, version)
        self.slow = slow
        self.receive_buffer = 4096 if slow else 0
        self.rests_after = rests_after  # Events after which it disconnects and resumes.
        # The next N of each topic; None: not known, because the stream began or has a gap.
        self.expected = dict.fromkeys(self.topics)
        self.gaps = 0
        self.start()

    def start(self):
        self.events = 0
        if super().start() and self.slow:
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

    def on_fields(self, kind, fields, before, epoch):
        if kind is None:
            self.on_event(fields, before)
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

    def caught_up(self):
        if self.socket is None or not self.opened:
            return False
        return all(self.expected[name] == topic.acknowledged or
                   (self.expected[name] is None and self.position >= topic.newest())
                   for name, topic in self.topics.items())
