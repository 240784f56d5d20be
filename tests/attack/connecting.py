"""Attacks by connections to the subscriber port: many, slow, silent, broken off."""
import resource
import socket
import subprocess
import time

from measure import Failed, cpu_ns, send_buffers
from scene import STREAMS, Attack, Row, Scene, answered, common, stream_request

HALF_HEAD = "GET /events?topic=healthy HTTP/1.1\r\nHost: attack\r\nX-Slow: "
FLOOD = stream_request("flood")
BUSY_CAP = 100  # Streams that the flooding address may have.


def slow_heads(settings):
    """Half heads, a byte more each second, each replaced when the daemon has ended it."""
    # More than must be held: the daemon ends some together, and they take a moment to come back.
    held, patience = settings.either(11_000, 550), settings.either(10, 1)
    with Scene(settings, **{"limits.pending_requests_max": 12_000, "streams_max": 5_000,
                            "limits.pending_seconds_max": patience}) as scene:
        scene.quiet(settings.seconds)
        with scene.attackers(HALF_HEAD, 130, then="drip", processes=2, addresses=1_000,
                             at_once=held, rate=held / (patience / 2)) as slow:
            if not slow.all_there():
                raise Failed("the half heads were never all there")
            scene.attacked(settings.either(12, 2))
            result = slow.finish()
        return scene.figures(held=result["held_least"],
                             life=result["max_ns"] / 1e9 - patience,
                             told=result["outcome 408"])


def slow_heads_above_the_cap(settings):
    """As many half heads as come, where the daemon lets 1,000 wait: it closes the oldest."""
    with Scene(settings, **{"limits.pending_requests_max": 1_000}) as scene:
        scene.quiet(settings.seconds)
        with scene.attackers(HALF_HEAD, 130, then="hold", processes=2, addresses=1_000,
                             at_once=10_000, rate=5_000):
            scene.attacked(settings.seconds)
            most = scene.metrics()["crier_requests_pending"]
        return scene.figures(pending=most)


