#!/usr/bin/env python3
"""Measures what an event costs the nats-servers: the constants of capacity.py.

    tests/bench/nats_feed.py [--events N] [--bytes N] [--servers 1|3] [--crier PATH]

Starts one nats-server, or a cluster of three that keep three copies, publishes without waiting for
each answer, 512 outstanding, and then has 1, 2 and 4 consumers as a node's read the stream. With
--crier, a node without streams takes the events instead. CPU is user and system time. Needs
`nats-server`; all is on 127.93.0.0/16.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from measure import cpu_ns  # noqa: E402
from nats import Nats, NatsError  # noqa: E402


def start(directory, count):
    routes = ",".join(f"nats://127.93.0.{n}:6222" for n in range(1, count + 1))
    servers = []
    for n in range(1, count + 1):
        command = ["nats-server", "-n", f"n{n}", "-a", f"127.93.0.{n}", "-p", "4222", "-js",
                   "-sd", os.path.join(directory, str(n)), "-l", os.path.join(directory, "log")]
        if count > 1:
            command += ["--cluster_name", "bench", "--routes", routes,
                        "--cluster", f"nats://127.93.0.{n}:6222"]
        servers.append(subprocess.Popen(command))
    return servers


def make_stream(replicas, seconds=30):
    deadline = time.monotonic() + seconds
    while True:
        try:
            client = Nats("127.93.0.1")
            return client, client.ask("$JS.API.STREAM.CREATE.B", {
                "name": "B", "subjects": ["b.>"], "num_replicas": replicas, "storage": "file",
                "max_bytes": 1 << 30})
        except (OSError, NatsError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def publish(client, events, size, subject="b.news", outstanding=512):
    """Returns seconds from the first byte to the last answer."""
    one = f"PUB {subject} {client.inbox}.p {size}\r\n".encode() + b"x" * size + b"\r\n"
    began, sent, answered = time.monotonic(), 0, 0
    while answered < events:
        room = min(events - sent, outstanding - (sent - answered))
        if room > 0:
            client.socket.sendall(one * room)
            sent += room
        client.message()
        answered += 1
        while client.data.count(b"\r\nMSG ") > 1:
            client.message()
            answered += 1
    return time.monotonic() - began


def consume(server, events, seconds):
    """A node's ordered consumer: everything from the beginning, no acknowledgements."""
    client = Nats(f"127.93.0.{server}", seconds=60)
    subject = "deliver." + client.inbox[7:]
    request = json.dumps({"stream_name": "B", "config": {
        "deliver_subject": subject, "deliver_policy": "all", "ack_policy": "none",
        "mem_storage": True, "num_replicas": 1}})
    began = time.monotonic()
    client.socket.sendall(f"SUB {subject} 2\r\nPUB $JS.API.CONSUMER.CREATE.B {client.inbox}.c "
                          f"{len(request)}\r\n{request}\r\n".encode())
    # The bytes are counted, not parsed: a Python client must not be what is measured.
    seen, tail = -1, b"\n"  # The answer to the request is one of the messages.
    while seen < events:
        data = client.socket.recv(1 << 20)
        seen += (tail + data).count(b"\nMSG ")
        tail = data[-4:]
    seconds.append(time.monotonic() - began)
    client.close()


def feed_node(crier, directory, events, size):
    """What an event from another node costs a node: one of its own would have an answer, too."""
    socket = os.path.join(directory, "publish.sock")
    node = subprocess.Popen([
        crier, "serve", "--set", "journal.kind=nats", "--set",
        'nats.servers=["nats://127.93.0.1:4222"]', "--set", f"publish.socket={socket}", "--set",
        "http.listen=127.93.0.9:8080", "--set", "admin.listen=127.93.0.9:8081"],
        stderr=subprocess.DEVNULL)
    try:
        while not os.path.exists(socket):
            if node.poll() is not None:
                sys.exit(f"{crier} ended with {node.returncode}")
            time.sleep(0.05)
        client = Nats("127.93.0.1")
        for round_ in range(5):
            before = cpu_ns([node.pid])
            publish(client, events, size, "crier.news")
            time.sleep(1)
            used = (cpu_ns([node.pid]) - before) / 1e3 / events
            print(f"a node, round {round_}: {used:.2f} us of CPU an event")
    finally:
        node.terminate()
        node.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--bytes", type=int, default=300)
    parser.add_argument("--servers", type=int, choices=(1, 3), default=1)
    parser.add_argument("--crier")
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="crier-nats-")
    servers = start(directory, arguments.servers)
    pids = [server.pid for server in servers]
    try:
        if arguments.crier:
            make_stream(arguments.servers)  # When this can be done, a node can make its own.
            return feed_node(arguments.crier, directory, arguments.events, arguments.bytes)
        client, _ = make_stream(arguments.servers)
        before = cpu_ns(pids)
        seconds = publish(client, arguments.events, arguments.bytes)
        used = (cpu_ns(pids) - before) / 1e3 / arguments.events
        print(f"publish, {arguments.servers} copies: {arguments.events / seconds:,.0f} /s, "
              f"{used:.1f} us of CPU an event")
        for consumers in (1, 2, 4):
            before, times = cpu_ns(pids), []
            threads = [threading.Thread(target=consume, args=(
                1 + n % arguments.servers, arguments.events, times)) for n in range(consumers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            used = (cpu_ns(pids) - before) / 1e3 / arguments.events / consumers
            print(f"{consumers} consumers: {arguments.events / max(times):,.0f} /s each, "
                  f"{used:.1f} us of CPU an event and consumer")
    finally:
        for server in servers:
            server.kill()
            server.wait()
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
