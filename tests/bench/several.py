"""The rows about the everyday shapes of a stream: two topics that all streams share, a user's own
topic beside a shared one, a request with a traceparent; and the row about publishing itself. Shapes
are measured beside streams with one topic in the same run, and a ratio is that of one run."""
from measure import Load, cpu_ns
from scenario import MANY, MB, Row, Scenario, held, settle, start

MORE = 140_000  # Beside MANY: a table that doubles is as full as it can be at one size only.
SHARED, OWN, BOTH = "a,b", "user.%", "user.%,all"
TOPICS_MAX = {"limits.topics_max": 200_000}


# --- memory --------------------------------------------------------------------------------------
def memory_two(settings, _):
    figures = {}
    for streams, size in ((MANY, "many"), (MORE, "more")):
        found = held(settings, streams, {"topics": SHARED})
        figures[size] = found["each"]
        figures[size + "_after"] = (found["after"] - found["empty"]) * MB / streams
    return figures


def memory_users(settings, _):
    figures = {}
    for streams, size in ((MANY, "many"), (MORE, "more")):
        own, both = (held(settings, streams, {"topics": topics}, **TOPICS_MAX)["each"]
                     for topics in (OWN, BOTH))
        figures |= {size + "_own": own, size + "_both": both, size + "_added": both - own}
    return figures


def memory_trace(settings, _):
    figures = {}
    for topics, count in (("all", "one"), (SHARED, "two")):
        plain, traced = (held(settings, MANY, {"topics": topics, "trace": trace})["each"]
                         for trace in (0, 1))
        figures |= {count: plain, count + "_trace": traced, count + "_added": traced - plain}
    return figures


# --- speed ---------------------------------------------------------------------------------------
def with_ratios(figures, key):
    """Adds each other shape's figure divided by that of streams with one topic."""
    for shape in ("two", "users", "mixed"):
        if f"{shape}_{key}" in figures:
            figures[f"{shape}_{key}_ratio"] = figures[f"{shape}_{key}"] / figures[f"one_{key}"]
    return figures


def burst_two(settings, _):
    """All shapes in one server, a burst to each in turn, until the fastest has had two seconds."""
    shapes = {"one": {}, "two": {"topics": SHARED}, "users": {"topics": "u.%,everyone"},
              "mixed": {"topics": BOTH, "all_every": 2}}
    received, elapsed, cpu = ({shape: 0 for shape in shapes} for _ in range(3))
    with start(settings, "crier") as server, Load(settings.load, server) as load:
        for shape, options in shapes.items():
            load.group(shape, 4_500, **options)
            load.open(shape, 4_500)
            load.burst(shape, 2, settings.size)
        while min(elapsed.values()) < 2e9:
            for shape in shapes:
                before = cpu_ns(server.pids())
                done = load.burst(shape, 200, settings.size)
                cpu[shape] += cpu_ns(server.pids()) - before
                received[shape] += done["received"]
                elapsed[shape] += done["elapsed_ns"]
    figures = {}
    for shape in shapes:
        figures[f"{shape}_rate"] = received[shape] / elapsed[shape] * 1e3
        figures[f"{shape}_cpu"] = cpu[shape] / received[shape] / 1e3
    return with_ratios(figures, "cpu")


def steady_two(settings, _):
    """All shapes in one server, one after the other. Heartbeats to those that wait are put off."""
    seconds = settings.seconds(10)
    shapes = {"one": ({}, 10), "two": ({"topics": SHARED}, 10),
              "mixed": ({"topics": BOTH, "all_every": 11}, 110)}
    figures = {}
    with start(settings, "crier", **{"heartbeat.interval_seconds": 600}) as server, \
            Load(settings.load, server) as load:
        for shape, (options, _) in shapes.items():
            load.group(shape, 5_000, **options)
            load.open(shape, 5_000)
            load.burst(shape, 11, settings.size)
        for shape, (_, hz) in shapes.items():
            settle()
            cpu = cpu_ns(server.pids())
            done = load.rate(seconds, settings.size, **{shape: hz})[shape]
            cpu = cpu_ns(server.pids()) - cpu
            figures |= {f"{shape}_cpu": cpu / done["received"] / 1e3,
                        f"{shape}_p99": done["last_p99_ns"] / 1e6}
    return with_ratios(with_ratios(figures, "cpu"), "p99")


