"""Attacks by bytes: too large, ambiguous, forged, or of very many names."""
import json
import random
import re
import socket
import subprocess
import time

from measure import Failed
from scene import LOG_LINES_MAX, Attack, Row, Scene, common, publisher, stream_request

KIB, MIB = 2**10, 2**20
LINE = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warning|error) [^\x00-\x1f\x7f]*")
REFUSED = (400, 411, 413, 414, 415, 417, 431, 501, 505)


def exchange(scene, where, data, seconds=3):
    """The status of the answer (0: none) and whether the daemon ended the connection."""
    if where == "publish":
        client = publisher(scene.server.publish_socket, seconds)
    else:
        client = socket.create_connection(scene.server.address.split(":"), timeout=seconds)
    with client:
        answer = b""
        try:
            client.sendall(data)
        except OSError:
            pass  # It may have been refused in the middle.
        try:
            while piece := client.recv(65536):
                answer += piece
                head, end, _ = answer.partition(b"\r\n\r\n")
                if end and b"\r\nConnection: close" not in head:
                    return int(answer[9:12]), False
        except ConnectionError:
            pass  # Reset: it was still sending.
        except TimeoutError:
            return int(answer[9:12] or 0), False
        return int(answer[9:12] or 0), True


# --- too large -----------------------------------------------------------------------------------
def get(target="/events?topic=a", fields=""):
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode()


def to_publish(body, kind="application/json", length=None, target="/publish", fields=""):
    head = (f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n{fields}"
            f"Content-Length: {len(body) if length is None else length}\r\n\r\n")
    return head.encode() + body


def event(**more):
    return json.dumps({"topic": "a", "data": "d", **more}).encode()


def oversize_cases():
    """(socket, name, bytes, statuses). 0: closed without an answer that arrives, which happens to
    who is still sending."""
    ndjson = "application/x-ndjson"
    for kib, also in ((17, ()), (1_024, (0,)), (10_240, (0,))):
        large = "x" * (kib * KIB)
        yield "http", f"field of {kib} KiB", get(fields=f"X: {large}\r\n"), (431, *also)
        yield "http", f"target of {kib} KiB", get("/" + large), (414, 431, *also)
        yield "http", f"method of {kib} KiB", large.encode(), (400, 431, 501, *also)
        yield "publish", f"head of {kib} KiB", to_publish(b"", fields=f"X: {large}\r\n"), \
            (431, *also)
    yield "http", "101 fields", get(fields="X: y\r\n" * 101), (431,)
    yield "http", "topic of 256 bytes", get("/events?topic=" + "t" * 256), (400,)
    yield "http", "topic of 17 tokens", get("/events?topic=" + ".".join("t" * 17)), (400,)
    yield "http", "65 topics", get("/events?" + "&".join(f"topic=t{i}" for i in range(65))), (400,)
    yield "http", "Last-Event-ID of 8,000 bytes", get(fields=f"Last-Event-ID: {'9' * 8_000}\r\n"), \
        (200,)
    for length in (1, 2**31, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**40):
        yield "http", f"body of {length} bytes", get(fields=f"Content-Length: {length}\r\n"), \
            (400, 413)
        if length > 1:
            yield "publish", f"body of {length} bytes", to_publish(b"", length=length), (400, 413)
    yield "publish", "body of 8 MiB and a byte", to_publish(b" " * (8 * MIB + 1)), (413, 0)
    for way, data in (("plain", to_publish(b"d" * (256 * KIB + 1), target="/topics/a")),
                      ("JSON", to_publish(event(data="d" * (256 * KIB + 1)))),
                      ("NDJSON", to_publish(event(data="d" * (256 * KIB + 1)), ndjson))):
        yield "publish", f"event of 256 KiB and a byte, {way}", data, (413,)
    for name, body in (("topic of 256 bytes", event(topic="t" * 256)),
                       ("topic of 8 MiB", event(topic="t" * (8 * MIB - 100))),
                       ("topic of 17 tokens", event(topic=".".join("t" * 17))),
                       ("event name of 256 bytes", event(event="e" * 256)),
                       ("key of 1 MiB", event(key="k" * MIB)),
                       ("member name of 1 MiB", event(**{"m" * MIB: 1})),
                       ("data nested 1,000,000 deep", b'{"topic":"a","data":' + b"[" * 10**6),
                       ("number of 1 MiB", b'{"topic":"a","data":' + b"9" * MIB + b"}")):
        yield "publish", name, to_publish(body), (400, 413)
        yield "publish", f"{name}, NDJSON", to_publish(event() + b"\n" + body, ndjson), (400, 413)
    yield "publish", "8 MiB of empty lines", to_publish(b"\n" * (8 * MIB), ndjson), (400, 413)
    yield "publish", "a million lines", to_publish(b"{}\n" * 10**6, ndjson), (400, 413)
    endless = b"POST /publish HTTP/1.1\r\n" + b"X: y\r\n" * 10**6
    yield "publish", "a head that never ends", endless, (431, 0)


