#!/usr/bin/env python3
"""Measures one stream of crier over links with delay and loss, for several sizes of
socket.send_buffer_bytes, and prints a table.

    tests/bench/links.py [--crier FILE] [--delays MS,MS] [--losses PERCENT,...] [--buffers KIB,...]

The links need netem, which the kernel of this machine may lack. So the script boots User-Mode Linux
(Debian: user-mode-linux, kmod, iproute2) on this machine's root directory, read-only, and runs
itself there as the first process. That machine has one processor: compare sizes with one another,
and take no figure for what crier can do. links.md says what the runs are, and has the results.
"""
import argparse
import collections
import ctypes
import glob
import itertools
import json
import math
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MARK = "LINKS "
SERVER, CLIENT, PORT = "10.7.0.1", "10.7.0.2", 8080
PUBLISH = "/run/publish.sock"
EVENT_BYTES = 1_000
LINK_BYTES = 1_000_000  # A second: 8 Mbit/s.
QUEUE_SECONDS = 0.1     # What the link buffers beyond its delay before it drops.
PACKET_BYTES = 1_514
TOPIC = "link"
STAMP = re.compile(rb"data: T(\d+) ")
POLICIES = {"full": "catch-up", "paced": "catch-up", "newest": "conflate"}
# Of the link's bytes.
SHARES = {"full": 1.2, "paced": 0.5, "newest": 1.2}


def numbers(kind):
    return lambda text: [kind(word) for word in text.split(",")]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--crier", default=os.path.join(ROOT, ".build", "release", "crier"))
    parser.add_argument("--delays", type=numbers(int), default=[1, 20, 50, 100, 200],
                        help="round trips in ms")
    parser.add_argument("--losses", type=numbers(float), default=[0, 0.5, 2], help="percent")
    parser.add_argument("--buffers", type=numbers(int), default=[16, 32, 64, 128, 256, 1024, 0],
                        help="KiB; 0: the kernel decides")
    parser.add_argument("--runs", type=numbers(str), default=list(POLICIES),
                        help="which of " + ", ".join(POLICIES))
    parser.add_argument("--seconds", type=float, default=3, help="of each run")
    parser.add_argument("--repeats", type=int, default=1, help="the median counts")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    # User-Mode Linux adds a word of its own to the arguments of the first process.
    return parser.parse_args([word for word in sys.argv[1:] if word != "console=tty0"])


# --- Inside User-Mode Linux ---


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def in_server(*words):
    return ["ip", "netns", "exec", "server", *words]


def make_machine():
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    for kind, target in (("proc", "/proc"), ("sysfs", "/sys"), ("tmpfs", "/run")):
        run("mount", "-t", kind, kind, target)
    for name in ("veth", "sch_netem"):
        run("insmod", glob.glob(f"/usr/lib/uml/modules/{os.uname().release}/**/{name}.ko",
                                recursive=True)[0])
    run("ip", "netns", "add", "server")
    run("ip", "link", "add", "client", "type", "veth", "peer", "name", "link", "netns", "server")
    run("ip", "addr", "add", CLIENT + "/24", "dev", "client")
    run(*in_server("ip", "addr", "add", SERVER + "/24", "dev", "link"))
    # One packet at a time: netem counts and loses packets as a network does.
    run("ip", "link", "set", "dev", "client", "gso_max_segs", "1", "up")
    run(*in_server("ip", "link", "set", "dev", "link", "gso_max_segs", "1", "up"))
    with open("/proc/sys/net/core/wmem_max", "w") as knob:
        knob.write(str(4 << 20))


def shape(delay_ms, loss):
    """Delay and loss on the way to the client, so the delay is the round trip."""
    packets = round(LINK_BYTES * (delay_ms / 1e3 + QUEUE_SECONDS) / PACKET_BYTES)
    subprocess.run(in_server("tc", "qdisc", "del", "dev", "link", "root"), capture_output=True)
    run(*in_server("tc", "qdisc", "add", "dev", "link", "root", "netem", "limit", str(packets),
                   "delay", f"{delay_ms}ms", "loss", f"{loss}%", "rate", f"{LINK_BYTES * 8}bit"))