def lone_two(settings, _):
    """A server for each shape: one has room for 15,000 streams, not for 45,000. In the mix the
    15,000 take turns to get an event on their own topics, and all get the broadcasts."""
    seconds = settings.seconds(10)
    figures = {}
    for shape, others, own in (("one", "all", "lone"), ("two", SHARED, "c,d")):
        with start(settings, "crier") as server, Load(settings.load, server) as load:
            load.group("all", 15_000, topics=others)
            load.group("lone", 1, processes=1, topics=own)
            load.open("all", 15_000)
            load.open("lone", 1)
            load.burst("all", 2, settings.size)
            done = load.rate(seconds, settings.size, all=5, lone=100)
        figures |= {f"{shape}_p99": done["lone"]["each_p99_ns"] / 1e6,
                    f"{shape}_broadcast": done["all"]["last_p50_ns"] / 1e6}
    with start(settings, "crier") as server, Load(settings.load, server) as load:
        load.group("users", 15_000, topics=BOTH, all_every=21)
        load.open("users", 15_000)
        load.burst("users", 21, settings.size)
        done = load.rate(seconds, settings.size, users=105)["users"]
    figures |= {"mixed_p99": done["own_p99_ns"] / 1e6,
                "mixed_broadcast": done["last_p50_ns"] / 1e6}
    return with_ratios(figures, "p99")


def publishing(settings, _):
    """Bursts as a request per event and as NDJSON, on a topic without streams and on one with 300,
    in turn until each has had a second. A topic with streams gets 1,000 events at once: its
    history holds no more."""
    ways = {(group, lines): [0, 0, 0, 0] for lines in (0, 100) for group in ("none", "some")}
    with start(settings, "crier") as server, Load(settings.load, server) as load:
        load.group("none", 0, processes=1)
        load.group("some", 300, processes=1)
        load.open("some", 300)
        while min(elapsed for *_, elapsed in ways.values()) < 1e9:
            for (group, lines), sums in ways.items():
                cpu = cpu_ns(server.pids())
                done = load.burst(group, 1_000 if group == "some" else 8_000, settings.size,
                                  lines=lines)
                cpu = cpu_ns(server.pids()) - cpu
                took = max(done["answered_ns"], done["elapsed_ns"])
                for i, value in enumerate((done["events"], done["answered_ns"], cpu, took)):
                    sums[i] += value
    figures = {}
    for (group, lines), (events, answered, cpu, _) in ways.items():
        way = f"{group}_{'lines' if lines else 'posts'}"
        figures |= {way + "_rate": events / answered * 1e6, way + "_cpu": cpu / events / 1e3}
    return figures


CRIER = {"targets": ("crier",)}
BURST = "burst of 200 events to 4,500 streams"

