"""Attacks on the publish socket, by programs that may use it."""
import functools
import multiprocessing
import random
import select
import socket
import time

from scene import Attack, Publisher, Row, Scene, answered, common, publisher
from wire import event, to_publish

SLOW_BODY = b"POST /topics/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nd"


class Programs:
    """Functions (path of the socket, pipe) in processes of their own, ended when left."""

    def __init__(self, path, *functions):
        self.pipes, self.processes = [], []
        for function in functions:
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(target=function, args=(path, theirs), daemon=True)
            process.start()
            self.pipes.append(ours)
            self.processes.append(process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.finish()

    def finish(self):
        """What the functions returned."""
        results = []
        for pipe, process in zip(self.pipes, self.processes):
            pipe.send("end")
            results.append(pipe.recv() if pipe.poll(20) else None)
            process.join(5)
            process.kill()
        self.pipes = []
        return results


def slow_bodies(path, pipe):
    """200 bodies, a byte more of each every second; each that is ended begins again."""
    clients, lives, ended = {}, [], 0
    while not pipe.poll():
        while len(clients) < 200:
            client = publisher(path)
            client.sendall(SLOW_BODY)
            clients[client] = time.monotonic()
        readable, _, _ = select.select(list(clients), [], [], 1)
        for client in readable:
            ended += client.recv(4096).startswith(b"HTTP/1.1 408 ")
            lives.append(time.monotonic() - clients.pop(client))
            client.close()
        for client in clients:
            try:
                client.send(b"d")
            except OSError:
                pass  # It is read, and ends, in the next round.
    pipe.send((ended, max(lives, default=0)))


def deaf(path, pipe):
    """50 connections that send requests and never read an answer."""
    clients = []
    requests = to_publish(b"d" * 200, target="/topics/deaf") * 100
    while not pipe.poll():
        while len(clients) < 50:
            client = publisher(path)
            client.setblocking(False)
            clients.append([client, b""])
        sent = 0
        for entry in clients:
            try:
                entry[1] = entry[1] or requests
                done = entry[0].send(entry[1])
                entry[1] = entry[1][done:]
                sent += done
            except BlockingIOError:
                pass
            except OSError:
                entry[0].close()
        clients = [entry for entry in clients if entry[0].fileno() >= 0]
        if not sent:
            time.sleep(0.01)
    pipe.send(None)


def huge_requests(path, pipe):
    """20 connections, each sending NDJSON of 4,000 events, again as soon as it is sent."""
    lines = (event(topic="huge", data="d" * 200) + b"\n") * 4_000
    body = to_publish(lines, "application/x-ndjson")
    unsent, answers = {}, 0
    while not pipe.poll():
        while len(unsent) < 20:
            client = publisher(path)
            client.setblocking(False)
            unsent[client] = body
        readable, writable, _ = select.select(list(unsent), list(unsent), [], 0.1)
        for client in {*readable, *writable}:
            try:
                if client in readable:
                    answer = client.recv(65536)
                    answers += answer.count(b"HTTP/1.1 202 ")
                    if not answer:
                        raise ConnectionResetError
                if client in writable:
                    unsent[client] = unsent[client][client.send(unsent[client]):] or body
            except BlockingIOError:
                pass
            except OSError:
                del unsent[client]
                client.close()
    pipe.send(answers)


def garbage(path, pipe):
    """Bytes at random, on new connections."""
    dice = random.Random(1)
    while not pipe.poll():
        with publisher(path) as client:
            try:
                client.sendall(dice.randbytes(dice.randrange(1, 20_000)))
                client.recv(4096)
            except OSError:
                pass
    pipe.send(None)


def crowd(path, pipe, connections):
    """Connections that say nothing; four times a second, those that are closed come back."""
    clients = []
    while not pipe.poll(0.25):
        while len(clients) < connections:
            try:
                client = publisher(path)
                client.setblocking(False)
                clients.append(client)
            except OSError:
                break
        for client in clients:
            try:
                client.recv(4096)
                client.close()
            except BlockingIOError:
                pass
            except OSError:
                client.close()
        clients = [client for client in clients if client.fileno() >= 0]
    pipe.send(None)


def beside(settings, scene, *functions, seconds=None):
    """Healthy clients, and a publisher that connects anew each time, beside these functions."""
    scene.quiet(settings.seconds)
    with Programs(scene.server.publish_socket, *functions) as programs:
        anew = Publisher(scene.server.publish_socket, anew=True)
        anew.start()
        scene.attacked(seconds or settings.seconds)
        p99 = anew.finish()
        results = programs.finish()
    return {"anew": p99, "kept_out": anew.failed}, results


def slow_bodies_attack(settings):
    with Scene(settings) as scene:
        more, [(ended, life)] = beside(settings, scene, slow_bodies, seconds=settings.either(12, 2))
        return scene.figures(ended=ended, life=life, **more)


def hostile_publisher(settings):
    with Scene(settings) as scene:
        before = scene.memory()
        # In the short form fewer than may be open: a machine that is slow enough makes the others
        # look idle, and those are closed to make room.
        many = functools.partial(crowd, connections=settings.either(300, 150))
        more, results = beside(settings, scene, deaf, huge_requests, garbage, many)
        return scene.figures(memory=scene.memory() - before, huge=results[1], **more)


def kept_out(limit=None):
    return Row("kept_out", "posts on a new connection that were refused", limit)


ANEW = Row("anew", "the same on a new connection each time, p99", 50, unit="ms", digits=1,
           timed=True)
ATTACKS = [
    Attack("slow bodies", slow_bodies_attack, [
        Row("ended", "slow bodies ended with 408", 1, at_least=True, timed=True),
        Row("life", "longest life of a slow body", 11, unit="s", digits=1, timed=True),
        kept_out(0), answered(50), ANEW, *common()]),
    Attack("hostile publisher", hostile_publisher, [
        Row("huge", "requests of 4,000 events answered beside", 1, at_least=True, timed=True),
        Row("memory", "memory grown (64 MiB of it are history)", 256, unit="MiB"),
        kept_out(), answered(50), ANEW, *common()]),
]
