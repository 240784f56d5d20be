"""What is read from the kernel, and the load client: everything that yields a number.

Sizes in bytes, times in nanoseconds, unless a name says otherwise.
"""
import glob
import json
import os
import re
import selectors
import subprocess
import time

PAGE = os.sysconf("SC_PAGE_SIZE")


class Failed(Exception):
    """A measurement that could not be made; the text says why."""


def resident(pids):
    """Resident and anonymous memory of the processes. smaps_rollup counts pages; VmRSS lags."""
    sums = {"Rss": 0, "Anonymous": 0}
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            for line in lines:
                key, _, rest = line.partition(":")
                if key in sums:
                    sums[key] += int(rest.split()[0]) * 1024
    return sums["Rss"], sums["Anonymous"]


def cpu_ns(pids):
    """User and system time of all threads of the processes."""
    total = 0
    for pid in pids:
        for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            with open(path) as text:
                total += int(text.read().split()[0])
    return total


def kernel_memory():
    """What TCP buffers and slabs hold on the whole machine; only differences mean anything. Both
    ends of a loopback connection are in it."""
    with open("/proc/net/sockstat") as text:
        buffers = int(re.search(r"^TCP:.* mem (\d+)", text.read(), re.M).group(1)) * PAGE
    with open("/proc/meminfo") as text:
        slab = int(re.search(r"^Slab:\s+(\d+)", text.read(), re.M).group(1)) * 1024
    return buffers + slab


def send_buffers(address, source_net):
    """Kernel memory of each of the server's sockets at `address` (ip:port) whose peer is in
    `source_net`: queued for sending, received and reserved, as `ss -tm` has it."""
    ip, port = address.rsplit(":", 1)
    out = subprocess.run(["ss", "-tmnHO", "state", "connected", "src", ip, "and", "sport", "=",
                          f":{port}", "and", "dst", source_net], capture_output=True, text=True,
                         timeout=30, check=True).stdout
    sizes = []
    for memory in re.findall(r"skmem:\(([^)]*)\)", out):
        parts = dict(re.findall(r"([a-z]+)(\d+)", memory))
        sizes.append(int(parts["r"]) + int(parts["f"]) + int(parts["w"]))
    return sizes


def crier_bench(binary, target, timeout=300, **options):
    """The report of `crier bench` on a running target."""
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    done = subprocess.run([binary, "bench", "--json", "--to", f"http://{target.address}",
                           "--publish-socket", target.publish_socket, *words],
                          capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise Failed(f"crier bench: {(done.stderr or done.stdout)[-300:]}")
    return json.loads(done.stdout)


class Load:
    """A running bench_load. Each command waits for its answer, at most `timeout` seconds."""

    next_octet = 0

    def __init__(self, binary, target):
        # A source network for each run, so that no address pair is used twice in a minute.
        Load.next_octet = Load.next_octet % 40 + 1
        self.octet = 80 + Load.next_octet
        self.process = subprocess.Popen(
            [binary, "--connect", target.address, "--publish", target.publish_socket,
             "--stream-path", "/events?topic={}", "--source-octet", str(self.octet)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.selector.close()

    def ask(self, command, timeout=150, meanwhile=lambda: None):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        meanwhile()
        text = b""
        deadline = time.monotonic() + timeout
        while not text.endswith(b"\n"):
            if not self.selector.select(max(0, deadline - time.monotonic())):
                raise Failed(f"no answer within {timeout} s: {command}")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise Failed(f"the load client ended: {command}")
            text += piece
        answer = json.loads(text)
        if "error" in answer:
            raise Failed(f"{command}: {answer['error']}")
        return answer

    def group(self, name, streams, processes=2, **options):
        words = "".join(f" {key}={value}" for key, value in options.items())
        self.ask(f"group {name} streams={streams} processes={processes}{words}")

    def open(self, name, streams, within=60, meanwhile=lambda: None):
        """meanwhile() is called as soon as the client begins."""
        answer = self.ask(f"open {name} streams={streams} within={within}", within + 30, meanwhile)
        if answer["opened"] != streams or answer["ended"]:
            raise Failed(f"opened {answer['opened']} of {streams}, {answer['refused']} refused, "
                         f"{answer['ended']} ended {answer['first_refusal']}")
        return answer

    def burst(self, name, events, size, within=100, lines=0):
        return self.checked(self.ask(f"burst {name} events={events} size={size} within={within} "
                                     f"lines={lines}", within + 30))

    def rate(self, seconds, size, within=30, **groups):
        words = "".join(f" {name}={hz}" for name, hz in groups.items())
        answer = self.ask(f"rate seconds={seconds} size={size} within={within}{words}",
                          seconds + within + 30)
        return {one["group"]: self.checked(one) for one in answer["groups"]}

    @staticmethod
    def checked(delivery):
        """Refuses a figure that was reached by losing, repeating or refusing anything."""
        wrong = [f"{delivery[key]} {key}"
                 for key in ("lost", "late", "duplicates", "strays", "ended", "posts_failed",
                             "unanswered")
                 if delivery[key]]
        if delivery["received"] < delivery["expected"]:
            wrong.append(f"received {delivery['received']} of {delivery['expected']}")
        if wrong:
            raise Failed(", ".join(wrong) + " " + delivery["first_failure"])
        return delivery
