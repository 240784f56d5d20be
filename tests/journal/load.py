"""Publishers and streams of a daemon with a journal, and what must be true of what they got.

The N-th event of a topic is `TOPIC N …`, with the idempotency key `TOPIC-N`. What is refused or not
answered is sent again, as real publishers do, so that in the end each event is acknowledged.
Streams resume with Last-Event-ID. check() compares both: each acknowledged event once, under the id
that its publisher was told, in the order of ids, and no id twice.
"""

import collections
import json
import random
import time

from connection import AGAIN_SECONDS, Answers, Connection, Loop
from event_stream import EventStream, sequence_of

PATIENCE_SECONDS = 20
REFUSED_AGAIN_SECONDS = 0.05  # Sooner than Retry-After says: a test has no time.
SMALL_EVENTS_MAX = 20


class Broken(Exception):
    pass


class Topic:
    def __init__(self, name, bounded=False):
        self.name = name
        self.bounded = bounded  # Its history is short: a stream that was away may have a gap.
        self.made = 0
        self.checked = 0        # Every N below was acknowledged, seen and compared.
        self.acknowledged = {}  # N → sequence, from `checked` on.
        self.in_order = True    # Nothing was refused since then, so the order of N holds, too.


class Publisher(Connection):
    """Keeps up to `window` requests unanswered."""

    def __init__(self, load, topic, window, size):
        super().__init__(load, load.daemon.socket)
        self.topic = topic
        self.window = window
        self.filling = "x" * size
        self.unanswered = collections.deque()  # Of N, as they were sent.
        self.refused = []
        self.repeated = None  # An N acknowledged before, which is published again.
        self.ended()

    def body(self, n):
        return f"{self.topic.name} {n} {self.filling}"

    def request(self, n):
        body = self.body(n)
        return (f"POST /topics/{self.topic.name} HTTP/1.1\r\nHost: a\r\n"
                f"Idempotency-Key: {self.topic.name}-{n}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    def publish(self, ns):
        self.unanswered.extend(ns)
        if self.socket is not None:
            self.send(b"".join(map(self.request, ns)))

    def fill(self):
        room = self.window - len(self.unanswered) - len(self.refused)
        if self.load.active and room > self.window // 2:
            first = self.topic.made
            self.topic.made += room
            self.publish(range(first, first + room))

    def received(self, data):
        for status, head, body in self.answers.feed(data):
            n = self.unanswered.popleft()
            if status == 202:
                self.on_acknowledged(n, json.loads(body)["id"])
            elif status in (503, 507) and "retry-after:" in head.lower():
                self.load.note(f"refused with {status}")
                self.topic.in_order = False
                if not self.refused:
                    self.load.loop.call_later(REFUSED_AGAIN_SECONDS, self.repeat_refused)
                self.refused.append(n)
            else:
                self.load.problem(f"publisher: {status} {body[:120]}")
        self.fill()

    def on_acknowledged(self, n, identifier):
        topic, sequence = self.topic, sequence_of(identifier)
        self.load.acknowledged_at = time.monotonic()
        self.load.epochs.add(identifier.rsplit("-", 1)[0])
        if topic.acknowledged.setdefault(n, sequence) != sequence:
            self.load.problem(f"{topic.name} {n}: acknowledged as {topic.acknowledged[n]}, "
                              f"repeated with its key as {sequence}")

    def repeat_refused(self):
        if self.socket is not None:
            refused, self.refused = self.refused, []
            self.publish(refused)

    def ended(self):
        self.load.loop.call_later(AGAIN_SECONDS, self.again)

    def again(self):
        self.answers = Answers()
        try:
            self.open()
        except OSError:
            return self.ended()
        unanswered = sorted([*self.unanswered, *self.refused])
        self.unanswered.clear()
        self.refused.clear()
        self.publish(unanswered)
        self.fill()


class Follower(EventStream):
    """Leaves and resumes after `rests_after` events; an absent one comes only to be checked."""

    def __init__(self, load, topics, version="1.1", rests_after=0, absent=False):
        super().__init__(load, {topic.name: topic for topic in topics}, version)
        self.rests_after = rests_after
        self.absent = absent
        self.events = 0
        self.opened_once = False
        self.forget()
        self.start()

    def forget(self):
        self.seen = {name: {} for name in self.topics}  # N → sequence
        self.missed = 0  # As gaps told; None: they did not tell.

    def start(self):
        """An absent one must have begun somewhere, and then comes when the load is at rest."""
        if self.absent and self.opened_once and self.load.active:
            self.load.loop.call_later(0.02, self.start)
            return False
        return super().start()

    def on_block(self, block):
        super().on_block(block)
        if self.opened and not self.opened_once:
            self.opened_once = True

    def on_fields(self, kind, fields, before, epoch):
        if kind is None:
            self.on_event(fields["data"], before)
        elif kind == "crier.gap":
            self.on_gap(json.loads(fields["data"]))
        elif kind != "crier.end":
            self.load.problem(f"{kind}: {fields.get('data')}")

    def on_gap(self, gap):
        self.load.note(f"gap: {gap['reason']}")
        bounded = any(topic.bounded for topic in self.topics.values())
        if gap["reason"] not in ("evicted", "overflow") or not bounded:
            return self.load.problem(f"a gap on a stream of {'+'.join(self.topics)}: {gap}")
        known = self.missed is not None and gap["missed"] is not None and len(self.topics) == 1
        self.missed = self.missed + gap["missed"] if known else None

    def on_event(self, data, before):
        name, n, filling = data.split(" ")
        topic, n = self.topics[name], int(n)
        if before is not None and self.position <= before:
            self.load.problem(f"{name} {n}: id {self.position} after {before}")
        if n in self.seen[name] or n < topic.checked:
            self.load.problem(f"{name} {n} came again, now as {self.position}")
        if filling != self.load.fillings[name]:
            self.load.problem(f"{name} {n}: {len(filling)} bytes of data, or not those published")
        self.seen[name][n] = self.position
        self.events += 1
        if self.rests_after and self.events % self.rests_after == 0 and self.load.active:
            self.close()
            self.load.loop.call_later(AGAIN_SECONDS, self.start)

    def caught_up(self):
        newest = max((max(t.acknowledged.values(), default=0) for t in self.topics.values()))
        return self.socket is not None and self.opened and self.position >= newest

    def check(self):
        for name, topic in self.topics.items():
            seen, acknowledged = self.seen[name], topic.acknowledged
            missing = acknowledged.keys() - seen.keys()
            if missing and not topic.bounded:
                self.load.problem(f"{name}: {len(missing)} acknowledged events never came, such as "
                                  f"{min(missing)}, id {acknowledged[min(missing)]}")
            if topic.bounded and len(self.topics) == 1 and self.missed not in (None, len(missing)):
                self.load.problem(f"{name}: gaps told of {self.missed} events, "
                                  f"{len(missing)} are missing")
            for n, sequence in seen.items():
                if acknowledged.get(n) != sequence:
                    self.load.problem(f"{name} {n} came as {sequence}, "
                                      f"was acknowledged as {acknowledged.get(n)}")
                    break
            if topic.in_order and list(seen) != sorted(seen):
                self.load.problem(f"{name}: not in the order in which it was published")
        self.forget()


class Load:
    """`window`: unanswered requests of the fast publishers."""

    def __init__(self, daemon, window=256, big=4000):
        self.daemon = daemon
        self.loop = Loop()
        self.active = False
        self.acknowledged_at = 0
        self.problems = []
        self.notes = collections.Counter()
        self.epochs = set()
        self.events = 0  # Acknowledged before the last check.
        self.newest = 0  # The highest sequence of what was checked.
        single, fast, other, small = self.topics = [
            Topic("single"), Topic("fast"), Topic("other"), Topic("small", bounded=True)]
        self.fillings = {"single": "x" * 40, "fast": "x" * 200, "other": "x" * 20,
                         "small": "x" * big}
        self.publishers = [Publisher(self, topic, topic_window, len(self.fillings[topic.name]))
                           for topic, topic_window in ((single, 1), (fast, window), (other, 16),
                                                       (small, 32))]
        self.streams = [
            Follower(self, [single]), Follower(self, [fast]), Follower(self, [small]),
            Follower(self, [single, fast, other], "1.0"),
            Follower(self, [fast], rests_after=700), Follower(self, [single, small], absent=True),
            Follower(self, [fast, other], absent=True),
        ]
        self.wait(lambda: all(s.opened for s in self.streams), "the streams do not open")
        for stream in self.streams:
            if stream.absent:
                stream.close()

    def problem(self, text):
        self.problems.append(text)

    def note(self, text):
        self.notes[text] += 1

    def cannot_connect(self, client, error):
        pass  # The daemon is being started again.

    def publish_for(self, seconds):
        self.active = True
        for stream in self.streams:
            if stream.absent:
                stream.close()
        for publisher in self.publishers:
            publisher.fill()
        self.run(seconds)

    def refusals(self):
        return {text: count for text, count in self.notes.items() if text.startswith("refused")}

    def run(self, seconds):
        self.loop.run(lambda: False, seconds)

    def wait(self, done, what, seconds=PATIENCE_SECONDS):
        if not self.loop.run(lambda: done() or not self.daemon.alive(), seconds):
            raise Broken("; ".join([what, *self.problems[:4]]))
        self.daemon.check()

    def settle(self):
        """The load comes to rest: all is acknowledged and has come to all streams. Then checks."""
        self.active = False
        for stream in self.streams:
            if stream.absent:
                stream.reopen()
        self.wait(lambda: not any(p.unanswered or p.refused for p in self.publishers),
                  "publishers are not answered")
        for publisher in self.publishers:
            if publisher.topic.acknowledged:
                publisher.publish([random.choice(list(publisher.topic.acknowledged))])
        self.wait(lambda: not any(p.unanswered for p in self.publishers),
                  "repeated publishes are not answered")
        self.wait(lambda: self.problems or all(s.caught_up() for s in self.streams),
                  "streams do not get what was acknowledged")
        self.check()

    def check(self):
        for stream in self.streams:
            stream.check()
        given = {}
        self.events = 0
        for topic in self.topics:
            self.events += len(topic.acknowledged)
            for n, sequence in topic.acknowledged.items():
                if given.setdefault(sequence, (topic.name, n)) != (topic.name, n):
                    self.problem(f"id {sequence}: {given[sequence]} and {(topic.name, n)}")
            topic.checked = topic.made
            topic.acknowledged = {}
            topic.in_order = True
        if given and min(given) <= self.newest:
            self.problem(f"id {min(given)} was given again, for {given[min(given)]}")
        self.newest = max(given, default=self.newest)
        if len(self.epochs) > 1:
            self.problem(f"ids of several epochs: {sorted(self.epochs)}")
        if self.problems:
            raise Broken("; ".join(self.problems[:4]))

    def close(self):
        for client in [*self.publishers, *self.streams]:
            client.close()
