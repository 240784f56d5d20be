"""The rows about streams with one topic each; rows of other shapes are in several.py."""
import signal
import time

from measure import Load, cpu_ns, crier_bench, kernel_memory, resident, send_buffers
from scenario import MANY, MB, Row, Scenario, held, settle, start
import several


# --- memory --------------------------------------------------------------------------------------
def idle_memory(settings, name):
    few, all_ = 1_000, 17_000
    with start(settings, name) as server, Load(settings.load, server) as load:
        load.group("all", all_)
        empty, kernel_empty = resident(server.pids())[0], kernel_memory()
        load.open("all", few)
        settle()
        before = resident(server.pids())[0]
        load.open("all", all_)
        settle()
        idle = resident(server.pids())[0]
        kernel = kernel_memory() - kernel_empty
        load.burst("all", 1, settings.size)
        settle()
        after = resident(server.pids())[0]
    return {"slope": (idle - before) / (all_ - few), "growth": (idle - empty) / all_,
            "after": (after - empty) / all_, "kernel": kernel / all_}


def many_one_topic(settings, _):
    return held(settings, MANY, burst=200)


def many_topics(settings, _):
    return held(settings, MANY, {"topics": "all%"}, **several.TOPICS_MAX)


def million(settings, _):
    return held(settings, 1_000_000, workers=56, streams_max=1_060_000,
                **{"workers.own_descriptor_table": "on"})


# --- speed ---------------------------------------------------------------------------------------
def steady(settings, name):
    seconds = settings.seconds(10)
    with start(settings, name) as server, Load(settings.load, server) as load:
        load.group("all", 5_000)
        load.open("all", 5_000)
        load.burst("all", 1, settings.size)
        cpu = cpu_ns(server.pids())
        done = load.rate(seconds, settings.size, all=10)["all"]
        cpu = cpu_ns(server.pids()) - cpu
    return {"cpu": cpu / done["received"] / 1e3, "p50": done["last_p50_ns"] / 1e6,
            "p99": done["last_p99_ns"] / 1e6, "each": done["each_p50_ns"] / 1e6}


def burst(settings, name):
    """Bursts until two seconds have been spent on them: one of crier's is over in a moment."""
    received = elapsed = cpu = 0
    with start(settings, name) as server, Load(settings.load, server) as load:
        load.group("all", 5_000)
        load.open("all", 5_000)
        load.burst("all", 1, settings.size)
        while elapsed < 2e9:
            before = cpu_ns(server.pids())
            done = load.burst("all", 200, settings.size)
            cpu += cpu_ns(server.pids()) - before
            received += done["received"]
            elapsed += done["elapsed_ns"]
    return {"rate": received / elapsed * 1e3, "cpu": cpu / received / 1e3}


def opening(settings, name):
    """One client process: two and a server would share two cores, and clients would be measured."""
    count = 15_000
    with start(settings, name) as server, Load(settings.load, server) as load:
        load.group("all", count, processes=1)
        load.open("all", 200)  # First touches of code and memory on both sides.
        cpu = cpu_ns(server.pids())
        done = load.open("all", count)
        settle()
        cpu = cpu_ns(server.pids()) - cpu
    opened = count - 200
    return {"rate": opened / done["elapsed_ns"] * 1e9, "cpu": cpu / opened / 1e3}


def opening_saturated(settings, name):
    """The server stands still until all connections and their requests wait for it. It then never
    waits for a client, and every request is there when its connection is accepted."""
    at_once, rounds, cpu = 3_500, 4, 0
    with start(settings, name) as server, Load(settings.load, server) as load:
        def collect():
            time.sleep(1.5)
            server.signal(signal.SIGCONT)

        load.group("all", 200 + at_once * rounds, processes=1, window=at_once)
        load.open("all", 200)
        for done in range(1, rounds + 1):
            server.signal(signal.SIGSTOP)
            before = cpu_ns(server.pids())
            load.open("all", 200 + at_once * done, meanwhile=collect)
            settle()
            cpu += cpu_ns(server.pids()) - before
    return {"cpu": cpu / (at_once * rounds) / 1e3}


def lone(settings, name):
    with start(settings, name) as server, Load(settings.load, server) as load:
        load.group("all", 15_000)
        load.group("one", 1, processes=1)
        load.open("all", 15_000)
        load.open("one", 1)
        load.burst("all", 1, settings.size)
        done = load.rate(settings.seconds(10), settings.size, all=5, one=100)
    return {"p50": done["one"]["each_p50_ns"] / 1e6, "p99": done["one"]["each_p99_ns"] / 1e6,
            "broadcast": done["all"]["last_p50_ns"] / 1e6}


