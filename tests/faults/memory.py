"""The kernel's limit on memory: a daemon in a small control group, and clients that fill memory."""

import contextlib
import json
import os
import re
import socket
import threading
import time
import urllib.error
import urllib.request

from cases import Skip, check, publish, read_until, subscribe
from daemon import Daemon, own_address

MIB = 2**20
GROUP_MIB = 96
TOPICS = 4               # Few, so that a stream is owed much.
STOPPED = 200            # Streams that never read, half of which ask for the history.
ATTACK_SECONDS = 3       # And until both refusals were seen, but not for longer than
PATIENCE_SECONDS = 15
CALM_SECONDS_MAX = 40    # From the end of the attack until the daemon is ready.
# Bytes of data and lines of the bodies that publishers send: each again and again.
BODIES = ((1_000, 3_000), (200_000, 30), (1_000_000, 1), (60_000, 120))
# No limit but that of the memory holds.
SETTINGS = ["workers.count=2", "limits.streams_max=1000", f"history.bytes_max={8 * MIB}",
            "history.events_max=50000", "publish.idempotency_keys_max=0",
            "limits.event_bytes_max=1048576", "limits.owed_bytes_max=67108864",
            "limits.owed_total_bytes_max=4294967296",
            "limits.owed_events_max=65536", "limits.owing_seconds_max=3600"]


class Group:
    """A control group with a limit, of version 1 or 2, for as long as its `with` lasts."""

    def __init__(self, mib):
        first = "/sys/fs/cgroup/memory/memory.limit_in_bytes"
        self.version = 1 if os.path.exists(first) else 2
        parent = os.path.dirname(first) if self.version == 1 else "/sys/fs/cgroup"
        self.path = f"{parent}/crier-faults-{os.getpid()}"
        try:
            os.mkdir(self.path)
        except OSError as error:
            raise Skip(f"no control group may be made here: {error}") from None
        try:
            name = "limit_in_bytes" if self.version == 1 else "max"
            with open(f"{self.path}/memory.{name}", "w") as file:
                file.write(str(mib * MIB))
        except OSError as error:
            os.rmdir(self.path)
            raise Skip(f"no memory limit may be set here: {error}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.rmdir(self.path)

    def enter(self):
        with open(f"{self.path}/cgroup.procs", "w") as file:
            file.write(str(os.getpid()))

    def used(self):
        name = "usage_in_bytes" if self.version == 1 else "current"
        with open(f"{self.path}/memory.{name}") as file:
            return int(file.read())

    def kills(self):
        name = "oom_control" if self.version == 1 else "events"
        with open(f"{self.path}/memory.{name}") as file:
            return int(re.search(r"^oom_kill (\d+)", file.read(), re.M)[1])


class Attack:
    def __init__(self, daemon):
        self.daemon = daemon
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.met = dict.fromkeys(("publishers get 503", "new streams get crier.busy"), 0)
        self.stopped = []
        self.threads = [threading.Thread(target=self.subscribe)]
        self.threads[0].start()
        while len(self.stopped) < STOPPED and self.threads[0].is_alive():
            time.sleep(0.01)
        for body in BODIES:
            self.threads.append(threading.Thread(target=self.publish, args=body))
            self.threads[-1].start()

    def publish(self, size, lines):
        rows = ({"topic": f"t.{i % TOPICS}", "data": "x" * size} for i in range(lines))
        body = "\n".join(map(json.dumps, rows)).encode()
        while not self.over.is_set():
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(self.daemon.socket)
                client.sendall(b"POST /publish HTTP/1.1\r\nHost: a\r\n"
                               b"Content-Type: application/x-ndjson\r\n"
                               b"Content-Length: %d\r\n\r\n" % len(body) + body)
                if client.recv(4096).startswith(b"HTTP/1.1 503"):
                    self.meet("publishers get 503")

    def subscribe(self):
        count = 0
        while not self.over.is_set():
            with contextlib.suppress(OSError):
                client = socket.socket()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.settimeout(10)
                client.connect((self.daemon.host, 8080))
                client.send(f"GET /events?topic=t.{count % TOPICS}{'&from=earliest' * (count % 2)} "
                            "HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n".encode())
                if b"crier.busy" in client.recv(600):
                    self.meet("new streams get crier.busy")
                elif len(self.stopped) < STOPPED:
                    self.stopped.append(client)
                    continue
            client.close()
            time.sleep(0.02)

    def meet(self, what):
        with self.lock:
            self.met[what] += 1

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        for client in self.stopped:
            client.close()


def is_ready(daemon):
    with contextlib.suppress(urllib.error.HTTPError):
        return urllib.request.urlopen(f"http://{daemon.host}:8081/readyz", timeout=20).status == 200
    return False


def filled(daemon, group, attack):
    """Attacks until publishers and new streams were refused; returns the most that was used."""
    most = 0
    began = time.monotonic()
    while (seconds := time.monotonic() - began) < PATIENCE_SECONDS:
        daemon.check()
        most = max(most, group.used())
        if seconds > ATTACK_SECONDS and all(attack.met.values()):
            break
        time.sleep(0.05)
    check(all(attack.met.values()), f"seen: {attack.met}")
    return most


def memory_that_is_filled(crier):
    """The daemon meets the limit by itself, and the kernel kills nobody."""
    with Group(GROUP_MIB) as group:
        daemon = Daemon(crier, own_address(16), SETTINGS, enter=group.enter)
        try:
            daemon.wait_until_ready()
            [healthy] = subscribe(daemon, "healthy", 1)
            attack = Attack(daemon)
            try:
                most = filled(daemon, group, attack)
            finally:
                attack.end()
            began = time.monotonic()
            while not is_ready(daemon):
                daemon.check()
                check(time.monotonic() < began + CALM_SECONDS_MAX, "not ready again")
                time.sleep(0.1)
            seconds = time.monotonic() - began
            publish(daemon, "healthy")
            read_until(healthy, b"\ndata: x", 5)
            subscribe(daemon, "healthy", 1)
            check(group.kills() == 0, "the kernel killed a process")
        finally:
            code = daemon.stop()
    check(code == 0, f"exit code {code}")
    return (f"version {group.version}, at most {most / MIB:.0f} of {GROUP_MIB} MiB; " +
            ", ".join(f"{what} {times:.0f} times" for what, times in attack.met.items()) +
            f"; ready again after {seconds:.0f} s")
