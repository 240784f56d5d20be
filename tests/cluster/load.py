"""Publishers and moving subscribers of a cluster, and the oracle for what they see.

Every event of a topic is `TOPIC N`, N counting from 0. One publisher owns the topic: it gives the
event the idempotency key `TOPIC-N` and sends it again, to any node, until it is acknowledged. So
each stream must see every N once, in order, with one id in the whole cluster, unless `crier.gap`
tells of a loss.
"""

import asyncio
import collections
import contextlib
import json
import random
import time

from programs import COUNT, PROXY, node_address


class Ledger:
    """Which event has which id; what was wrong."""

    def __init__(self):
        self.events = {}     # id → (topic, N)
        self.ids = {}        # (epoch, topic, N) → id
        self.problems = collections.Counter()
        self.examples = []
        self.counts = collections.Counter()

    def problem(self, kind, text):
        self.problems[kind] += 1
        if len(self.examples) < 10:
            self.examples.append(f"{kind}: {text}")

    def seen(self, identifier, topic, n):
        if self.events.setdefault(identifier, (topic, n)) != (topic, n):
            self.problem("id of two events",
                         f"{identifier}: {self.events[identifier]}, {topic} {n}")
        key = (identifier.rsplit("-", 1)[0], topic, n)
        if self.ids.setdefault(key, identifier) != identifier:
            self.problem("published twice", f"{topic} {n}: {self.ids[key]} and {identifier}")


def position(identifier):
    epoch, sequence = identifier.rsplit("-", 1)
    return epoch, int(sequence)


class Publisher:
    def __init__(self, load, topic, rate):
        self.load, self.topic, self.rate = load, topic, rate
        self.acknowledged = 0     # Every N below is.
        self.newest = ""          # Its id.
        self.writer = None
        self.slowest = 0.0

    async def connect(self):
        if self.writer:
            self.writer.close()
        path = self.load.cluster.socket(self.load.random.randint(1, COUNT))
        self.reader, self.writer = await asyncio.open_unix_connection(path)

    async def send(self, n):
        """The id, or nothing if another node must be asked."""
        data = f"{self.topic} {n}".encode()
        self.writer.write(
            f"POST /topics/{self.topic} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(data)}\r\n"
            f"Idempotency-Key: {self.topic}-{n}\r\n\r\n".encode() + data)
        head = await self.reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length:")[1].split()[0])
        body = await self.reader.readexactly(size)
        status = int(head.split()[1])
        if status == 202:
            return json.loads(body)["id"]
        self.load.ledger.counts[f"publish {status}"] += 1
        if status != 503:
            self.load.ledger.problem(f"publish {status}", body.decode()[:120])
        return None

    async def publish(self, n):
        began = time.monotonic()
        while self.load.running:
            with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError,
                                     asyncio.TimeoutError):
                if self.writer is None:
                    await asyncio.wait_for(self.connect(), 2)
                identifier = await asyncio.wait_for(self.send(n), 12)
                if identifier:
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    return identifier
            if self.writer:
                self.writer.close()
                self.writer = None
            await asyncio.sleep(0.1)

    async def run(self):
        due = time.monotonic() + self.load.random.random() / self.rate
        while self.load.publishing:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            identifier = await self.publish(self.acknowledged)
            if identifier is None:
                return
            self.newest = identifier
            self.load.ledger.seen(self.newest, self.topic, self.acknowledged)
            self.acknowledged += 1
            due = max(due + 1 / self.rate, time.monotonic())