def stopped_readers(settings):
    """Streams that never read, of the topic that the healthy ones read."""
    stopped, patience = settings.either(5_000, 300), settings.either(10, 2)
    with Scene(settings, hz=100, size=1_000,
               **{"limits.owing_seconds_max": patience}) as scene, \
            scene.another_load() as others:
        scene.quiet(settings.seconds)
        empty = scene.memory()
        others.group("healthy", stopped, reads=0)
        others.open("healthy", stopped)
        # Until their sockets are full they are streams like others, and too many.
        scene.load.burst("healthy", 400, 1_000)
        scene.attacked(patience // 2 + 1)
        sizes = send_buffers(scene.server.address, f"127.{others.octet}.0.0/16")
        each = (scene.memory() - empty) * 1024 / stopped + max(sizes, default=0) / 1024
        scene.attacked(patience + 2)
        ended = "crier_streams_ended_total{reason=\"stalled\"}"
        late = scene.wait_for("all stopped readers are ended",
                              lambda: scene.metrics()[ended] >= stopped, 20)
        return scene.figures(each=each, uncut=stopped - scene.metrics()[ended], late=late,
                             added=scene.found["event"] - scene.found["quiet_event"])


def flooded(settings, addresses, knobs):
    """A flood of requests for streams from these addresses. Of one address, BUSY_CAP streams are
    open already, so that each request is refused."""
    with Scene(settings, **{"limits.streams_per_address_max": BUSY_CAP, **knobs}) as scene, \
            scene.attackers(FLOOD, 150, then="hold", at_once=BUSY_CAP, rate=40):
        wait_for_streams(scene, BUSY_CAP)
        scene.quiet(settings.seconds)
        with scene.attackers(FLOOD, 150, addresses=addresses, at_once=2_000,
                             rate=settings.either(21_000, 500)) as flood:
            scene.attacked(settings.seconds)
            result = flood.finish()
        cpu = (scene.found["cpu"] - scene.found["quiet_cpu"]) / flood.rate() * 1e6
        at_accept = 'crier_requests_refused_total{reason="breaker_at_accept"}'
        return scene.figures(rate=flood.rate(), cpu=cpu, busy=result["outcome busy"],
                             opened=result["outcome opened"],
                             closed=scene.metrics().get(at_accept, 0))


def flood_from_one(settings):
    figures = flooded(settings, 1, {})
    if settings.knows("breaker_seconds"):
        broken = flooded(settings, 1, {"limits.requests_per_address": 50})
        figures |= {f"broken_{key}": value for key, value in broken.items()}
        figures["cpu_ratio"] = broken["cpu"] / figures["cpu"]
    return figures


def flood_from_many(settings):
    return flooded(settings, 10_000, {})


def storm(settings):
    """All streams of a topic are cut at once; 50 events later all of them come back at once, each
    with the position it had. One more event is published while they come."""
    streams, events = settings.either(15_000, 1_000), 50
    with Scene(settings, **{"limits.streams_max": 16_500}) as scene, \
            scene.another_load() as history:
        history.group("storm", 0, processes=1)
        history.burst("storm", 1, 256)
        scene.quiet(settings.seconds)
        with scene.attackers(stream_request("storm"), 160, then="hold", processes=2,
                             at_once=streams, rate=20_000, addresses=250):
            wait_for_streams(scene, streams)
            position = position_of(scene)
        history.burst("storm", events, 256)
        back = stream_request("storm", f"Last-Event-ID: {position}\r\n")
        with scene.attackers(back, 164, then="replay", processes=2, at_once=streams, rate=1e9,
                             addresses=250, events=events + 1, seconds=60) as clients:
            history.burst("storm", 1, 256)
            scene.attacked(settings.either(10, 2))
            clients.all_there()
            result = clients.finish()
        return scene.figures(seconds=result["complete_ns"] / 1e9,
                             missed=streams - result["complete"])


def wait_for_streams(scene, streams):
    scene.wait_for(f"{streams} streams are open", lambda: scene.metrics()
                   ["crier_stream_active_connections"] >= STREAMS + streams, 30)


def position_of(scene):
    """The position of a new stream: the newest event of all."""
    with socket.create_connection(scene.server.address.split(":"), timeout=10) as client:
        client.sendall(stream_request("storm").encode())
        text = b""
        while b"\ndata: " not in text:
            if not (more := client.recv(4096)):
                raise Failed("a new stream was closed")
            text += more
    if b"event: crier.open" not in text:
        raise Failed("a new stream was refused")
    return text.split(b"id: ", 1)[1].split(b"\n", 1)[0].decode()


def broken_off(settings):
    """Clients that reset after half a head, or after a whole request."""
    with Scene(settings) as scene:
        scene.quiet(settings.seconds)
        before = scene.descriptors()
        with scene.attackers(HALF_HEAD, 140, then="reset", addresses=1_000, at_once=1_000,
                             rate=settings.either(5_000, 300)) as half, \
                scene.attackers(FLOOD, 141, then="reset", addresses=1_000, at_once=1_000,
                                rate=settings.either(5_000, 300)) as whole:
            scene.attacked(settings.seconds)
            sent = half.finish()["sent"] + whole.finish()["sent"]
        late = scene.wait_for("descriptors are free", lambda: scene.descriptors() <= before)
        return scene.figures(sent=sent, late=late * 1e3, left=max(0, scene.descriptors() - before))


def left(settings):
    """Streams whose client says that it has no more to send, as one that goes away does."""
    clients = settings.either(10_000, 500)
    with Scene(settings) as scene:
        scene.quiet(settings.seconds)
        before = scene.descriptors()
        with scene.attackers(FLOOD, 142, then="leave", addresses=1_000, at_once=200, count=clients,
                             rate=clients / settings.seconds) as leaving:
            scene.attacked(settings.seconds)
            result = leaving.finish(early=False)
        scene.wait_for("descriptors are free", lambda: scene.descriptors() <= before)
        waiting = subprocess.run(["ss", "-tnH", "state", "close-wait", "src",
                                  scene.server.address], capture_output=True, text=True, check=True)
        return scene.figures(clients=result["outcome opened"], closed=result["max_ns"] / 1e6,
                             waiting=len(waiting.stdout.splitlines()),
                             left=result["unanswered"])


def starved(settings):
    """The limit on descriptors falls to what is in use, while clients keep coming."""
    with Scene(settings, news=False) as scene:
        pid = scene.server.process.pid
        scene.quiet(settings.seconds)
        usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        with scene.attackers(FLOOD, 170, addresses=200, at_once=1_000, rate=500) as crowd:
            time.sleep(0.2)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (scene.descriptors() // 2, usual[1]))
            time.sleep(0.5)
            cpu, began = cpu_ns([pid]), time.monotonic()
            scene.attacked(settings.seconds)
            cpu = (cpu_ns([pid]) - cpu) / 1e9 / (time.monotonic() - began)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
            back = time.monotonic()
            position_of(scene)
            back = time.monotonic() - back
            crowd.finish()
        if not scene.metrics()["crier_accept_starved_total"]:
            raise Failed("the daemon was never starved")
        return scene.figures(share=(cpu - scene.found["quiet_cpu"]) * 100, back=back * 1e3)


ATTACKS = [
    Attack("slow heads", slow_heads, [
        Row("held", "half heads held, least at any time", 10_000, at_least=True, timed=True),
        Row("told", "half heads ended with 408", 1, at_least=True),
        Row("life", "longest life of a half head beyond `limits.pending_seconds_max`", 1, unit="s",
            digits=2, timed=True),
        *common(event=5, new=5)]),
    Attack("more slow heads than may wait", slow_heads_above_the_cap, [
        Row("pending", "requests that wait, of 1,000 that may", 1_000), *common()]),
    Attack("stopped readers", stopped_readers, [
        Row("uncut", "stopped streams not ended", 0),
        Row("late", "until the last one is ended, beyond `limits.owing_seconds_max` + 8 s", 0.5,
            unit="s", digits=1, timed=True),
        Row("each", "memory of a stopped stream, user and kernel", 512, unit="KiB", digits=1),
        Row("added", "added to the p99 of an event to a healthy stream", 5, unit="ms", digits=1,
            timed=True),
        *common()]),
    Attack("flood from one address", flood_from_one, [
        Row("rate", "connections per second", 20_000, at_least=True, timed=True),
        Row("busy", "requests refused by `crier.busy`", 1, at_least=True),
        Row("opened", "streams beyond the cap", 0),
        Row("cpu", "processor time of a refused request", unit="µs", digits=1, timed=True),
        Row("broken_rate", "with a breaker: connections per second", 20_000, at_least=True,
            timed=True),
        Row("broken_closed", "connections closed by the breaker", 1, at_least=True),
        Row("broken_refused", "with a breaker: healthy clients refused, events lost", 0),
        Row("broken_event_ratio", "with a breaker: event to a healthy stream, p99, to quiet", 1.5,
            unit="×", digits=2, timed=True, beside=("broken_event", "broken_quiet_event")),
        Row("cpu_ratio", "processor time of a connection that the breaker closes, to refused",
            0.33, unit="×", digits=2, timed=True),
        *common(event_ratio=1.5)]),
    Attack("flood from 10,000 addresses", flood_from_many, [
        Row("rate", "connections per second", timed=True),
        Row("opened", "streams opened", 1, at_least=True), *common()]),
    Attack("reconnect storm", storm, [
        Row("missed", "streams that missed an event, of 15,000", 0),
        Row("seconds", "until all have what they missed", 10, unit="s", digits=1, timed=True),
        answered(50), *common()]),
    Attack("connect and reset", broken_off, [
        Row("sent", "connections reset", 1, at_least=True),
        Row("left", "descriptors left", 0),
        Row("late", "until the last is free", 100, unit="ms", timed=True), *common()]),
    Attack("clients that leave (FIN)", left, [
        Row("clients", "streams that were left", 1, at_least=True),
        Row("closed", "from FIN until the daemon has closed, longest", 100, unit="ms", timed=True),
        Row("waiting", "sockets in CLOSE_WAIT", 0), Row("left", "streams still open", 0),
        *common()]),
    Attack("no descriptors", starved, [
        Row("share", "more of a processor than quiet", 5, unit="%", digits=1, timed=True),
        Row("back", "first new stream after the limit is raised", 100, unit="ms", timed=True),
        *common(news=False)]),
]
