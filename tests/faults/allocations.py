"""An allocation fails, in a live daemon or while one starts: it goes on as if nothing had happened,
or it has ended by SIGABRT and has said so, and the daemon that is started in its place serves.
"""

import dataclasses
import mmap
import os
import signal
import struct
import subprocess
import tempfile

from load import Broken
from daemon import Died
from starts import Start
from target import REACH_SECONDS, STRETCH_SECONDS, Outcome, Target

LINE = "crier: out of memory: "
NEVER = ("terminate called", "crier: bug", "Sanitizer", "runtime error")
# The allocations of a start that fail, one a start; it has about 1,750 until it serves.
STARTS = range(1, 1_800, 113)
STARTS_LONG = [*range(1, 401), *range(401, 1_800, 7)]


@dataclasses.dataclass(frozen=True)
class AllocationFault:
    name: str
    most: int           # N up to this.
    load: str = ""      # What Load.start() is told.
    bytes_min: int = 0  # Only these are counted, and fail.
    bytes_max: int = 1 << 62
    stretches: bool = True


FAULTS = [
    AllocationFault("allocation", 5000),
    AllocationFault("allocation beside pages and reloads", 5000, "files"),
    AllocationFault("allocation of at most 256 bytes", 5000, bytes_max=256),
    AllocationFault("allocation from 4 KiB", 60, "large", bytes_min=4096),
    AllocationFault("allocation from 64 KiB", 20, "large", bytes_min=65536),
]


class Plan:
    """What failing_allocations.cc reads, and writes back."""

    LAYOUT = struct.Struct("=qqQQQQ24Q")

    def __init__(self, crier):
        self.library = os.path.join(os.path.dirname(crier), "tests", "libfailing_allocations.so")
        self.file = tempfile.NamedTemporaryFile(prefix="crier-faults-")
        self.file.truncate(self.LAYOUT.size)
        self.shared = mmap.mmap(self.file.fileno(), self.LAYOUT.size)

    def environment(self):
        return {"LD_PRELOAD": self.library, "CRIER_FAULTS_PLAN": self.file.name,
                "ASAN_OPTIONS": "verify_asan_link_order=0:alloc_dealloc_mismatch=0"}

    def fail(self, n, stretch=1, bytes_min=0, bytes_max=1 << 62):
        self.LAYOUT.pack_into(self.shared, 0, n, 0, bytes_min, bytes_max, 0, 0, *[0] * 24)
        struct.pack_into("=q", self.shared, 8, stretch)

    def stop(self):
        struct.pack_into("=q", self.shared, 8, 0)

    def failed(self):
        return struct.unpack_from("=Q", self.shared, 32)[0]

    def place(self):
        """The first that failed: its size, and the addresses of the program that asked for it."""
        _, _, _, _, _, size, *callers = self.LAYOUT.unpack_from(self.shared)
        return f"{size} bytes at " + " ".join(f"{address:#x}" for address in callers if address)


def wrong_end(code, text):
    if code != -signal.SIGABRT:
        return f"ended with {code}"
    if not any(line.startswith(LINE) for line in text.splitlines()):
        return "ended without the line"
    return next((f"said: {words}" for words in NEVER if words in text), "")


class AllocationTarget(Target):
    """Daemons under failing_allocations.cc; each that ends is started again below the same load."""

    def __init__(self, crier, variant):
        super().__init__(crier, variant)
        self.plan = Plan(crier)

    def environment(self):
        return self.plan.environment()

    def run(self, fault, n, stretch):
        if self.daemon is None:
            self.start()
            self.load.may_end = True
        daemon, load, plan = self.daemon, self.load, self.plan
        n = 1 + (n - 1) % self.reach.get(fault.name, n)
        outcome = Outcome(fault.name, f"{n}" if stretch == 1 else f"{n}..{n + stretch - 1}",
                          self.variant)
        try:
            plan.fail(n, stretch, fault.bytes_min, fault.bytes_max)
            load.start(fault.load)
            if load.run(plan.failed, REACH_SECONDS):
                load.run(lambda: plan.failed() >= stretch, STRETCH_SECONDS)
            plan.stop()
            self.see(outcome)
            if not outcome.hits:
                self.reach[fault.name] = max(1, n // 2)
        except (Broken, Died) as problem:
            outcome.problem = str(problem)
        except Exception as problem:  # Bytes that make no sense.
            outcome.problem = repr(problem)[:200]
        if outcome.problem:
            outcome.log = "\n".join([plan.place(), *load.problems[:4],
                                     *daemon.text().splitlines()[-6:]])
            self.stop()
        return outcome

    def see(self, outcome):
        daemon, load, plan = self.daemon, self.load, self.plan
        try:
            load.settle()
        except Died:
            if wrong := wrong_end(daemon.process.returncode, daemon.text()):
                raise Broken(wrong) from None
        outcome.hits = plan.failed()
        if outcome.hits:
            outcome.place = plan.place()
            load.note("lived on" if daemon.alive() else "ended, and was started again")
        if not daemon.alive():
            if not outcome.hits:
                raise Broken("ended, and no allocation had failed")
            load.restart()
            load.settle(at_rest=False)


class AllocationStart(Start):
    def __init__(self, crier, n, before_main):
        self.plan = Plan(crier)
        self.plan.fail(n)
        self.before_main = n <= before_main
        super().__init__(crier, [], self.plan.environment())

    def hit(self):
        return self.plan.place() if self.plan.failed() else ""

    def wrong_stop(self):
        return wrong_end(self.process.returncode, self.text())

    def wrong_end(self):
        if self.before_main and "terminate called" in self.text():
            return ""  # libstdc++ does not know yet how to end.
        if self.process.returncode < 0:
            return self.wrong_stop()
        return super().wrong_end()


def allocations_before_main(crier):
    """And those of a main() that does next to nothing."""
    plan = Plan(crier)
    plan.fail(1 << 30)
    subprocess.run([crier, "--version"], stdout=subprocess.DEVNULL, check=True,
                   env={**os.environ, **plan.environment()})
    return (1 << 30) - struct.unpack_from("=q", plan.shared)[0]


def start_failures(crier, wanted, long):
    """As start_faults(), one allocation each."""
    name = "start, allocation"
    if wanted not in name:
        return
    starts, problem, before_main = 0, "", allocations_before_main(crier)
    for n in STARTS_LONG if long else STARTS:
        start = AllocationStart(crier, n, before_main)
        try:
            wrong = start.outcome()
            starts += bool(start.hit())
            if wrong:
                problem = f"allocation {n}: {wrong}\n{start.hit()}\n{start.text()}"
                break
        finally:
            start.end()
    yield name, starts, problem or ("" if starts else "no start reached the allocation")
