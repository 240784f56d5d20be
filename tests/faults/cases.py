"""Faults that last: no descriptors, a full log, a clock that jumps, peers that fall silent.

Each case returns its figures, or raises; Skip where the machine lacks what it needs.
"""

import contextlib
import ctypes
import glob
import multiprocessing
import os
import resource
import shutil
import socket
import subprocess
import time
import urllib.request

from daemon import Daemon, own_address
from load import SETTINGS, Load
from strace import Injection

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
CPU_SHARE_MAX = 0.05       # Of a processor, while starved.
ACCEPT_PAUSE_SECONDS = 0.05  # After an accept that found no descriptor: kStarvedPauseMs.
BACK_SECONDS_MAX = 0.1     # From the first free descriptor to the first answer.
DEAD_SECONDS_MAX = {"busy": 90, "idle": 120}


class Skip(Exception):
    pass


def check(condition, what):
    if not condition:
        raise AssertionError(what)


@contextlib.contextmanager
def serving(crier, host, settings=(), at_rest=True, **more):
    """A daemon and its load; at the end it must have no descriptor left over, and stop."""
    daemon = Daemon(crier, host, [*SETTINGS, "workers.count=1", *settings], **more)
    try:
        load = Load(daemon)
        load.settle(at_rest)
        yield daemon, load
        check(load.close(), f"{daemon.descriptors()} descriptors without clients")
    except BaseException:
        daemon.stop()
        raise
    check(daemon.stop() == 0, "exit code")


class Callers:
    """Clients that connect, ask for /healthz and are closed, each again and again."""

    def __init__(self, address, count):
        self.address = address
        self.answered = 0
        self.waiting = [None] * count
        self.turn()

    def turn(self):
        for i, sock in enumerate(self.waiting):
            if sock is None:
                sock = socket.socket(socket.AF_UNIX if isinstance(self.address, str)
                                     else socket.AF_INET)
                sock.connect(self.address)
                sock.setblocking(False)
                self.waiting[i] = sock
                try:
                    sock.send(HEALTH)
                except OSError:
                    pass  # Closed already; the next turn reads it.
                continue
            try:
                data = sock.recv(4096)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            self.answered += data.startswith(b"HTTP/1.1")
            sock.close()
            self.waiting[i] = None

    def close(self):
        for sock in self.waiting:
            if sock is not None:
                sock.close()


def while_calling(load, callers, done, seconds):
    """Serves everybody until done(), and publishes now and then on an old connection."""
    published = 0.0

    def turn():
        nonlocal published
        for each in callers:
            each.turn()
        if time.monotonic() - published > 0.2 and not load.publishers[0].unanswered:
            published = time.monotonic()
            load.publishers[0].publish()
        return done()

    return load.run(turn, seconds)


def starved_by_injection(crier, accepts):
    """The kernel has no descriptor for so many accepts in a row."""
    with serving(crier, own_address(10)) as (daemon, load):
        injection = Injection(daemon, "accept4", "error=EMFILE", f"1..{accepts}")

        def hits():
            injection.read()
            return len(injection.hits())

        load.wait(lambda: hits() or injection.attached(), "strace")
        callers = Callers((daemon.host, 8080), 20)
        began, cpu = time.monotonic(), daemon.cpu_ns()
        check(while_calling(load, [callers], lambda: hits() >= accepts, 60 + accepts / 5),
              f"{hits()} of {accepts} accepts failed")
        seconds = time.monotonic() - began
        share = (daemon.cpu_ns() - cpu) / 1e9 / seconds
        check(callers.answered == 0, "not starved")
        check(while_calling(load, [callers], lambda: callers.answered, 5), "no answer")
        back = time.monotonic() - began - seconds
        injection.detach()
        callers.close()
        load.starved_at = time.monotonic()
        load.settle()
    told = (f"{accepts} accepts in {seconds:.0f} s, {share:.2%} of a processor, "
            f"back after {back * 1000:.0f} ms")
    check(share <= CPU_SHARE_MAX and back <= BACK_SECONDS_MAX, told)
    return told


