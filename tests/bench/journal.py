#!/usr/bin/env python3
"""What the journal costs, beside Redis (if redis-server is installed) and a bare disk.

    tests/bench/journal.py [--crier PATH] [--directory DIR] [--runs 5] [--only publish|one|start]

publish: one connection, 20,000 publishes of 200 bytes, 1,024 outstanding. Redis: XADD into one
         stream with `appendfsync always`, 256 and 1,024 outstanding, by the same client.
one:     one publish at a time, beside write and fdatasync of 4 KiB in a file that exists; 50 of
         each in turn, so that all meet the same disk.
start:   from nothing in the page cache to the first answer, with 1,000,000 events of 200 bytes on
         10,000 topics; resident memory.

All files are in DIR, whose disk is measured (default: the folder of crier).
"""
import argparse
import collections
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from daemon import Daemon, own_address  # noqa: E402

PUBLISHES, OUTSTANDING, EVENT_BYTES, BATCH = 20_000, 1_024, 200, 256
ONE_BY_ONE, CHUNK, BLOCK = 2_000, 50, bytes(4_096)
KINDS = ("memory", "commit", "interval")
START_EVENTS, START_TOPICS, LINES = 1_000_000, 10_000, 5_000


def connected(to):
    """`to` is a path, or a host and a port."""
    sock = socket.socket(socket.AF_UNIX if isinstance(to, str) else socket.AF_INET)
    sock.settimeout(60)
    sock.connect(to)
    return sock