class Stream:
    """A subscription that moves to another node now and then, and resumes there."""

    def __init__(self, load, topics, by_proxy):
        self.load, self.topics, self.by_proxy = load, topics, by_proxy
        self.identifier = None             # The newest id of a block.
        self.next = dict.fromkeys(topics)  # N that is due; None: not known.
        self.began = None                  # The id at which it began without a gap.
        self.firsts = []                   # (began, topic, N): the first events after it.
        self.epoch = None
        self.restarted = False             # A gap has told of another stream.
        self.jumps = []                    # (epoch, topic, N that was due, N that came) since.
        self.task = None

    def address(self):
        if self.by_proxy:
            return PROXY
        return node_address(self.load.random.randint(1, COUNT))

    async def run(self):
        while self.load.running:
            writer = None
            try:
                reader, writer = await asyncio.wait_for(
                    asyncio.open_connection(self.address(), 8080, limit=1 << 20), 3)
                query = "&".join(f"topic={topic}" for topic in self.topics)
                resume = f"Last-Event-ID: {self.identifier}\r\n" if self.identifier else ""
                writer.write(f"GET /events?{query} HTTP/1.0\r\nHost: a\r\n"
                             f"Accept: text/event-stream\r\n{resume}\r\n".encode())
                stay = self.load.random.expovariate(1 / self.load.stay_seconds)
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self.read(reader), stay if self.load.moving else None)
                    self.load.ledger.counts["streams ended"] += 1
            except (OSError, EOFError, asyncio.TimeoutError):
                self.load.ledger.counts["connections that failed"] += 1
            finally:
                if writer:
                    writer.close()
            self.load.ledger.counts["moves"] += 1
            await asyncio.sleep(0.05 + 0.2 * self.load.random.random())

    async def read(self, reader):
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
            self.load.ledger.problem("status", head[:60].decode())
            return
        while True:
            block = (await reader.readuntil(b"\n\n")).decode()
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            self.block(fields)

    def block(self, fields):
        kind, data = fields.get("event"), fields.get("data", "")
        before = self.identifier
        if "id" in fields:
            self.identifier = fields["id"]
            self.epoch = position(self.identifier)[0]
        if kind is None and data:
            topic, n = data.split(" ")
            self.event(before, topic, int(n))
        elif kind == "crier.gap":
            gap = json.loads(data)
            self.load.ledger.counts[f"gap {gap['reason']}"] += 1
            self.next = dict.fromkeys(self.topics)
            self.began = None
            self.restarted |= gap["reason"] == "restarted"
        elif kind == "crier.open":
            if before is None:
                self.began = self.identifier
            elif position(before)[0] == self.epoch and before != self.identifier:
                self.load.ledger.problem("resumed elsewhere", f"{before}, now {self.identifier}")
        elif kind in ("crier.busy", "crier.end"):
            self.load.ledger.counts[f"{kind} {json.loads(data)['reason']}"] += 1
        elif kind:
            self.load.ledger.problem("unknown event", f"{kind} {data[:80]}")

    def event(self, before, topic, n):
        ledger = self.load.ledger
        ledger.counts["deliveries"] += 1
        if topic not in self.next:
            return ledger.problem("another topic's event", f"{topic} {n}")
        ledger.seen(self.identifier, topic, n)
        (epoch, sequence), (old_epoch, old) = position(self.identifier), position(before)
        if epoch == old_epoch and sequence <= old:
            ledger.problem("out of order", f"{topic} {n}: {self.identifier} after {before}")
        due = self.next[topic]
        if due is None:
            if self.began:
                self.firsts.append((self.began, topic, n))
        elif n < due:
            ledger.problem("duplicate", f"{topic} {n}, due was {due}")
        elif n > due and self.restarted:
            self.jumps.append((epoch, topic, due, n))
        elif n > due:
            ledger.problem("lost without a gap", f"{topic} {due} to {n - 1} before {n}")
        self.next[topic] = n + 1
        return None


class Load:
    def __init__(self, cluster, seed, streams, topics=30, rate=300, stay_seconds=3.0):
        self.cluster = cluster
        self.random = random.Random(seed)
        self.ledger = Ledger()
        self.stay_seconds = stay_seconds
        self.publishing = self.moving = self.running = True
        self.publications = []
        names = [f"t.{n}" for n in range(topics)]
        self.publishers = {name: Publisher(self, name, rate / topics) for name in names}
        self.streams = [Stream(self, self.random.sample(names, 2), n % 3 == 0)
                        for n in range(streams)]

    def start(self):
        self.publishing = self.moving = True
        self.publications = [asyncio.create_task(one.run()) for one in self.publishers.values()]
        self.ledger.counts.clear()
        for stream in self.streams:
            if stream.task is None:
                stream.task = asyncio.create_task(stream.run())

    def missing(self):
        """Streams that have not seen the newest event of each of their topics."""
        def has(stream, topic):
            publisher = self.publishers[topic]
            if stream.next[topic] is not None:
                return stream.next[topic] == publisher.acknowledged
            if not publisher.newest:
                return True
            return stream.epoch == position(publisher.newest)[0] and \
                position(stream.identifier) >= position(publisher.newest)
        return [(stream.topics, stream.next, stream.identifier) for stream in self.streams
                if stream.identifier is None or not all(has(stream, t) for t in stream.topics)]

    async def come_to_rest(self, seconds=40):
        """Everything is acknowledged, and everybody has it."""
        self.publishing = self.moving = False
        done, late = await asyncio.wait(self.publications, timeout=seconds)
        for task in done:
            task.result()
        for task in late:
            task.cancel()
            self.ledger.problem("publisher", "its event is not acknowledged in time")
        deadline = time.monotonic() + seconds
        while (missing := self.missing()) and time.monotonic() < deadline:
            for stream in self.streams:
                if stream.task.done():
                    stream.task.result()
            await asyncio.sleep(0.1)
        for topics, due, identifier in missing:
            newest = {t: (self.publishers[t].acknowledged, self.publishers[t].newest)
                      for t in topics}
            self.ledger.problem("lost", f"a stream at {identifier} waits for {due} of {newest}")
        for stream in self.streams:
            for began, topic, n in stream.firsts:
                earlier = self.ledger.ids.get((position(began)[0], topic, n - 1))
                if earlier and position(earlier) > position(began):
                    self.ledger.problem("lost", f"{topic} {n - 1} at {earlier}, began at {began}")
            stream.firsts = []
            # What the new stream begins with may end before what the old one had.
            for epoch, topic, due, n in stream.jumps:
                if any((epoch, topic, between) in self.ledger.ids for between in range(due, n)):
                    self.ledger.problem("lost without a gap", f"{topic} {due} to {n - 1}")
            stream.jumps = []
            stream.restarted = False

    def stop(self):
        # A cancellation may be lost in wait_for(), so nobody counts on it alone.
        self.publishing = self.running = False
        for task in [*self.publications, *(stream.task for stream in self.streams)]:
            if task:
                task.cancel()