def starved_by_limit(crier, rounds):
    """RLIMIT_NOFILE has fallen to what is in use, while clients connect; then it rises again."""
    shares, backs = [], {"subscriber": [], "publisher": []}
    with serving(crier, own_address(11)) as (daemon, load):
        roomy = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        for i in range(rounds):
            used = ()
            while len(used) != load.base + load.connections():  # A file of /proc may be open.
                used = {int(fd) for fd in os.listdir(f"/proc/{daemon.pid}/fd")}
            free = next(n for n in range(len(used) + 1) if n not in used)
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (free, roomy[1]))
            callers = {"subscriber": Callers((daemon.host, 8080), 20),
                       "publisher": Callers(daemon.socket, 5)}
            began, cpu = time.monotonic(), daemon.cpu_ns()
            while_calling(load, callers.values(), lambda: False, 0.5 + 0.087 * i)
            seconds = time.monotonic() - began
            shares.append((daemon.cpu_ns() - cpu) / 1e9 / seconds)
            # Each time the subscriber port closes its spare descriptor to get rid of a connection,
            # a publisher may be accepted with that number first.
            check(callers["subscriber"].answered == 0 and
                  callers["publisher"].answered <= 1 + seconds / ACCEPT_PAUSE_SECONDS,
                  "not starved")
            began = time.monotonic()
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, roomy)
            callers["publisher"].answered = 0
            for name, each in callers.items():
                check(while_calling(load, callers.values(), lambda: each.answered, 5), "no answer")
                backs[name].append(time.monotonic() - began)
            for each in callers.values():
                each.close()
            load.starved_at = time.monotonic()
            load.settle()
    slowest = {name: max(times) for name, times in backs.items()}
    told = (f"{rounds} times, at most {max(shares):.2%} of a processor, back after at most: " +
            ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in slowest.items()))
    check(max(shares) <= CPU_SHARE_MAX and max(slowest.values()) <= BACK_SECONDS_MAX, told)
    return told


def log_on_a_full_disk(crier):
    """Nothing can be logged, not even the start."""
    with serving(crier, own_address(12), ["log.level=debug"], log="/dev/full") as (_, load):
        for _ in range(3):
            load.start()
            load.run(lambda: False, 0.3)
            load.settle()


def log_on_a_disk_that_is_full_for_a_while(crier):
    """The lines that found no room are counted in the first line that finds some."""
    with serving(crier, own_address(13)) as (daemon, load):
        load.start()
        injection = Injection(daemon, "write", "error=ENOSPC", "1+", [daemon.log])
        load.run(lambda: injection.read() or len(injection.hits()) >= 30, 10)
        injection.detach()
        check(len(injection.hits()) >= 10, "nothing was logged")
        check(load.run(lambda: "log lines lost" in daemon.text(), 5), "the loss is not told")
        load.settle()
        lost = daemon.text().split("log lines lost", 1)[1].split("lines=", 1)[1].split()[0]
    return f"{lost} lines lost and told"


def http_date(daemon):
    with urllib.request.urlopen(f"http://{daemon.host}:8080/healthz", timeout=5) as answer:
        return answer.headers["Date"]


def read_until(sock, text, seconds):
    sock.settimeout(seconds)
    data = b""
    while text not in data:
        more = sock.recv(65536)
        check(more, f"closed after {data[-80:]}")
        data += more
    return data


def quiet_stream(load):
    """A stream that gets nothing but heartbeats."""
    stream = socket.create_connection((load.daemon.host, 8080))
    stream.send(b"GET /events/quiet HTTP/1.0\r\n\r\n")
    read_until(stream, b"\n\n", 5)
    load.base += 1
    return stream


def faketime():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        raise Skip("apt-get install faketime")
    return found[0]


