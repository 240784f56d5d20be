#!/usr/bin/env python3
"""What a node adds to NATS alone: one node and one nats-server, each shape in turn.

    tests/bench/nats_node.py [--crier PATH] [--runs 3] [--events 2000] [--publishes 20000]

latency: 200 events/s of 200 bytes, one at a time, from the publish to one subscriber: of a node,
         and of a bare consumer of JetStream; beside them a node without a journal.
publish: 20,000 publishes of 200 bytes, 1,024 unanswered, until each is acknowledged: by a node, by
         JetStream itself, and by a node without a journal.

The same client does all. Needs `nats-server`; all is on 127.93.0.0/16.
"""
import argparse
import contextlib
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from daemon import Daemon  # noqa: E402
from journal import (EVENT_BYTES, OUTSTANDING, connected, payload, pipelined,  # noqa: E402
                     publish_request, spread)
from nats import Nats  # noqa: E402
from nats_feed import make_stream, start  # noqa: E402

SERVER, NODE, RATE = ("127.93.0.1", 4222), "127.93.0.9", 200


@contextlib.contextmanager
def node(options, kind):
    settings = ["workers.count=1", f"journal.kind={kind}"]
    if kind == "nats":
        settings.append(f'nats.servers=["nats://{SERVER[0]}:{SERVER[1]}"]')
    daemon = Daemon(options.crier, NODE, settings)
    try:
        daemon.wait_until_serving()
        yield daemon
    finally:
        daemon.stop()


def timed(sender, requests, subscriber):
    """Times from a request to the end of its event at the subscriber."""
    times, due = [], time.perf_counter()
    for n, request in enumerate(requests):
        due = max(due + 1 / RATE, time.perf_counter())
        time.sleep(max(0, due - time.perf_counter()))
        began, seen = time.perf_counter(), b""
        sender.sendall(request)
        while payload(n) not in seen:
            seen += subscriber.recv(1 << 16)
        times.append(time.perf_counter() - began)
        sender.recv(1 << 16)  # The acknowledgement.
    ordered = sorted(times)
    return [ordered[len(ordered) * p // 1000] * 1e6 for p in (500, 990)]


def node_latency(options, kind):
    with node(options, kind) as daemon, connected(daemon.socket) as sender:
        with socket.create_connection((NODE, 8080), timeout=60) as subscriber:
            subscriber.sendall(b"GET /events?topic=bench HTTP/1.1\r\nHost: a\r\n\r\n")
            seen = b""
            while b"crier.open" not in seen:
                seen += subscriber.recv(4096)
            requests = [publish_request(payload(n)) for n in range(options.events)]
            return timed(sender, requests, subscriber)


def js_request(client, n):
    return b"PUB b.bench %s.p %d\r\n%s\r\n" % (client.inbox.encode(), EVENT_BYTES, payload(n))


def bare_latency(options):
    sender, reader = Nats(*SERVER, seconds=60), Nats(*SERVER, seconds=60)
    reader.socket.sendall(f"SUB deliver{reader.inbox} 2\r\n".encode())
    reader.ask("$JS.API.CONSUMER.CREATE.B", {"stream_name": "B", "config": {
        "deliver_subject": f"deliver{reader.inbox}", "deliver_policy": "new", "ack_policy": "none",
        "mem_storage": True, "num_replicas": 1}})
    found = timed(sender.socket, [js_request(sender, n) for n in range(options.events)],
                  reader.socket)
    sender.close()
    reader.close()
    return found


def node_publish(options, kind):
    with node(options, kind) as daemon:
        return pipelined(daemon.socket,
                         [publish_request(payload(n)) for n in range(options.publishes)],
                         OUTSTANDING, b"HTTP/1.1 202")


def bare_publish(options):
    client = Nats(*SERVER)  # For the name of its inbox; the requests have their own connection.
    requests = [js_request(client, n) for n in range(options.publishes)]
    requests[0] = (b'CONNECT {"verbose":false}\r\nSUB %s.p 1\r\n' % client.inbox.encode()
                   + requests[0])
    client.close()
    return pipelined(SERVER, requests, OUTSTANDING, b"MSG %s.p " % client.inbox.encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crier", default=str(HERE.parents[1] / ".build/release/crier"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--publishes", type=int, default=20_000)
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="crier-nats-")
    servers = start(directory, 1)
    latencies = {"a node": lambda: node_latency(options, "nats"),
                 "JetStream": lambda: bare_latency(options),
                 "a node without a journal": lambda: node_latency(options, "memory")}
    publishes = {"a node": lambda: node_publish(options, "nats"),
                 "JetStream": lambda: bare_publish(options),
                 "a node without a journal": lambda: node_publish(options, "memory")}
    try:
        make_stream(1)
        found = {name: [] for name in latencies}
        answered = {name: [] for name in publishes}
        for _ in range(options.runs):
            for name, measure in latencies.items():
                found[name].append(measure())
            for name, measure in publishes.items():
                answered[name].append(measure())
        for name, figures in found.items():
            print(f"latency {name}: median {spread([f[0] for f in figures])} us, "
                  f"p99 {spread([f[1] for f in figures])} us")
        for name, figures in answered.items():
            print(f"publish {name}: {spread([f[0] for f in figures])} /s, "
                  f"p99 {spread([f[1] / 1000 for f in figures], 1)} ms")
    finally:
        for server in servers:
            server.kill()
            server.wait()
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
