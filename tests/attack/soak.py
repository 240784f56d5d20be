#!/usr/bin/env python3
"""Random operations for an hour, on limits so small that each is reached often. Prints the daemon's
memory, how fast it grows, and the sums of `crier check`.

    tests/attack/soak.py [--crier PATH] [--minutes 65] [--warm-up 15] [--rate 300] [--samples FILE]

Ends with 1 if resident memory surely grows by more than 1 MB an hour after the warm-up.
"""
import argparse
import json
import os
import random
import re
import selectors
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from types import SimpleNamespace

from scene import Scene, post, publisher, stream_request  # Finds the modules of tests/bench.
from measure import resident
from run import ROOT
from targets import Crier

KNOBS = {f"{section}.{key}": value for section, values in {
    "subscribe": {"patterns": "allow"},
    "admin": {"debug": "true", "connections_max": 4},
    "publish": {"connections_max": 8, "idempotency_keys_max": 2_000, "idempotency_seconds_max": 60},
    "limits": {"streams_per_address_max": 120, "streams_per_topic_max": 120, "patterns_max": 30,
               "topics_max": 800, "topics_per_stream_max": 8, "event_bytes_max": 65_536,
               "request_bytes_max": 262_144, "owed_bytes_max": 65_536, "owed_events_max": 32,
               "owed_total_bytes_max": 1_048_576, "ring_bytes_max": 1_048_576, "memory_max": "1G",
               "replay_bytes_in_flight_max": 65_536, "pending_requests_max": 40,
               "pending_seconds_max": 3, "stream_seconds_max": 120, "requests_per_address": 40,
               "requests_per_address_burst": 80, "breaker_seconds": 1},
    "history": {"bytes_max": 4_194_304, "topic_bytes_max": 524_288, "age_seconds_max": 120},
}.items() for key, value in values.items()} | {"topics": json.dumps([
    {"match": "newest.>", "policy": "conflate"},
    {"match": "strict.>", "policy": "disconnect", "events_max": 5},
    {"match": "recent.>", "policy": "drop-oldest", "rate": 20}])}