SCENARIOS = [
    Scenario("memory-two", memory_two, [
        Row("many", "127,483 streams with two shared topics, per stream", "B", "≤ 128 B",
            limit=128),
        Row("many_after", "the same after an event to all", "B"),
        Row("more", "140,000 streams with two shared topics, per stream", "B", "≤ 128 B",
            limit=128),
        Row("more_after", "the same after an event to all", "B")], pairs_max=3, **CRIER),
    Scenario("memory-users", memory_users, [
        Row("many_own", "127,483 streams on `user.N`, per stream", "B"),
        Row("many_both", "127,483 streams on `user.N` and `all`, per stream", "B"),
        Row("many_added", "`all` adds to a stream on `user.N`", "B", "≤ 40 B", limit=40),
        Row("more_own", "140,000 streams on `user.N`, per stream", "B"),
        Row("more_both", "140,000 streams on `user.N` and `all`, per stream", "B"),
        Row("more_added", "`all` adds to a stream on `user.N`", "B", "≤ 40 B", limit=40)],
        pairs_max=3, **CRIER),
    Scenario("memory-trace", memory_trace, [
        Row("one", "127,483 streams with one topic, per stream", "B"),
        Row("one_trace", "the same with a `traceparent`", "B"),
        Row("one_added", "`traceparent` adds", "B", "≤ 16 B", limit=16),
        Row("two", "127,483 streams with two shared topics, per stream", "B"),
        Row("two_trace", "the same with a `traceparent`", "B"),
        Row("two_added", "`traceparent` adds", "B", "≤ 16 B", limit=16)], pairs_max=3, **CRIER),
    Scenario("burst-two", burst_two, [
        Row("one_cpu", f"{BURST} with one topic: CPU per delivery", "µs", digits=3),
        Row("two_cpu", "two shared topics, events to both in turn", "µs", digits=3),
        Row("two_cpu_ratio", "the same, to one topic", "×", "≤ 2 ×", limit=2, digits=2),
        Row("users_cpu", "`user.N` and `all`, events to `all`", "µs", digits=3),
        Row("users_cpu_ratio", "the same, to one topic", "×", "≤ 2 ×", limit=2, digits=2),
        Row("mixed_cpu", "the same, every second event to one user", "µs", digits=3),
        Row("mixed_cpu_ratio", "the same, to one topic", "×", digits=2),
        Row("one_rate", "deliveries, one topic", "M/s", more_is_better=True, digits=2),
        Row("two_rate", "deliveries, two shared topics", "M/s", more_is_better=True, digits=2),
        Row("users_rate", "deliveries, `user.N` and `all`", "M/s", more_is_better=True, digits=2),
        Row("mixed_rate", "deliveries, every second event to one user", "M/s",
            more_is_better=True, digits=2)], **CRIER),
    Scenario("steady-two", steady_two, [
        Row("one_cpu", "5,000 streams with one topic, 10 events/s: CPU per delivery", "µs",
            digits=2),
        Row("two_cpu", "two shared topics, events to both in turn", "µs", digits=2),
        Row("two_cpu_ratio", "the same, to one topic", "×", digits=2),
        Row("mixed_cpu", "`user.N` and `all`, 10 events/s to `all`, 100/s to users", "µs",
            digits=2),
        Row("mixed_cpu_ratio", "the same, to one topic", "×", digits=2),
        Row("one_p99", "publish to last subscriber, p99, one topic", "ms"),
        Row("two_p99", "the same, two shared topics", "ms"),
        Row("mixed_p99", "the same, `user.N` and `all`", "ms")], **CRIER),
    Scenario("lone-two", lone_two, [
        Row("one_p99", "one topic with one stream beside a broadcast to 15,000, p99", "ms"),
        Row("two_p99", "two topics with one stream, the 15,000 with two shared ones", "ms",
            "≤ 50 ms", limit=50),
        Row("two_p99_ratio", "the same, to one topic", "×", "≤ 2 ×", limit=2, digits=2),
        Row("mixed_p99", "events on `user.N`, broadcasts on `all` to the same 15,000", "ms"),
        Row("mixed_p99_ratio", "the same, to one topic", "×", digits=2),
        Row("one_broadcast", "the broadcast to its last subscriber, p50, one topic", "ms"),
        Row("two_broadcast", "the same, two shared topics", "ms"),
        Row("mixed_broadcast", "the same, `user.N` and `all`", "ms")], **CRIER),
    Scenario("publish", publishing, [
        Row(f"{group}_{way}_{key}", f"{what}, {whom}: {figure}", unit, digits=digits,
            more_is_better=key == "rate")
        for way, what in (("posts", "a request per event"), ("lines", "NDJSON, 100 a request"))
        for group, whom in (("none", "no stream"), ("some", "300 streams"))
        for key, figure, unit, digits in (("rate", "publishes per second", "k/s", 0),
                                          ("cpu", "server CPU per event", "µs", 2))], **CRIER),
]