def pipelined(to, requests, outstanding, mark):
    """Returns requests a second and p99 of their answers in µs. `mark` is what each answer has
    once."""
    unanswered = collections.deque()  # Requests that were sent at once: how many, when.
    waits = []                        # How long, and how many requests did.
    with connected(to) as sock:
        sent = answered = 0
        tail = b""
        began = time.perf_counter()
        while answered < len(requests):
            until = min(answered + outstanding, len(requests))
            if until - sent >= min(outstanding // 4, len(requests) - sent) and until > sent:
                unanswered.append([until - sent, time.perf_counter()])
                sock.sendall(b"".join(requests[sent:until]))
                sent = until
            data = tail + sock.recv(1 << 18)
            now = time.perf_counter()
            count = data.count(mark)
            answered += count
            while count > 0:
                these = min(count, unanswered[0][0])
                waits.append((now - unanswered[0][1], these))
                unanswered[0][0] -= these
                count -= these
                if unanswered[0][0] == 0:
                    unanswered.popleft()
            counted = data.rfind(mark) + len(mark) if mark in data else 0
            tail = data[max(counted, len(data) - len(mark) + 1):]
            if b"HTTP/1.1 5" in data or b"-ERR" in data:
                raise RuntimeError(data[:300])
        took = time.perf_counter() - began
    waits.sort(reverse=True)
    slower = len(requests) // 100
    for wait, count in waits:
        slower -= count
        if slower < 0:
            break
    return len(requests) / took, wait * 1e6


def written(directory):
    """The same for batches of 256 events in a file that exists, with a sync after each."""
    block = b"".join(map(payload, range(BATCH)))
    with preallocated(directory, len(block) * PUBLISHES // BATCH) as fd:
        times = timed_writes(fd, block, PUBLISHES // BATCH)
    return PUBLISHES / sum(times), percentiles(times)[1]


def publish_request(data):
    return (b"POST /topics/bench HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"
            % (len(data), data))


def redis_request(data):
    words = [b"XADD", b"bench", b"*", b"data", data]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def payload(n):
    return (b"%d " % n).ljust(EVENT_BYTES, b"x")


class Crier:
    """A daemon with its journal in the directory that is measured."""

    def __init__(self, options, kind, settings=(), n=99):
        self.directory = tempfile.mkdtemp(prefix="crier-bench-", dir=options.directory)
        if kind != "memory":
            settings = ["journal.kind=sqlite", f"journal.path={self.directory}/journal.db",
                        f"journal.sync={kind}", *settings]
        self.daemon = Daemon(options.crier, own_address(n), ["workers.count=1", *settings])

    def __enter__(self):
        self.daemon.wait_until_serving()
        return self.daemon

    def __exit__(self, *_):
        self.daemon.stop()
        shutil.rmtree(self.directory)


class Redis:
    def __init__(self, options):
        self.directory = tempfile.mkdtemp(prefix="crier-bench-", dir=options.directory)
        self.socket = os.path.join(tempfile.gettempdir(), f"crier-bench-redis-{os.getpid()}")
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.directory,
             "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
            stdout=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(500):
            if os.path.exists(self.socket):
                break
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.directory)


def spread(figures, digits=0):
    ordered = sorted(figures)
    return (f"{statistics.median(ordered):,.{digits}f} "
            f"({ordered[0]:,.{digits}f}–{ordered[-1]:,.{digits}f})")


def publish(options):
    requests = [publish_request(payload(n)) for n in range(PUBLISHES)]
    redis_requests = [redis_request(payload(n)) for n in range(PUBLISHES)]
    found = {}
    for _ in range(options.runs):
        for kind in options.kinds:
            with Crier(options, kind) as daemon:
                found.setdefault(kind, []).append(
                    pipelined(daemon.socket, requests, OUTSTANDING, b"HTTP/1.1 202"))
        found.setdefault(f"write {BATCH} + fdatasync", []).append(written(options.directory))
        if shutil.which("redis-server"):
            for outstanding in (BATCH, OUTSTANDING):
                with Redis(options) as redis:
                    found.setdefault(f"redis -P {outstanding}", []).append(
                        pipelined(redis.socket, redis_requests, outstanding, b"$"))
    for name, figures in found.items():
        ratios = [f[0] / m[0] for f, m in zip(figures, found["memory"])]
        print(f"publish {name}: {spread([f[0] for f in figures])} /s, "
              f"{spread(ratios, 2)} × memory, p99 {spread([f[1] / 1000 for f in figures], 1)} ms")


def percentiles(times):
    ordered = sorted(times)
    return [ordered[len(ordered) * p // 1000] * 1e6 for p in (500, 990)]


def publish_one_by_one(sock):
    times = []
    for n in range(CHUNK):
        request = publish_request(payload(n))
        began = time.perf_counter()
        sock.sendall(request)
        if b" 202 " not in sock.recv(4096):
            raise RuntimeError("not acknowledged")
        times.append(time.perf_counter() - began)
    return times


@contextlib.contextmanager
def preallocated(directory, size):
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        file.write(bytes(size))
        file.flush()
        os.fsync(file.fileno())
        yield file.fileno()


def timed_writes(fd, block, count):
    times = []
    for n in range(count):
        began = time.perf_counter()
        os.pwrite(fd, block, n * len(block))
        os.fdatasync(fd)
        times.append(time.perf_counter() - began)
    return times


def one(options):
    found = {}
    with contextlib.ExitStack() as stack:
        fd = stack.enter_context(preallocated(options.directory, len(BLOCK) * CHUNK))
        ways = {"write + fdatasync": lambda: timed_writes(fd, BLOCK, CHUNK)}
        for n, kind in enumerate(options.kinds):
            daemon = stack.enter_context(Crier(options, kind, n=90 + n))
            sock = stack.enter_context(connected(daemon.socket))
            ways[kind] = lambda sock=sock: publish_one_by_one(sock)
        for _ in range(options.runs):
            times = {name: [] for name in ways}
            for _ in range(ONE_BY_ONE // CHUNK):
                for name, way in ways.items():
                    times[name] += way()
            for name in ways:
                found.setdefault(name, []).append(percentiles(times[name]))
    bare = found["write + fdatasync"]
    for name, figures in found.items():
        parts = []
        for i, percentile in enumerate(("p50", "p99")):
            values = [figure[i] for figure in figures]
            ratios = [value / floor[i] for value, floor in zip(values, bare)]
            parts.append(f"{percentile} {spread(values)} µs, {spread(ratios, 2)} × bare")
        print(f"one {name}: {'; '.join(parts)}")


def resident_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Rss:"):
                return int(line.split()[1]) / 1024
    raise RuntimeError("no Rss")


def publish_lines(path):
    with connected(path) as sock:
        for first in range(0, START_EVENTS, LINES):
            body = "".join(
                json.dumps({"topic": f"topics.{n % START_TOPICS}", "data": payload(n).decode()})
                + "\n" for n in range(first, first + LINES)).encode()
            sock.sendall(b"POST /publish HTTP/1.1\r\nHost: a\r\n"
                         b"Content-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n"
                         % len(body) + body)
            if b" 202 " not in (answer := sock.recv(4096)):
                raise RuntimeError(answer)


def forget_pages(directory):
    for name in os.listdir(directory):
        with open(os.path.join(directory, name), "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def start(options):
    gib = 1 << 30
    crier = Crier(options, "commit", [f"history.bytes_max={gib}", f"journal.bytes_max={4 * gib}",
                                      "history.age_seconds_max=86400"])
    with crier as daemon:
        began = time.perf_counter()
        publish_lines(daemon.socket)
        print(f"start: published after {time.perf_counter() - began:.1f} s, "
              f"{resident_mb(daemon.pid):,.0f} MB resident")
        seconds = []
        for _ in range(options.runs):
            daemon.process.terminate()
            daemon.process.wait()
            size = sum(os.path.getsize(os.path.join(crier.directory, name))
                       for name in os.listdir(crier.directory))
            forget_pages(crier.directory)
            began = time.perf_counter()
            daemon.spawn()
            daemon.wait_until_serving(60)
            seconds.append(time.perf_counter() - began)
            memory = resident_mb(daemon.pid)
        with connected(daemon.socket) as sock:
            sock.sendall(b"GET /topics/topics.17 HTTP/1.1\r\nHost: a\r\n\r\n")
            print("start: one topic:", sock.recv(4096).decode().partition("\r\n\r\n")[2].strip())
    print(f"start: {spread(seconds, 2)} s to the first answer, {memory:,.0f} MB resident, "
          f"{size / 1e6:,.0f} MB of files")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crier", default=str(HERE.parents[1] / ".build/release/crier"))
    parser.add_argument("--directory")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--kinds", nargs="*", default=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=("publish", "one", "start"))
    options = parser.parse_args()
    options.directory = options.directory or os.path.dirname(os.path.realpath(options.crier))
    for measure in (publish, one, start):
        if options.only in (None, measure.__name__):
            measure(options)


if __name__ == "__main__":
    main()
