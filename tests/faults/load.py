"""The load on a daemon, and what must be true after a fault.

The load runs while `active`. settle() lets it come to rest and is the oracle: everything that was
published is acknowledged and has reached every stream, the pages answer, and the daemon neither
uses the processor nor holds more descriptors than it has connections.
"""

import json
import time

from clients import Operator, Publisher, Topic, Visitor
from connection import Loop
from stream import Stream

# Room for everything that is published in a run, so that no stream but those of `small` has a gap.
SETTINGS = ["admin.debug=true", "history.events_max=50000", "limits.event_bytes_max=262144",
            "limits.owed_bytes_max=262144", 'topics=[{"match": "small", "events_max": 20}]']

PATIENCE_SECONDS = 5   # For everything that takes milliseconds without a fault.
IDLE_SECONDS = 0.1     # For which the daemon is watched at rest,
IDLE_CPU_NS = 10e6     # and may use so much of a processor.
STARVED_SECONDS = 11   # For 10 s readyz says that the system lacked something.


class Broken(Exception):
    pass


class Load:
    def __init__(self, daemon):
        self.daemon = daemon
        self.base = daemon.wait_until_ready()
        self.loop = Loop()
        self.active = False
        self.whole_heads = False  # Heads come with the connection: no descriptor is watched twice.
        self.starved_at = -STARVED_SECONDS
        self.may_end = False  # The daemon may end at a fault, and is started again.
        self.restarts = 0
        self.problems = []
        self.notes = {}
        self.first_events = []
        self.figures = {"settle_ms": 0.0, "idle_cpu_ms": 0.0}
        self.topics = {name: Topic(name) for name in ("single", "pipelined", "lines", "small")}
        single, pipelined, lines, small = self.topics.values()
        self.streams = [
            Stream(self, [single]), Stream(self, [pipelined]), Stream(self, [lines], "1.0"),
            Stream(self, [single, pipelined, lines]), Stream(self, [pipelined, lines], "1.0"),
            Stream(self, [single, lines], rests_after=40),
            Stream(self, [pipelined], rests_after=90),
        ]
        self.slow = [Stream(self, [lines], slow=2000), Stream(self, [small], slow=1000),
                     Stream(self, [small, single], slow=1000)]
        self.streams += self.slow
        self.await_streams()
        self.publishers = [
            Publisher(self, single), Publisher(self, pipelined, window=8, sizes=(40, 3000)),
            Publisher(self, lines, lines=10, sizes=(40, 900)),
            Publisher(self, small, sizes=(1000,)),
        ]
        self.visitors = [Visitor(self, turn) for turn in (0, 3)]
        self.operator = Operator(self, pause=0.02)

    def problem(self, text):
        self.problems.append(text)

    def cannot_connect(self, client, error):
        if not self.may_end:
            self.problem(f"{client}: cannot connect: {error}")

    def note(self, text):
        self.notes[text] = self.notes.get(text, 0) + 1

    def ids(self, body):
        answer = json.loads(body)
        return [answer[key] for key in ("id", "first_id", "last_id") if key in answer]

    def await_streams(self):
        if not self.loop.run(lambda: all(s.opened for s in self.streams),
                             PATIENCE_SECONDS):
            raise Broken("the streams did not open")

    def clients(self):
        return [*self.streams, *self.publishers, *self.visitors, self.operator]

    def connections(self):
        return sum(client.socket is not None for client in self.clients())

    def may_be_unready(self):
        return time.monotonic() - self.starved_at < STARVED_SECONDS

    def lost_connections(self):
        """Of publishers and streams, by the daemon's doing."""
        return sum(client.reopened for client in [*self.streams, *self.publishers])

    def start(self, kind=""):
        self.whole_heads = kind == "whole heads"
        self.operator.pause = 0.001 if kind == "files" else 0.02
        self.active = True
        for stream in self.slow:
            stream.reopen()
        large = kind in ("large", "mapped")
        self.publishers[0].sizes = (200_000, 40, 40, 40, 40, 40) if large else (40,)
        for client in [*self.publishers, *self.visitors, self.operator]:
            client.fill()

    def run(self, done, seconds):
        """The daemon's end is a result, too."""
        return self.loop.run(lambda: done() or not self.daemon.alive(), seconds)

    def wait(self, done, what, seconds=PATIENCE_SECONDS):
        reached = self.run(done, seconds)
        self.daemon.check()
        if not reached:
            raise Broken(f"hang: {what}")

    def settle(self, at_rest=True):
        began = time.monotonic()
        self.active = False
        self.wait(lambda: not any(p.unanswered for p in self.publishers), "publishers unanswered")
        self.wait(lambda: all(v.done for v in self.visitors) and not self.operator.waits,
                  "a page is not answered")
        for publisher in self.publishers:
            publisher.publish()
        self.wait(lambda: not any(p.unanswered for p in self.publishers), "a publish unanswered")
        if not self.run(lambda: all(s.caught_up() for s in self.streams), PATIENCE_SECONDS):
            self.daemon.check()
            raise Broken("hang or loss: " + "; ".join(self.behind()))
        self.check_first_events()
        self.check_health()
        took = time.monotonic() - began
        self.figures["settle_ms"] = max(self.figures["settle_ms"], took * 1000)
        self.check_descriptors()
        if at_rest:
            self.check_idle()
        if self.problems:
            problems, self.problems = self.problems, []
            raise Broken("; ".join(problems[:4]))

    def restart(self):
        """In place of a daemon that has ended. The clients first read all that it has sent."""
        self.active = False
        if not self.loop.run(lambda: not self.connections(), PATIENCE_SECONDS):
            raise Broken("clients are connected with a daemon that has ended")
        self.check_first_events()
        for topic in self.topics.values():
            topic.begin_again()
        self.restarts += 1
        self.daemon.spawn()
        self.daemon.wait_until_ready()

    def behind(self):
        return [f"{'+'.join(stream.topics)}{' slow' if stream.slow else ''} expects "
                f"{stream.expected} at {stream.position}, "
                f"acknowledged {[t.acknowledged for t in stream.topics.values()]}"
                for stream in self.streams if not stream.caught_up()]

    def check_first_events(self):
        """A stream that began at a position sees first what came next."""
        for position, topic, n in self.first_events:
            before = topic.sequences.get(n - 1)
            if position is not None and before is not None and before > position:
                self.problem(f"{topic.name} {n} was the first event after {position}, "
                             f"{n - 1} has {before}")
        self.first_events = []
        for topic in self.topics.values():
            for known, kept in ((topic.sequences, 5_000), (topic.sizes, 60_000)):
                for n in [n for n in known if n < topic.acknowledged - kept]:
                    del known[n]

    def check_health(self):
        for page in ("/healthz", "/readyz"):
            pages = self.operator.page
            self.operator.waits = True
            self.operator.ask(page)
            self.wait(lambda: self.operator.page > pages, f"{page} is not answered")
        self.wait(lambda: not self.operator.waits, "the pause of the operator")

    def check_descriptors(self):
        wanted = self.base + self.connections()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (have := self.daemon.descriptors()) != wanted:
            if time.monotonic() > deadline:
                raise Broken(f"{have} descriptors, {wanted} expected")
            self.run(lambda: False, 0.002)
            wanted = self.base + self.connections()

    def check_idle(self):
        before = self.daemon.cpu_ns()
        time.sleep(IDLE_SECONDS)
        used = self.daemon.cpu_ns() - before
        self.figures["idle_cpu_ms"] = max(self.figures["idle_cpu_ms"], used / 1e6)
        if used > IDLE_CPU_NS:
            self.problem(f"spin: {used / 1e6:.1f} ms of CPU in {IDLE_SECONDS} s at rest")

    def check_ready_again(self):
        """At the end: readyz is not stuck."""
        while self.may_be_unready():
            time.sleep(0.05)
        self.settle()

    def close(self):
        """All clients leave; returns whether the daemon is back at its descriptors."""
        for client in self.clients():
            client.close()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.daemon.descriptors() != self.base and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.daemon.descriptors() == self.base
