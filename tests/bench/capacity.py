#!/usr/bin/env python3
"""How many nodes so many streams need: a model fed by measured constants.

    tests/bench/capacity.py                    the tables of deploy/cluster/README.md
    tests/bench/capacity.py --streams 5e6 --rate 0.1 --shared 100 [--cores 16] [--memory 64]
    tests/bench/capacity.py --constants        each constant with its source
    tests/bench/capacity.py --check            the model against a simulation of nodes, and the page

--rate is events a second to one stream, --shared how many streams get the same event ("all": every
one). capacity_simulation.py knows the costs of single steps and none of the formulas here.
"""
import argparse
import dataclasses
import math
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "deploy/cluster/README.md")


def constant(value, source):
    return dataclasses.field(default=value, metadata={"source": source})


@dataclasses.dataclass(frozen=True)
class Constants:
    delivery_us: float = constant(7.4, "README, Results: CPU per delivery at 10 events/s, 7.38")
    heartbeat_us: float = constant(7.4, "as a delivery: one send() to one stream")
    open_us: float = constant(24.8, "README, Results: server CPU per stream, saturated")
    user_bytes: float = constant(99, "README: 76.8 B a stream and 22.5 B for `all` beside `user.N`")
    kernel_bytes: float = constant(
        4650, "README: 9.3 GB for both ends of 1,000,000 connections, half of it")
    heartbeat_seconds: float = constant(15, "heartbeat.interval_seconds")
    retry_seconds: float = constant(2, "retry: of 2 s, spread by half of it to both sides")
    node_event_us: float = constant(
        10.0, "nats_feed.py --crier, a debug build, the only one at hand: 9.3 to 11.4, control "
        "loop and NATS's threads; a release takes less")
    publish_us: float = constant(32, "nats_feed.py --servers 3: all servers, 27 to 32")
    feed_us: float = constant(4.7, "nats_feed.py --servers 3: per event and consumer, 3.2 to 4.7")
    stream_rate: float = constant(
        20_000, "nats_feed.py --servers 3: 20,700 to 26,200 events/s, one stream, on two cores")


@dataclasses.dataclass(frozen=True)
class Machine:
    cores: int = 16            # One of them is for the control loop and NATS's threads.
    memory_gib: float = 64
    network_gbit: float = 10
    use: float = 0.5           # How much of anything may be planned for.


@dataclasses.dataclass(frozen=True)
class Load:
    streams: float
    rate: float                # Events a second to one stream.
    shared: float              # Streams that get the same event; math.inf: all.
    life_seconds: float = 600  # Of a stream, before its client connects again.
    bytes: float = 300         # Of an event, on the wire.

    def events(self):
        """Events a second that are published."""
        return self.rate * self.streams / min(self.shared, self.streams)


@dataclasses.dataclass(frozen=True)
class Plan:
    nodes: int
    because: str     # What asks for most nodes.
    feed: str        # "all events", "filtered" or "leaf servers"
    cells: int       # Clusters: streams of JetStream, each with nodes and servers of its own.
    stream_cpu_us: float  # A second, of one stream.


def heartbeats(load, c):
    """A second, of one stream: one follows each pause of heartbeat_seconds between other bytes."""
    writes = load.rate + 1 / load.life_seconds  # At random; a new stream is sent crier.open.
    return writes / math.expm1(min(writes * c.heartbeat_seconds, 700))


def stream_cpu_us(load, c):
    return (load.rate * c.delivery_us + heartbeats(load, c) * c.heartbeat_us +
            c.open_us / load.life_seconds)


def interest(load, nodes):
    """The share of all events that a node has a stream for, if streams are spread at random."""
    return 1 - (1 - 1 / nodes) ** min(load.shared, load.streams) if nodes > 1 else 1.0


def nodes_for_streams(load, machine, c):
    """Nodes that hold the streams, one of them failed: what asks for most, and how many."""
    workers = (machine.cores - 1) * machine.use * 1e6
    wants = {
        "CPU": load.streams * stream_cpu_us(load, c) / workers,
        "memory": load.streams * (c.user_bytes + c.kernel_bytes) /
        (machine.memory_gib * 2**30 * machine.use),
        "network": load.streams * load.rate * load.bytes * 8 /
        (machine.network_gbit * 1e9 * machine.use),
    }
    because = max(wants, key=wants.get)
    nodes = math.ceil(wants[because])
    # The streams of a failed node come back within twice the retry, to the nodes that are left.
    while True:
        opens = load.streams / (nodes + 1) / c.retry_seconds / nodes
        if opens * c.open_us <= (machine.cores - 1) * 1e6 * (1 - machine.use):
            return nodes + 1, because
        nodes, because = nodes + 1, "reconnects"