RELOADED = [{"history": {"events_max": most}, "socket": {"send_buffer_bytes": 2**14 + most},
             "limits": {"owing_seconds_max": most // 4}} for most in (30, 40)]
PAGES = ("/metrics", "/debug/streams", "/debug/topics", "/debug/config")


class Daemon(Crier):
    def command(self):
        self.configure(RELOADED[0])
        return [*super().command(), "--config", self.dir + "/crier.json"]

    def configure(self, config):
        with open(self.dir + "/crier.json", "w") as file:
            json.dump(config, file)


class Operations:
    def __init__(self, server, dice):
        self.server, self.dice, self.done, self.ids = server, dice, 0, ["0"]
        self.streams, self.selector = {}, selectors.DefaultSelector()
        self.weights = {self.event: 50, self.lines: 4, self.close: 1, self.wrong: 2, self.open: 25,
                        self.leave: 20, self.half: 5, self.page: 1, self.reload: 0.02,
                        self.storm: 0.01}

    def topic(self):
        kind = self.dice.choice(("plain", "newest", "strict", "recent"))
        return f"{kind}.{int(self.dice.paretovariate(0.4)) % 20_000}"

    def data(self):
        return b"d" * min(65_536, int(self.dice.lognormvariate(6.5, 1.8)))

    def request(self, method, target, body=b"", fields=""):
        with publisher(self.server.publish_socket) as client:
            try:
                post(client, target, body, fields, method)
            except OSError:
                pass  # Refused in the middle of the body.

    def event(self):
        key = f"Idempotency-Key: {self.dice.randrange(10_000)}\r\n" * self.dice.randrange(2)
        self.request("POST", "/topics/" + self.topic(), self.data(), key)

    def lines(self):
        rows = [json.dumps({"topic": self.topic(), "data": "x" * self.dice.randrange(3_000)})
                for _ in range(self.dice.randrange(1, 60))]
        self.request("POST", "/publish", "\n".join(rows).encode(),
                     "Content-Type: application/x-ndjson\r\n")

    def wrong(self):
        self.request("POST", "/publish", self.data() * self.dice.randrange(9))

    def close(self):
        self.request("DELETE", f"/topics/{self.topic()}.ends")

    def connect(self, request):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        client.bind((f"127.0.1.{self.dice.randrange(1, 6)}", 0))
        client.settimeout(5)
        try:
            client.connect(("127.77.0.1", self.server.port))
            client.sendall(request.encode())
        except OSError:
            return client.close()
        client.setblocking(False)
        self.streams[client] = self.dice.random() < 0.9  # The others never read.
        if self.streams[client]:
            self.selector.register(client, selectors.EVENT_READ)

    def open(self):
        topics = [self.topic() + ".ends" * (i == 8) for i in range(self.dice.randrange(1, 10))]
        topics += self.dice.choices(("newest.*", f"*.{self.dice.randrange(50)}", "%3E"),
                                    k=self.dice.randrange(2))
        more = self.dice.choice(("", "&from=earliest", "&last=5", "&rate=5", "&padding=true"))
        self.connect(stream_request("&topic=".join(topics) + more, self.dice.randrange(2) * (
            f"Last-Event-ID: {self.dice.choice(self.ids)}\r\n")))

    def half(self):
        self.connect(stream_request("plain.1", "X: " + "y" * self.dice.randrange(9_000))[:-4])

    def leave(self):
        for client in list(self.streams)[:self.dice.randrange(2)]:
            self.drop(client)

    def drop(self, client):
        if self.streams.pop(client):
            self.selector.unregister(client)
        if self.dice.randrange(2):  # By a reset.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()

    def storm(self):
        for client in list(self.streams):
            self.drop(client)
            self.open()

    def page(self):
        page = f"http://{self.server.knobs['admin.listen']}{self.dice.choice(PAGES)}"
        urllib.request.urlopen(page, timeout=5).read()

    def reload(self):
        self.server.configure(self.dice.choice(RELOADED))
        self.server.signal(1)

    def some(self, number):
        for operation in self.dice.choices(list(self.weights), self.weights.values(), k=number):
            operation()
        self.done += number
        for key, _ in self.selector.select(0):
            try:
                piece = key.fileobj.recv(65_536)
            except OSError:
                piece = b""
            if not piece:
                self.drop(key.fileobj)
            elif found := re.search(rb"id: (\S+)", piece):
                self.ids = self.ids[-500:] + [found[1].decode()]


def sample(server, since):
    """Seconds, resident and anonymous MB, and the account by part."""
    metrics = Scene.metrics(SimpleNamespace(server=server))
    parts = {name.split('"')[1]: value / 1e6 for name, value in metrics.items()
             if name.startswith("crier_memory_bytes{")}
    rss, anonymous = resident(server.pids())
    return {"seconds": time.monotonic() - since, "resident": rss / 1e6,
            "anonymous": anonymous / 1e6, **parts}


def slope(rows):
    """MB an hour, and twice its standard error, which allows for rows that resemble the last."""
    x, y = [row["seconds"] / 3_600 for row in rows], [row["resident"] for row in rows]
    rise, at = statistics.linear_regression(x, y)
    rest = [b - rise * a - at for a, b in zip(x, y)]
    alike = min(0.99, max(0, statistics.correlation(rest[1:], rest[:-1])))
    error = (sum(r * r for r in rest) / (len(rest) - 2) / statistics.variance(x) / (len(x) - 1) *
             (1 + alike) / (1 - alike)) ** 0.5
    return rise, 2 * error


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--crier", default=os.path.join(ROOT, ".build", "release", "crier"))
    for name, default in (("minutes", 65), ("warm-up", 15), ("rate", 300), ("seed", 0)):
        parser.add_argument("--" + name, type=float, default=default)
    parser.add_argument("--samples", default=os.devnull)
    settings = parser.parse_args()
    settings.knobs = {}
    seed = int(settings.seed) or int.from_bytes(os.urandom(4), "big")
    print("seed", seed, flush=True)
    rows, began = [], time.monotonic()
    with Daemon(settings, workers=2, streams_max=400, **KNOBS) as server, \
            open(settings.samples, "a", buffering=1) as samples:
        operations = Operations(server, random.Random(seed))
        while (now := time.monotonic() - began) < settings.minutes * 60:
            operations.some(max(0, min(50, int(now * settings.rate) - operations.done)))
            if now >= 10 * len(rows):
                rows.append(sample(server, began))
                print(json.dumps({"operations": operations.done, **rows[-1]}), file=samples)
            time.sleep(0.02)
        reached = [f"{name} {value:,.0f}" for name, value in
                   Scene.metrics(SimpleNamespace(server=server)).items()
                   if value and re.search(r"_total\{(reason|cause)", name)]
        command = [settings.crier, "check", "--verbose", *server.command()[2:-1]]
        checked = subprocess.run([*command, server.dir + "/crier.json"], capture_output=True)
    rows = [row for row in rows if row["seconds"] >= settings.warm_up * 60]
    rise, error = slope(rows)
    print("\n".join(reached), checked.stdout.decode(), f"{operations.done:,} operations", sep="\n")
    for key in rows[0]:
        print(f"{key:12} {min(row[key] for row in rows):8.2f} to "
              f"{max(row[key] for row in rows):8.2f}")
    print(f"resident: {rise:+.2f} ± {error:.2f} MB an hour")
    sys.exit(rise - error > 1)


if __name__ == "__main__":
    main()