def stalled(settings, name):
    """The floor is measured without the streams that do not read: it would stop at the first."""
    seconds = settings.seconds(20)
    with start(settings, name) as server, Load(settings.load, server) as load:
        load.group("readers", 200, topics="news")
        load.open("readers", 200)
        if name != "floor":
            load.group("stalled", 100, processes=1, topics="news", reads=0)
            load.open("stalled", 100)
        before = resident(server.pids())[0]
        done = load.rate(seconds, 4096, readers=200)["readers"]
        figures = {"p99": done["each_p99_ns"] / 1e6, "p50": done["each_p50_ns"] / 1e6,
                   "user": (resident(server.pids())[0] - before) / MB}
        if name != "floor":
            sizes = send_buffers(server.address, f"127.{load.octet}.64.0/18")
            figures["kernel"] = max(sizes) / 1e3 if sizes else None
            figures["left"] = len(sizes)
    return figures


HELD_ROWS = [Row("kernel", "kernel memory, both ends", "MB", digits=0),
             Row("opening", "all open after", "s"),
             Row("all", "one event to all, until the last byte", "s", digits=2),
             Row("empty", "resident before the first stream", "MB")]


def find(settings, name):
    """`crier bench --find`, which measures any server that speaks as crier does."""
    with start(settings, name) as server:
        report = crier_bench(settings.crier, server, streams=1000, rate=50, find=20,
                             size=settings.size, seconds=settings.seconds(10))
    return {"rate": report["plan"]["rate"], "cpu": report["server"]["cpu_us_per_delivery"]}


SCENARIOS = [
    Scenario("memory", idle_memory, [
        Row("slope", "user memory per idle stream", "B", "≤ 80 B", limit=80),
        Row("growth", "the same, everything from the empty server on", "B"),
        Row("after", "the same, after an event to all", "B"),
        Row("kernel", "kernel memory per idle stream, both ends", "B", digits=0)], pairs_max=3),
    Scenario("many", many_one_topic, [
        Row("idle", "127,483 streams, 8 workers, one topic: idle", "MB", "< 18 MB", limit=18),
        Row("after", "the same after an event to all", "MB", "< 18 MB", limit=18),
        Row("burst", "the same after a burst of 200", "MB", "< 18 MB", limit=18),
        Row("rate", "deliveries in that burst", "M/s", digits=2)] + HELD_ROWS,
        targets=("crier",), pairs_max=3),
    Scenario("many-topics", many_topics, [
        Row("idle", "127,483 streams on 127,483 topics: idle", "MB", "≤ 32 MB", limit=32),
        Row("after", "the same with one event kept of each topic", "MB")] + HELD_ROWS,
        targets=("crier",), pairs_max=3),
    Scenario("steady", steady, [
        Row("cpu", "CPU per delivery, 5,000 streams, 10 events/s", "µs", "≤ 1.10 × floor",
            ratio=1.10, digits=2),
        Row("p99", "publish to last subscriber, p99", "ms", "≤ 1.25 × floor", ratio=1.25),
        Row("p50", "publish to last subscriber, p50", "ms"),
        Row("each", "publish to any subscriber, p50", "ms")]),
    Scenario("burst", burst, [
        Row("rate", "burst of 200 events to 5,000 streams", "M/s", "≥ 20 × floor", ratio=20,
            more_is_better=True, digits=3),
        Row("cpu", "server CPU per delivery in it", "µs", digits=3)]),
    Scenario("find", find, [
        Row("rate", "highest rate to 1,000 streams with p99 at most 20 ms", "/s", digits=0),
        Row("cpu", "server CPU per delivery at that rate", "µs", digits=2)],
        targets=("crier", "floor"), optional=True),
    Scenario("open", opening, [
        Row("rate", "streams opened per second", "/s", "≥ 1.2 × floor", ratio=1.2,
            more_is_better=True, digits=0),
        Row("cpu", "server CPU per stream opened", "µs", "≤ 0.75 × floor", ratio=0.75)]),
    Scenario("open-saturated", opening_saturated, [
        Row("cpu", "server CPU per stream opened, saturated", "µs", "≤ 0.75 × floor",
            ratio=0.75)]),
    Scenario("lone", lone, [
        Row("p99", "topic with one stream beside a broadcast to 15,000, p99", "ms", "≤ 50 ms",
            limit=50),
        Row("p50", "the same, p50", "ms"),
        Row("broadcast", "the broadcast to its last subscriber, p50", "ms")]),
    Scenario("stalled", stalled, [
        Row("p99", "200 readers beside 100 that never read, p99", "ms", "≤ 1.25 × floor",
            ratio=1.25, digits=2),
        Row("p50", "the same, p50", "ms", digits=2),
        Row("user", "user memory grown meanwhile", "MB", "≤ 64 MB history + 4", limit=71.1),
        Row("kernel", "kernel memory of a stalled stream, most", "kB", "≤ 128 kB", limit=128),
        Row("left", "stalled streams still there", "", digits=0)]),
    Scenario("million", million, [
        Row("idle", "1,000,000 streams, 56 workers: idle", "MB", "< 100 MB", limit=100),
        Row("after", "the same after an event to all", "MB", "< 100 MB", limit=100)] + HELD_ROWS,
        targets=("crier",), pairs_max=1, optional=True),
] + several.SCENARIOS