def oversize(settings):
    """Every case again and again while healthy clients are served."""
    with Scene(settings) as scene:
        scene.quiet(settings.seconds)
        wrong, sent = [], 0
        memory = scene.memory()
        with scene.attacked_meanwhile(settings.seconds) as goes_on:
            while goes_on() or not sent:
                for where, name, data, statuses in oversize_cases():
                    status, ended = exchange(scene, where, data)
                    sent += 1
                    if status not in statuses or (status not in (200, 400, 413) and not ended):
                        wrong.append(f"{name}: {status}")
        settings.note("oversize: " + ", ".join(sorted(set(wrong))) if wrong else "")
        return scene.figures(wrong=len(wrong), sent=sent, memory=scene.memory() - memory)


# --- two parsers ---------------------------------------------------------------------------------
def hostile_heads(settings):
    printed = subprocess.run([settings.heads], capture_output=True, text=True, check=True).stdout
    return [(head["socket"], head["name"], bytes.fromhex(head["hex"]), head["status"])
            for head in map(json.loads, printed.splitlines())]


def mutated(head, dice):
    """The head with up to three bytes changed, put in, left out, or repeated."""
    data = bytearray(head)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(data) + 1)
        piece = dice.choice((b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"\0", b",", b"0",
                             b"\x80", b"chunked", bytes([dice.randrange(256)]), bytes(data[at:])))
        data[at:at + dice.randrange(3)] = piece[:4_096]
    return bytes(data)


def two_parsers(settings):
    """The table of hostile heads, then changed ones, at random. A changed head may be good."""
    heads = hostile_heads(settings)
    seed = settings.seed()
    dice = random.Random(seed)
    with Scene(settings, **{"limits.pending_seconds_max": 1}) as scene:
        scene.quiet(settings.seconds)
        served, sent = [], 0
        with scene.attacked_meanwhile(settings.seconds) as goes_on:
            for where, name, data, status in heads:
                if exchange(scene, where, data) != (status, True):
                    served.append(name)
            while goes_on():
                where, _, data, _ = dice.choice(heads)
                send_only(scene, where, mutated(data, dice))
                sent += 1
        settings.note(f"seed {seed}" + "".join(f", served: {name}" for name in served))
        return scene.figures(served=len(served), sent=sent + len(heads))


def send_only(scene, where, data):
    """Sends, waits for a moment for what comes, and goes."""
    try:
        exchange(scene, where, data, seconds=0.01)
    except OSError:
        pass


