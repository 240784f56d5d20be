"""A daemon with its load, on which one fault after another is tried."""

import collections
import dataclasses
import time

from daemon import Daemon, Died, own_address
from faults import PATHS
from load import SETTINGS, Broken, Load
from strace import Injection

ATTACH_SECONDS = 5
REACH_SECONDS = 2        # For the N-th call to come; otherwise the run does not count.
STRETCH_SECONDS = 0.3    # From the first call that fails to the end of the stretch.

# Daemons that run side by side. The second half takes every block of 4 KiB from the kernel.
VARIANTS = [
    (["workers.count=1"], {}),
    (["workers.count=2", "workers.own_descriptor_table=on"], {}),
    (["workers.count=1"], {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=4096"}),
    (["workers.count=2"], {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=4096"}),
]


@dataclasses.dataclass
class Outcome:
    fault: str
    when: str
    variant: int
    hits: int = 0
    problem: str = ""
    log: str = ""
    place: str = ""     # Of an allocation: the call stack.
    void: bool = False  # The kernel cannot fail so, and the daemon relies on it.


class Target:
    """A daemon of one variant with its load; a new one after each failure."""

    def __init__(self, crier, variant):
        self.crier = crier
        self.variant = variant
        self.daemon = None
        self.load = None
        self.reach = {}  # Of a fault whose N-th call did not come: half of that N.
        self.figures = collections.Counter()
        self.notes = collections.Counter()

    def environment(self):
        return {}

    def start(self):
        settings, environment = VARIANTS[self.variant]
        self.daemon = Daemon(self.crier, own_address(self.variant), [*SETTINGS, *settings],
                             {**environment, **self.environment()})
        self.load = Load(self.daemon)
        self.load.start()
        self.load.run(lambda: False, 0.2)
        self.load.settle()

    def stop(self):
        """Returns what is wrong at the end."""
        if self.daemon is None:
            return ""
        problem = ""
        if self.load is not None:
            self.collect()
        if self.load is not None and self.daemon.alive() and not self.load.close():
            problem = f"{self.daemon.descriptors()} descriptors without clients"
        code = self.daemon.stop()
        self.daemon = self.load = None
        return problem or (f"exit code {code} after SIGTERM" if code else "")

    def collect(self):
        for name, figure in self.load.figures.items():
            self.figures[name] = max(self.figures[name], figure)
        self.notes.update(self.load.notes)
        self.load.notes = {}

    def run(self, fault, n, stretch):
        if self.daemon is None:
            self.start()
        daemon, load = self.daemon, self.load
        n = 1 + (n - 1) % self.reach.get(fault.name, n)
        when = f"{n}" if stretch == 1 else f"{n}..{n + stretch - 1}"
        paths = PATHS[fault.files](daemon) if fault.files else []
        outcome = Outcome(fault.name, when, self.variant)
        if fault.starves:
            load.starved_at = float("inf")
        injection = Injection(daemon, fault.call, fault.what, when, paths)

        def hits():
            injection.read()
            return len(injection.hits())

        lost = load.lost_connections()
        try:
            try:
                load.wait(lambda: hits() or injection.attached(), "strace", ATTACH_SECONDS)
                load.start(fault.load)
                if load.run(hits, REACH_SECONDS) and stretch > 1:
                    load.run(lambda: hits() >= stretch, STRETCH_SECONDS)
            finally:
                injection.detach()
                outcome.hits = len(injection.hits())
                if fault.starves:
                    load.starved_at = time.monotonic()
            if not outcome.hits:
                self.reach[fault.name] = max(1, n // 2)
            load.settle()
            if fault.costs_nothing and load.lost_connections() != lost:
                raise Broken("a connection ended")
        except (Broken, Died) as problem:
            outcome.problem = str(problem)
        except Exception as problem:  # Bytes that make no sense.
            outcome.problem = repr(problem)[:200]
        if outcome.problem:
            outcome.log = "\n".join([*load.problems[:4], *injection.hits()[:3],
                                     *daemon.text().splitlines()[-6:]])
            outcome.void = (fault.call == "epoll_ctl" and "error=" in fault.what and
                            not daemon.alive() and
                            any("EPOLL_CTL_ADD" not in hit for hit in injection.hits()))
            self.stop()
        return outcome
