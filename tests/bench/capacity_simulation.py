"""Nodes, workers and nats-servers as queues of single steps: is the model of capacity.py right?

Knows what one step costs (a delivery, an opening, a heartbeat, an event on its way) and which
stream is where; how many steps there are, and who waits for whom, comes out. Time is slowed: a step
costs SLOWER times what it does, so that a node is full with some hundred streams.
"""
import dataclasses
import heapq
import random

from capacity import (Constants, Load, Machine, heartbeats, interest, nodes_fed_at_most,
                      nodes_for_streams, node_takes_at_most, stream_cpu_us)

SLOWER = 1000
COSTS = ("delivery_us", "heartbeat_us", "open_us", "node_event_us", "publish_us", "feed_us")


def slowed(c):
    return dataclasses.replace(c, **{name: getattr(c, name) * SLOWER for name in COSTS})


class Queue:
    """One processor: work in the order in which it comes."""

    def __init__(self):
        self.free_at = 0.0
        self.busy = 0.0

    def do(self, now, seconds):
        """When it is done."""
        self.free_at = max(now, self.free_at) + seconds
        self.busy += seconds
        return self.free_at


class World:
    def __init__(self, nodes, workers, load, c, seed, servers=3, server_cores=1, filtered=False):
        self.random = random.Random(seed)
        self.load, self.c, self.filtered = load, c, filtered
        self.workers = [[Queue() for _ in range(workers)] for _ in range(nodes)]
        self.control = [Queue() for _ in range(nodes)]
        self.servers = [[Queue() for _ in range(server_cores)] for _ in range(servers)]
        self.alive = list(range(nodes))
        self.taken = [0] * nodes
        self.beats = 0
        self.delays = []   # (published at, from there to the last delivery)
        self.todo = []     # (time, number, call)
        self.number = 0
        streams = int(load.streams)
        self.place = [None] * streams
        self.wrote = [0.0] * streams
        self.on = [set() for _ in range(nodes)]
        shared = int(min(load.shared, streams))
        everyone = list(range(streams))
        self.random.shuffle(everyone)
        self.topics = [everyone[at:at + shared] for at in range(0, streams, shared)]
        for stream in range(streams):
            self.settle(stream, self.alive[stream % nodes],
                        -self.random.random() * c.heartbeat_seconds)

    def later(self, at, call):
        self.number += 1
        heapq.heappush(self.todo, (at, self.number, call))

    def worker_of(self, stream):
        workers = self.workers[self.place[stream]]
        return workers[stream * 7919 % 104729 % len(workers)]

    def settle(self, stream, node, now):
        self.place[stream] = node
        self.on[node].add(stream)
        self.wrote[stream] = now  # crier.open
        self.later(now + self.random.expovariate(1 / self.load.life_seconds),
                   lambda at: self.leave(stream, node, at))
        self.later(self.wrote[stream] + self.c.heartbeat_seconds,
                   lambda at: self.beat(stream, node, at))

    def leave(self, stream, node, now):
        if self.place[stream] == node:
            self.on[node].discard(stream)
            self.place[stream] = None
            self.open(stream, now)

    def open(self, stream, now):
        # As HAProxy does with leastconn.
        node = min(self.alive, key=lambda one: len(self.on[one]))
        self.settle(stream, node, now)
        self.worker_of(stream).do(now, self.c.open_us / 1e6)

    def beat(self, stream, node, now):
        if self.place[stream] != node:
            return
        due = self.wrote[stream] + self.c.heartbeat_seconds
        if due <= now:
            self.beats += 1
            self.worker_of(stream).do(now, self.c.heartbeat_us / 1e6)
            self.wrote[stream] = now
            due = now + self.c.heartbeat_seconds
        self.later(due, lambda at: self.beat(stream, node, at))

    def publish(self, now):
        topic = self.random.choice(self.topics)
        at = {}
        for stream in topic:
            if self.place[stream] is not None:
                at.setdefault(self.place[stream], []).append(stream)
        stored = now
        for server in self.servers:
            queue = min(server, key=lambda one: one.free_at)
            stored = max(stored, queue.do(now, self.c.publish_us / 1e6 / len(self.servers)))
        last = stored
        for node in self.alive:
            if self.filtered and node not in at:
                continue
            server = self.servers[node % len(self.servers)]
            there = min(server, key=lambda one: one.free_at).do(now, self.c.feed_us / 1e6)
            self.taken[node] += 1
            read = self.control[node].do(max(stored, there), self.c.node_event_us / 1e6)
            for stream in at.get(node, ()):
                last = max(last, self.worker_of(stream).do(read, self.c.delivery_us / 1e6))
                self.wrote[stream] = read
        self.delays.append((now, last - now))
        self.later(now + self.random.expovariate(self.load.events()), self.publish)

    def fail(self, node, now):
        self.alive.remove(node)
        for stream in self.on[node]:
            self.place[stream] = None
            wait = self.c.retry_seconds * self.random.uniform(0.5, 1.5)
            self.later(now + wait, lambda at, stream=stream: self.open(stream, at))
        self.on[node] = set()

    def begin_to_count(self, _):
        self.beats = 0
        for node in self.workers:
            for queue in node:
                queue.busy = 0.0

    def run(self, seconds, failing_at=None):
        self.later(self.random.random() / self.load.events(), self.publish)
        self.later(self.c.heartbeat_seconds, self.begin_to_count)
        if failing_at is not None:
            self.later(failing_at, lambda at: self.fail(0, at))
        while self.todo and self.todo[0][0] < seconds:
            at, _, call = heapq.heappop(self.todo)
            call(at)
        return self

    def use(self, seconds):
        """Of the workers of the nodes that are left."""
        queues = [queue for node in self.alive for queue in self.workers[node]]
        counted = seconds - self.c.heartbeat_seconds
        return sum(queue.busy for queue in queues) / counted / len(queues)

    def late(self, begin, end):
        """The median delay of what was published then."""
        delays = sorted(delay for at, delay in self.delays if begin <= at < end)
        return delays[len(delays) // 2]


def near(measured, said, by):
    return abs(measured - said) <= by * said


def run_checks(seconds=60):
    """Prints a line for each promise of the model; returns how many are broken."""
    c = slowed(Constants())
    failed = 0

    def check(good, text):
        nonlocal failed
        failed += not good
        print("ok  " if good else "FAIL", text)

    for rate in (0.02, 0.1, 0.5):
        load = Load(streams=1500, rate=rate, shared=3, life_seconds=60)
        world = World(6, 4, load, dataclasses.replace(
            c, feed_us=0, publish_us=0, node_event_us=0), seed=1)
        used = world.run(seconds).use(seconds)
        said = load.streams * stream_cpu_us(load, c) / 1e6 / 6 / 4
        check(near(used, said, 0.1), f"CPU at {rate} events/s: {used:.3f}, said {said:.3f}")
        beats, said = world.beats / (seconds - 15), load.streams * heartbeats(load, c)
        check(near(beats, said, 0.1 + 3 / (1 + world.beats) ** 0.5),
              f"heartbeats: {beats:.2f} /s, said {said:.2f} /s")

    for shared in (1, 4, 30):
        load = Load(streams=1800, rate=0.3, shared=shared)
        world = World(9, 4, load, dataclasses.replace(c, feed_us=0), seed=2, filtered=True)
        world.run(20)
        took, said = sum(world.taken) / 9 / len(world.delays), interest(load, 9)
        check(near(took, said, 0.08),
              f"a filtered node takes {took:.3f} of events for {shared} streams, said {said:.3f}")

    # As many nodes as the model says carry the load even when one fails; half of them do not.
    machine = Machine(cores=5, memory_gib=1e3, network_gbit=1e3, use=0.7)
    load = Load(streams=3000, rate=0.4, shared=6, life_seconds=120)
    cheap = dataclasses.replace(c, feed_us=0, publish_us=0, node_event_us=0, open_us=c.open_us / 4)
    nodes, because = nodes_for_streams(load, machine, cheap)
    world = World(nodes, 4, load, cheap, seed=3).run(seconds, failing_at=20)
    soon, settled = world.late(10, 20), world.late(seconds - 10, seconds)
    check(settled < 4 * soon + 0.1,
          f"{nodes} nodes ({because}), one fails: {soon:.3f} s late before, {settled:.3f} after")
    world = World(nodes // 2, 4, load, cheap, seed=3).run(seconds)
    settled = world.late(seconds - 10, seconds)
    check(settled > 10 * soon, f"{nodes // 2} nodes: {settled:.1f} s late, and later each second")

    # Where a node's control loop stops, planned to the last.
    full = Machine(cores=1, network_gbit=1e3, use=1.0)
    cheap = dataclasses.replace(c, delivery_us=0, feed_us=0, publish_us=0, heartbeat_us=0)
    for part in (0.8, 1.3):
        load = Load(streams=300, rate=node_takes_at_most(full, c) * part / 100, shared=3)
        world = World(2, 1, load, cheap, seed=5).run(seconds)
        late = world.late(seconds - 10, seconds)
        check((late < 1) == (part < 1),
              f"a node's control loop at {part} of the most: {late:.2f} s late")

    # Where a feed of all events stops: servers with a core each, planned to the last.
    load = Load(streams=300, rate=0.1, shared=6)
    cheap = dataclasses.replace(c, node_event_us=0, heartbeat_us=0, open_us=0)
    most = nodes_fed_at_most(load.events(), load.bytes, full, cheap)
    for nodes, holds in ((int(most * 0.7), True), (int(most * 1.4), False)):
        world = World(nodes, 4, load, cheap, seed=4).run(seconds)
        late = world.late(seconds - 10, seconds)
        check((late < 2) == holds, f"feed of {nodes} nodes, {most} at most: {late:.2f} s late")
    return failed