# --- names ---------------------------------------------------------------------------------------
def cardinality(settings):
    """Topics and addresses that nobody has seen before. No series may have a label of them."""
    topics, addresses = settings.either(100_000, 5_000), settings.either(10_000, 500)
    with Scene(settings) as scene:
        scene.quiet(settings.seconds)
        before = set(scene.metrics())
        with publisher(scene.server.publish_socket) as client, \
                scene.attackers(stream_request("cardinal.1"), 150, addresses=addresses,
                                count=addresses, at_once=200,
                                rate=addresses / settings.seconds) as clients, \
                scene.attacked_meanwhile(settings.seconds) as goes_on:
            for first in range(0, topics, 1_000):
                lines = b"".join(event(topic=f"cardinal.{i}") + b"\n"
                                 for i in range(first, first + 1_000))
                client.sendall(to_publish(lines, "application/x-ndjson"))
                if not client.recv(4096).startswith(b"HTTP/1.1 202 "):
                    raise Failed("the topics were refused")
            opened = clients.finish(early=False)["outcome opened"]
        after = scene.metrics()
        if opened < addresses or after["crier_topics"] < topics:
            raise Failed(f"{opened:.0f} clients, {after['crier_topics']:.0f} topics came")
        return scene.figures(changed=len(before ^ set(after)), series=len(after))


def forged(settings):
    """Each byte in each place of a request whose text may come into the log, at level debug."""
    with Scene(settings, **{"log.level": "debug", "http.trusted_proxies": '["127.0.0.0/8"]',
                            "limits.streams_per_address_max": 50}) as scene:
        scene.quiet(settings.seconds)
        with scene.attacked_meanwhile(settings.seconds) as goes_on:
            for byte in range(256):
                forge = bytes([byte]) + b"\n2026-01-01T00:00:00.000Z error forged\x1b[31m"
                quoted = "".join(f"%{c:02x}" for c in forge)
                for where, data in forgeries(forge, quoted):
                    send_only(scene, where, data)
            while goes_on():
                time.sleep(0.05)
        with open(scene.server.dir + "/output", "rb") as log:
            text = log.read()
        lines = text.split(b"\n")
        false = [line for line in lines[:-1] if not LINE.fullmatch(line)]
        false += [line for line in lines if b"Z error forged" in line[:40]]
        settings.note(f"forged: {false[0]!r}" if false else "")
        return scene.figures(false=len(false))


def forgeries(forge, quoted):
    for target in (f"/{quoted}", f"/events?topic={quoted}", f"/events?topic=a&x={quoted}",
                   f"/events?topic=a&last_event_id={quoted}"):
        yield "http", get(target)
    for name in ("Host", "Origin", "User-Agent", "Last-Event-ID", "X-Forwarded-For", "traceparent",
                 "Accept", forge.decode("latin-1")):
        fields = f"{name}: ".encode("latin-1") + forge + b"\r\n"
        host = b"" if name == "Host" else b"Host: a\r\n"
        yield "http", b"GET /events?topic=a HTTP/1.1\r\n" + host + fields + b"\r\n"
    yield "publish", to_publish(b"d", target=f"/topics/{quoted}")
    yield "publish", to_publish(b"d", target=f"/topics/a?event={quoted}")
    yield "publish", to_publish(event(topic=quoted, event=forge.decode("latin-1")))
    yield "publish", to_publish(event(key=forge.decode("latin-1")))


ATTACKS = [
    Attack("oversize everything", oversize, [
        Row("sent", "requests", 1, at_least=True),
        Row("wrong", "answers that are not the right refusal", 0),
        Row("memory", "memory grown", 64, unit="MiB"), *common()]),
    Attack("parser disagreement", two_parsers, [
        Row("sent", "heads: those of the table, then changed ones", 94, at_least=True),
        Row("served", "of the table, not refused as they must be", 0),
        Row("disagreements", "`crier_parser_disagreement_total`", 0), *common()]),
    Attack("topic and address cardinality", cardinality, [
        Row("changed", "series more or less after 100,000 topics and 10,000 addresses", 0),
        Row("series", "series", 500), *common()]),
    Attack("forged log lines", forged, [
        Row("false", "forged lines, control bytes in the log", 0),
        *common(log=LOG_LINES_MAX + 200)]),  # `log.connections_per_second`, twice.
]