def clock_that_jumps(crier):
    """The wall clock jumps under load; the monotonic one goes on."""
    environment = {"LD_PRELOAD": faketime(), "FAKETIME_NO_CACHE": "1",
                   "FAKETIME_TIMESTAMP_FILE": "{directory}/clock",
                   "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    this_year = time.gmtime().tm_year
    jumps = {"+10y": this_year + 10, "-10y": this_year - 10, "@1970-01-01 00:00:01": 1970,
             "@2038-01-19 03:14:00": 2038, "+0": this_year}
    with serving(crier, own_address(14), ["heartbeat.interval_seconds=1"],
                 environment=environment) as (daemon, load):
        quiet = quiet_stream(load)
        for jump, year in jumps.items():
            load.start()
            load.run(lambda: False, 0.1)
            daemon.set_clock(jump)
            load.run(lambda: False, 0.2)
            load.settle()
            check(abs(int(http_date(daemon).split()[3]) - year) <= 1,
                  f"{jump}: {http_date(daemon)}")
            read_until(quiet, b":\n", 2.5)
            with socket.create_connection((daemon.host, 8080)) as late:
                late.send(b"GET /events/single?last=3 HTTP/1.0\r\n\r\n")
                read_until(late, b"\ndata: single", 5)  # The history has not aged.
            check(not any(note.startswith("crier.end") for note in load.notes), f"{load.notes}")
        quiet.close()
        load.base -= 1
    return f"{len(jumps)} jumps"


def clock_that_runs(crier):
    """Both clocks run 50 times as fast as the kernel's."""
    environment = {"LD_PRELOAD": faketime(), "FAKETIME": "+0 x50"}
    with serving(crier, own_address(15), at_rest=False, environment=environment) as (_, load):
        quiet = quiet_stream(load)
        for _ in range(5):
            load.start()
            load.run(lambda: False, 0.5)
            load.settle(at_rest=False)
        read_until(quiet, b":\n", 3)  # After 15 s by its clock.
        quiet.close()
        load.base -= 1


# --- dead peers ---

def in_network_of_its_own(function, crier):
    """Runs the case in a child process with a network of its own; returns what it returns."""
    results = multiprocessing.Queue()

    def child():
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:  # CLONE_NEWNET
                raise Skip("no network of its own may be made here")
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            results.put(function(crier))
        except Exception as problem:
            results.put(problem)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    result = results.get(timeout=300)
    process.join()
    if isinstance(result, Exception):
        raise result
    return result


def subscribe(daemon, topic, count):
    streams = []
    for _ in range(count):
        stream = socket.create_connection((daemon.host, 8080))
        stream.send(f"GET /events/{topic} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        streams.append(stream)
    for stream in streams:
        read_until(stream, b"crier.open", 5)
    return streams


def publish(daemon, topic):
    with socket.socket(socket.AF_UNIX) as publisher:
        publisher.connect(daemon.socket)
        publisher.send(f"POST /topics/{topic} HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
                       .encode())
        read_until(publisher, b"202", 5)


DROP = """table inet faults {
    chain input {
        type filter hook input priority 0;
        tcp dport 8080 drop
        tcp sport 8080 drop
    }
}
"""


def silent_peers(crier):
    counts = {"busy": 400, "idle": 300, "mute": 300}
    heartbeats = {"busy": 15, "idle": 15, "mute": 3600}
    daemons, bases, streams, freed = {}, {}, [], {}
    try:
        for i, name in enumerate(counts, 1):
            daemons[name] = Daemon(crier, own_address(20 + i), [
                *SETTINGS, "workers.count=1",
                f"heartbeat.interval_seconds={heartbeats[name]}"])
            bases[name] = daemons[name].wait_until_ready()
            streams += subscribe(daemons[name], "a", counts[name])
        subprocess.run(["nft", "-f", "-"], check=True, text=True, input=DROP)
        began = time.monotonic()
        while len(freed) < len(daemons) and time.monotonic() - began < 180:
            publish(daemons["busy"], "a")
            for name, daemon in daemons.items():
                daemon.check()
                if name not in freed and daemon.descriptors() == bases[name]:
                    freed[name] = time.monotonic() - began
            time.sleep(0.5)
    finally:
        codes = [daemon.stop() for daemon in daemons.values()]
    check(not any(codes), f"exit codes {codes}")
    check(len(freed) == len(daemons), f"freed: {freed}")
    told = (f"{len(streams)} streams; all freed after {freed['busy']:.0f} s with data, "
            f"{freed['idle']:.0f} s with heartbeats only, {freed['mute']:.0f} s with nothing sent")
    check(freed["busy"] <= DEAD_SECONDS_MAX["busy"], told)
    check(max(freed["idle"], freed["mute"]) <= DEAD_SECONDS_MAX["idle"], told)
    return told


def peers_that_fall_silent(crier):
    """1,000 clients whose packets are dropped in both directions, and no FIN comes."""
    if os.getuid() != 0 or not shutil.which("nft") or not shutil.which("ip"):
        raise Skip("needs root, ip and nft: apt-get install iproute2 nftables")
    return in_network_of_its_own(silent_peers, crier)


def all_cases(long):
    cases = [
        (f"no descriptor for {1000 if long else 60} accepts",
         lambda crier: starved_by_injection(crier, 1000 if long else 60)),
        ("a limit of open files that falls and rises",
         lambda crier: starved_by_limit(crier, 20 if long else 3)),
        ("a log on a full disk", log_on_a_full_disk),
        ("a log on a disk that is full for a while", log_on_a_disk_that_is_full_for_a_while),
        ("a wall clock that jumps by ten years", clock_that_jumps),
        ("clocks that run 50 times as fast", clock_that_runs),
    ]
    if long:
        cases.append(("peers that fall silent", peers_that_fall_silent))
    return cases

