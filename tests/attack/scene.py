"""A daemon with healthy clients, and what attacks it over TCP.

Healthy are: streams of bench_load, which count every event; a publisher that waits for each 202;
and new streams that come all the time. What they notice in a quiet while is compared with what
they notice in an attack on the same daemon.
"""
import collections
import concurrent.futures
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from typing import Callable, Optional

BENCH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench")
sys.path.insert(1, BENCH)

from measure import Failed, Load, cpu_ns, resident  # noqa: E402
from targets import Crier  # noqa: E402

STREAMS, EVENTS, NEW, POSTS = 200, 50, 50, 50  # Healthy streams; the others a second.
# 16 lines a second of each message, of which there are two about refusals; a second of the clock
# may hold the lines of two such seconds.
LOG_LINES_MAX = 70


@dataclass
class Row:
    """One line of the table. What is `timed` depends on the machine's speed: only the full form
    judges it."""

    key: str
    name: str
    limit: Optional[float] = None
    at_least: bool = False
    unit: str = ""
    digits: int = 0
    timed: bool = False
    beside: tuple = ()  # Keys of figures that explain this one.


@dataclass
class Attack:
    name: str
    run: Callable  # (settings) -> {row key: figure}
    rows: list


def common(event_ratio=None, event=None, new=None, news=True, log=LOG_LINES_MAX):
    """Rows of every attack, with the limits that this one has."""
    rows = [
        Row("refused", "healthy clients refused or ended, events lost or repeated", 0),
        Row("log", "log lines within a second, most", log),
        Row("event_ratio", "event to a healthy stream, p99, to quiet", event_ratio, unit="×",
            digits=2, timed=True, beside=("event", "quiet_event")),
    ]
    if event:
        rows.append(Row("event", "event to a healthy stream, p99", event, unit="ms", digits=1,
                        timed=True))
    if news:
        rows.append(Row("new", "connect to `crier.open` of a healthy client, p99", new, unit="ms",
                        digits=1, timed=True, beside=("new", "quiet_new")))
    return rows


def answered(limit=None):
    return Row("answer", "202 of a healthy publisher, p99", limit, unit="ms", digits=1, timed=True,
               beside=("answer", "quiet_answer"))


def stream_request(topic, fields=""):
    return (f"GET /events?topic={topic} HTTP/1.1\r\nHost: attack\r\nAccept: text/event-stream\r\n"
            f"{fields}\r\n")