class Crier:
    """A daemon in the server's network: a context manager, listening once entered."""

    def __init__(self, program, policy, buffer_kib):
        knobs = {"http.listen": f"{SERVER}:{PORT}", "publish.socket": PUBLISH,
                 "admin.listen": "unix:/run/admin.sock", "workers.count": 1,
                 "limits.streams_max": 100, "history.events_max": 100_000,
                 "overflow.policy": policy, "socket.send_buffer_bytes": buffer_kib * 1024}
        sets = [word for key, value in knobs.items() for word in ("--set", f"{key}={value}")]
        self.command = in_server(program, "serve", *sets)

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(500):
            try:
                socket.create_connection((SERVER, PORT), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.02)
            if self.process.poll() is not None:
                break
        raise SystemExit(f"crier does not start: {self.process.stderr.read().decode()}")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def publish(bytes_per_second, until):
    """Publishes events that say when, ten times in 0.1 s."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(PUBLISH)
        began, sent = time.monotonic(), 0
        while (now := time.monotonic()) < until:
            due = int((now - began) * bytes_per_second / EVENT_BYTES) - sent
            if due > 0:
                stamp = f"T{time.monotonic_ns()} ".ljust(EVENT_BYTES - 60, ".")
                line = json.dumps({"topic": TOPIC, "data": stamp}) + "\n"
                body = (line * due).encode()
                server.sendall(b"POST /publish HTTP/1.1\r\nHost: crier\r\nContent-Type: "
                               b"application/x-ndjson\r\nContent-Length: %d\r\n\r\n" % len(body)
                               + body)
                answer = server.recv(4096)
                if not answer.startswith(b"HTTP/1.1 202"):
                    raise SystemExit(f"crier refuses an event: {answer}")
                sent += due
            time.sleep(max(0, 0.01 - (time.monotonic() - now)))


def queued_bytes(crier):
    """Bytes that the server's socket has queued: not sent, or not acknowledged."""
    with open(f"/proc/{crier.process.pid}/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    return max((int(row[4].split(":")[0], 16) for row in rows if row[3] == "01"), default=0)


def read(stream, crier, since, until):
    """Returns the bytes and the latencies in ms of what arrives between two times."""
    total, late, rest = 0, [], b""
    queued, sample_at = 0, since
    while (now := time.monotonic()) < until:
        if now >= sample_at:
            queued, sample_at = max(queued, queued_bytes(crier)), now + 0.02
        try:
            piece = stream.recv(1 << 18)
        except TimeoutError:
            continue
        if not piece:
            raise SystemExit("the stream ended")
        arrived = time.monotonic_ns()
        text = rest + piece
        end = 0
        for found in STAMP.finditer(text):
            end = found.end()
            if arrived >= since * 1e9:
                late.append((arrived - int(found[1])) / 1e6)
        rest = text[max(end, len(text) - 64):]
        if arrived >= since * 1e9:
            total += len(piece)
    return total, sorted(late), queued


def measure(program, name, buffer_kib, delay_ms, seconds):
    with Crier(program, POLICIES[name], buffer_kib) as crier:
        stream = socket.create_connection((SERVER, PORT))
        stream.settimeout(0.05)
        stream.sendall(f"GET /events/{TOPIC} HTTP/1.1\r\nHost: c\r\n\r\n".encode())
        now = time.monotonic()
        since = now + 0.5 + 10 * delay_ms / 1e3  # Slow start is not what is measured.
        until = since + seconds
        child = os.fork()
        if child == 0:
            publish(LINK_BYTES * SHARES[name], until)
            os._exit(0)
        total, late, queued = read(stream, crier, since, until)
        os.waitpid(child, 0)
        stream.close()
    at = lambda share: late[min(int(len(late) * share), len(late) - 1)] if late else float("inf")
    return {"bytes_per_second": total / seconds, "p50": at(0.5), "p99": at(0.99), "queued": queued}


def inside(arguments):
    make_machine()
    for delay in arguments.delays:
        for loss in arguments.losses:
            shape(delay, loss)
            for name, buffer in itertools.product(arguments.runs * arguments.repeats,
                                                  arguments.buffers):
                figures = measure(arguments.crier, name, buffer, delay, arguments.seconds)
                print(MARK + json.dumps({"delay": delay, "loss": loss, "run": name,
                                         "buffer": buffer, **figures}), flush=True)


def be_first_process(arguments):
    try:
        inside(arguments)
    except BaseException as error:  # A first process that ends is a panic without a word.
        text = getattr(error, "stderr", "")
        print(f"{MARK}{json.dumps({'error': f'{error!r} {text}'})}", flush=True)
    ctypes.CDLL(None).reboot(0x4321FEDC)  # RB_POWER_OFF


# --- On the host ---


def boot(arguments):
    """Yields what the machine inside prints."""
    uml = shutil.which("linux.uml")
    if uml is None:
        raise SystemExit("links.py: install user-mode-linux, kmod and iproute2")
    words = ["--inside", "--crier", os.path.abspath(arguments.crier),
             "--seconds", str(arguments.seconds), "--repeats", str(arguments.repeats)]
    for key in ("delays", "losses", "buffers", "runs"):
        words += ["--" + key, ",".join(str(value) for value in getattr(arguments, key))]
    machine = subprocess.Popen(
        [uml, "mem=512M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet",
         "con=null", "con0=fd:0,fd:1", "init=" + os.path.realpath(sys.executable), "--",
         os.path.abspath(__file__), *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        errors="replace", start_new_session=True)
    try:
        for line in machine.stdout:
            if MARK in line:
                row = json.loads(line[line.index(MARK) + len(MARK):])
                if "error" in row:
                    raise SystemExit("links.py: " + row["error"])
                yield row
    finally:
        os.killpg(machine.pid, signal.SIGKILL)
        machine.wait()


def size_text(kib):
    return "kernel" if kib == 0 else f"{kib} KiB"


def tenths(figure):
    """Returns the logarithm of a figure in steps of a tenth: figures of one step do not differ. In
    steps, unlike with a tolerance, no three sizes can beat one another in turn."""
    return round(math.log(max(figure, 1), 1.1)) if math.isfinite(figure) else math.inf


class Link:
    """The figures of one link: medians of its runs, by run and size."""

    def __init__(self, rows):
        groups = collections.defaultdict(list)
        for row in rows:
            groups[row["run"], row["buffer"]].append(row)
        self.cells = {key: {name: statistics.median(row[name] for row in group)
                            for name in ("bytes_per_second", "p99", "queued")}
                      for key, group in groups.items()}

    def cost(self, buffer):
        """Returns what should be low for a size: one number of tenths for each figure."""
        costs = []
        for (run, size), cell in self.cells.items():
            if size == buffer:
                costs.append(-tenths(cell["bytes_per_second"]) if run == "full"
                             else tenths(cell["p99"]))
                costs += [tenths(cell["queued"])] if run == "full" else []
        return costs

    def front(self, buffers):
        """Returns the sizes that no other one beats: is better in one figure and as good in the
        others."""
        def beats(one, other):
            mine, its = self.cost(one), self.cost(other)
            return mine != its and all(a <= b for a, b in zip(mine, its))

        return [size for size in buffers if not any(beats(other, size) for other in buffers)]


def shown(run, cell):
    queued = f"{cell['queued'] / 1e3:.0f} kB"
    if run == "full":
        return f"{cell['bytes_per_second'] / LINK_BYTES:.0%}, {queued}"
    return f"{cell['p99']:,.0f} ms, {queued}"


def print_tables(links, arguments):
    for run in arguments.runs:
        heads = map(size_text, arguments.buffers)
        print(f"\n| `{run}`: round trip, loss |", " | ".join(heads), "|")
        print("| --- |" + " --- |" * len(arguments.buffers))
        for (delay, loss), link in links.items():
            cells = [shown(run, link.cells[run, size]) for size in arguments.buffers]
            print(f"| {delay} ms, {loss:g} % |", " | ".join(cells), "|")
    print("\n| round trip, loss | sizes that no other one beats |\n| --- | --- |")
    for (delay, loss), link in links.items():
        front = ", ".join(map(size_text, link.front(arguments.buffers)))
        print(f"| {delay} ms, {loss:g} % | {front} |")


def main():
    arguments = parse()
    if arguments.inside:
        return be_first_process(arguments)
    if not os.access(arguments.crier, os.X_OK):
        raise SystemExit(f"links.py: {arguments.crier} is no program")
    rows = collections.defaultdict(list)
    for row in boot(arguments):
        print(json.dumps(row), file=sys.stderr, flush=True)
        rows[row["delay"], row["loss"]].append(row)
    print_tables({key: Link(of_link) for key, of_link in rows.items()}, arguments)


if __name__ == "__main__":
    main()