def nodes_fed_at_most(events, load_bytes, machine, c, servers=3):
    """Nodes that `servers` nats-servers can feed with every event: by CPU and by network."""
    cpu = (machine.use * servers * machine.cores * 1e6 / events - c.publish_us) / c.feed_us
    network = machine.use * servers * machine.network_gbit * 1e9 / 8 / events / load_bytes
    return int(min(max(cpu, 0), network))


def node_takes_at_most(machine, c):
    """Events a second that the control loop of a node can take out of the stream."""
    return machine.use * 1e6 / c.node_event_us


def plan(load, machine=Machine(), c=Constants()):
    cells = math.ceil(load.events() / (c.stream_rate * machine.use))
    cell = dataclasses.replace(load, streams=load.streams / cells)
    each, because = nodes_for_streams(cell, machine, c)
    if cells > 1 and each == 2:
        because = "clusters"  # One node would do, and one may fail.
    fed = nodes_fed_at_most(cell.events(), load.bytes, machine, c)
    share = interest(cell, each)
    if each <= fed and cell.events() <= node_takes_at_most(machine, c):
        feed = "all events"
    elif share <= 0.5 and each * share <= fed:
        feed = "filtered"
    else:
        feed = "leaf servers"
    return Plan(each * cells, because, feed, cells, stream_cpu_us(load, c))


def plain(number):
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


WORKLOADS = [
    ("a notice a minute to each user", 1 / 60, 1),
    ("rooms of 100, a message every 10 s", 0.1, 100),
    ("a score a second to all", 1, math.inf),
    ("prices: 5 a second of one of 1,000 topics", 5, "a thousandth"),
]
SIZES = (1e6, 1e7, 1e8)


def tables(machine=Machine(), c=Constants()):
    lines = ["| load | streams | published | nodes | because of | feed | clusters |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, rate, shared in WORKLOADS:
        for streams in SIZES:
            load = Load(streams, rate, streams / 1000 if shared == "a thousandth" else shared)
            found = plan(load, machine, c)
            lines.append(f"| {name} | {plain(streams)} | {plain(load.events())}/s | {found.nodes} |"
                         f" {found.because} | {found.feed} | {found.cells} |")
    lines += ["", "| published | a node's control loop | nodes that three servers feed | filtered, "
              "a node, for topics of 1 / 10 / 100 streams |", "| --- | --- | --- | --- |"]
    for events in (100, 1e3, 1e4):
        fed = nodes_fed_at_most(events, 300, machine, c)
        filtered = " / ".join(
            f"{interest(Load(1e7, 1, shared), fed):.2%}" for shared in (1, 10, 100))
        lines.append(f"| {plain(events)}/s | {events * c.node_event_us / 1e6:.1%} of a core | "
                     f"{fed:,} | {filtered} of all events |")
    return "\n".join(lines)


def check_page(path):
    """The page has what the script prints."""
    with open(path) as page:
        return tables() in page.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--constants", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--streams", type=float)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--shared", type=lambda text: math.inf if text == "all" else float(text),
                        default=math.inf)
    parser.add_argument("--life", type=float, default=600)
    parser.add_argument("--cores", type=int, default=Machine.cores)
    parser.add_argument("--memory", type=float, default=Machine.memory_gib)
    arguments = parser.parse_args()
    if arguments.constants:
        for field in dataclasses.fields(Constants):
            print(f"{field.name:18} {field.default:>8g}  {field.metadata['source']}")
    elif arguments.check:
        from capacity_simulation import run_checks
        failed = run_checks()
        print("ok" if (same := check_page(PAGE)) else "FAIL",
              " deploy/cluster/README.md has the tables of tests/bench/capacity.py")
        return 1 if failed or not same else 0
    elif arguments.streams:
        load = Load(arguments.streams, arguments.rate, arguments.shared, arguments.life)
        print(plan(load, Machine(arguments.cores, arguments.memory)))
    else:
        print(tables())
    return 0


if __name__ == "__main__":
    sys.exit(main())