class Connections:
    """Processes of attack_connections, which share `at_once` and `rate` evenly. Each has addresses
    of its own: 127.NET.0.1 and following, the next process 127.NET+1.0.1 and so on."""

    def __init__(self, settings, server, request, net, processes=1, at_once=64, rate=1_000,
                 seconds=60, **options):
        words = [f"--{key.replace('_', '-')}={value}".split("=", 1)
                 for key, value in options.items()]
        self.processes, self.lines = [], []
        for i in range(processes):
            # What is attacked has the processor first, as if attackers were other machines.
            process = subprocess.Popen(
                ["nice", "-n", "0" if net == HEALTHY_NET else "10", settings.connections,
                 "--connect", server.address, "--from", f"127.{net + i}.0.1",
                 "--at-once", str(at_once // processes), "--rate", str(rate / processes),
                 "--seconds", str(seconds), *(word for pair in words for word in pair)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            process.stdin.write(request)
            process.stdin.close()
            self.processes.append(process)
        self.result = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.finish()

    def all_there(self):
        """Waits until all connections are held, or complete. False: that was never so."""
        self.lines = [process.stdout.readline() for process in self.processes]
        return self.lines == ["all\n"] * len(self.processes)

    def finish(self, early=True):
        """What became of all connections; ends them, if need be before their time."""
        if self.result is None:
            self.result = collections.Counter()
            for i, process in enumerate(self.processes):
                if early:
                    process.terminate()
                text = "".join(self.lines[i:i + 1]) + process.stdout.read()
                process.stdout.close()
                if process.wait() != 0:
                    raise Failed("attack_connections failed")
                for key, value in json.loads(text.splitlines()[-1]).items():
                    if key == "outcomes":
                        self.result.update({f"outcome {k}": n for k, n in value.items()})
                    elif key.endswith("_ns"):
                        self.result[key] = max(self.result[key], value)
                    else:
                        self.result[key] += value
        return self.result

    def rate(self):
        result = self.finish()
        failed = result["outcome Cannot assign requested address"]
        return (result["started"] - failed) / result["elapsed_ns"] * 1e9


HEALTHY_NET = 200


class Publisher(threading.Thread):
    """Publishes an event at a time, each once the one before was answered: on one connection, or
    each on a new one."""

    def __init__(self, path, anew=False):
        super().__init__(daemon=True)
        self.path, self.anew = path, anew
        self.times, self.failed = [], 0
        self.connection = publisher(path)
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(1 / POSTS):
            began = time.monotonic()
            try:
                if self.anew:
                    self.connection.close()
                    self.connection = publisher(self.path)
                answer = post(self.connection, "/topics/lone", b"one")
                if not answer.startswith(b"HTTP/1.1 202 "):
                    raise OSError(answer[:40])
                self.times.append(time.monotonic() - began)
            except OSError:
                self.failed += 1

    def finish(self):
        """The p99 of its answers, in ms."""
        self.over.set()
        self.join()
        self.connection.close()
        self.times.sort()
        return self.times[int(len(self.times) * 0.99)] * 1e3 if self.times else float("inf")


def publisher(path, seconds=10):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(seconds)
    connection.connect(path)
    return connection


def post(connection, target, body, fields="", method="POST"):
    connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: attack\r\n{fields}"
                       f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection.recv(4096)


class Scene:
    """A daemon and its healthy clients: a context manager. quiet(), then an attack, attacked() in
    the middle of it, and figures() at the end."""

    def __init__(self, settings, hz=EVENTS, size=64, news=True, **knobs):
        self.settings, self.hz, self.size, self.news = settings, hz, size, news
        self.server = Crier(settings, workers=2, streams_max=knobs.pop("streams_max", 16_000),
                            **knobs)
        self.load = None
        self.publishers = []  # Connected before the attack, one for each call of watch().
        self.found = {}

    def __enter__(self):
        self.server.__enter__()
        try:
            self.load = self.another_load()
            self.load.group("healthy", STREAMS, processes=1)
            self.load.open("healthy", STREAMS)
            self.load.burst("healthy", 1, self.size)
            self.publishers = [Publisher(self.server.publish_socket) for _ in range(3)]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.load is not None:
            self.load.__exit__()
        self.server.__exit__()

    def another_load(self):
        return Load(self.settings.load, self.server)

    def attackers(self, request, net, **options):
        return Connections(self.settings, self.server, request, net, **options)

    def quiet(self, seconds):
        found = self.watch(seconds)
        self.found |= {f"quiet_{key}": value for key, value in found.items()}
        self.found["began"] = len(self.log())

    def attacked(self, seconds):
        found = self.watch(seconds)
        before = self.found
        found["refused"] += before.get("refused", before["quiet_refused"])
        for key in ("event", "new", "answer"):
            found[key] = max(found[key], before.get(key, 0))
        self.found |= found
        self.found["event_ratio"] = found["event"] / self.found["quiet_event"]

    def watch(self, seconds):
        """What healthy clients notice for so long. Times in ms."""
        cpu, began = cpu_ns(self.server.pids()), time.monotonic()
        lone = self.publishers.pop()
        lone.start()
        new = self.attackers(stream_request("healthy"), HEALTHY_NET, addresses=200, seconds=seconds,
                             rate=NEW) if self.news else None
        done = self.load.ask(f"rate seconds={seconds} size={self.size} within=20 "
                             f"healthy={self.hz}", seconds + 50)["groups"][0]
        cpu = (cpu_ns(self.server.pids()) - cpu) / 1e9 / (time.monotonic() - began)
        came = new.finish(early=False) if new else collections.Counter()
        wrong = sum(done[key] for key in ("lost", "duplicates", "strays", "ended", "posts_failed",
                                       "unanswered"))
        wrong += max(0, done["expected"] - done["received"])
        answer = lone.finish()
        not_served = came["started"] - came["outcome opened"]
        return {"event": done["each_p99_ns"] / 1e6, "new": came["p99_ns"] / 1e6, "answer": answer,
                "refused": wrong + lone.failed + not_served, "cpu": cpu}

    @contextlib.contextmanager
    def attacked_meanwhile(self, seconds):
        """attacked() in a thread of its own; yields what tells whether it goes on."""
        with concurrent.futures.ThreadPoolExecutor(1) as executor:
            watching = executor.submit(self.attacked, seconds)
            yield lambda: not watching.done()
            watching.result()

    def log(self):
        return self.server.output().splitlines()

    def figures(self, **more):
        """Requires that the daemon still serves, and all streams that were there from the start."""
        reached = self.load.burst("healthy", 1, self.size)["received"]
        self.found["refused"] += STREAMS - reached
        seconds = collections.Counter(line[:19] for line in self.log()[self.found["began"]:])
        self.found["log"] = max(seconds.values(), default=0)
        self.found["disagreements"] = self.metrics()["crier_parser_disagreement_total"]
        with urllib.request.urlopen(f"http://{self.server.address}/healthz", timeout=5) as answer:
            if answer.status != 200:
                raise Failed("the daemon no longer serves")
        return {**self.found, **more}

    def metrics(self):
        address = self.server.knobs["admin.listen"]
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in
                (line.rpartition(" ") for line in lines if not line.startswith("#"))}

    def wait_for(self, what, condition, seconds=10):
        """Returns after how many seconds the condition held."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() > began + seconds:
                raise Failed(f"not within {seconds} s: {what}")
            time.sleep(0.005)
        return time.monotonic() - began

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def memory(self):
        return resident(self.server.pids())[0] / 2**20
