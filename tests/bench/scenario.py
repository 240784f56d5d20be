"""What a measurement is: a scenario starts a target, loads it, and returns figures; a row of the
report judges one figure against DESIGN.md's budget."""
import time
from dataclasses import dataclass
from typing import Callable, Optional

from measure import Load, kernel_memory, resident
from targets import Crier, Floor, Nchan

MANY = 127_483
MB = 1e6
FILES_PER_CLIENT = 19_000


@dataclass
class Row:
    """One line of the report. `ratio` limits crier's figure divided by the floor's, pair by pair;
    `limit` limits crier's figure itself. A row with neither is for information."""

    key: str
    name: str
    unit: str
    budget: str = ""
    ratio: Optional[float] = None
    limit: Optional[float] = None
    more_is_better: bool = False
    digits: int = 1


@dataclass
class Scenario:
    name: str
    run: Callable      # (settings, target name) -> {row key: figure}
    rows: list
    targets: tuple = ("crier", "floor", "nchan")
    pairs_max: int = 1000
    optional: bool = False  # Only by name or by its own option.


def start(settings, name, **crier):
    return {"crier": lambda: Crier(settings, **crier), "floor": lambda: Floor(settings),
            "nchan": lambda: Nchan(settings)}[name]()


def settle():
    time.sleep(1.0)


def held(settings, streams, group=None, burst=0, workers=8, streams_max=150_000, **crier):
    """Many streams in one process: what is resident idle, after an event to all, after a burst.
    `group` has options of their group, `crier` knobs."""
    processes = -(-streams // FILES_PER_CLIENT) + 1
    figures = {}
    with start(settings, "crier", workers=workers, streams_max=streams_max, **crier) as server, \
            Load(settings.load, server) as load:
        figures["empty"] = resident(server.pids())[0] / MB
        kernel = kernel_memory()
        load.group("all", streams, processes, window=max(4, 128 // processes), **(group or {}))
        figures["opening"] = load.open("all", streams, within=300)["elapsed_ns"] / 1e9
        settle()
        figures["idle"] = resident(server.pids())[0] / MB
        figures["each"] = (figures["idle"] - figures["empty"]) * MB / streams
        figures["kernel"] = (kernel_memory() - kernel) / MB
        figures["all"] = load.burst("all", 1, settings.size, within=200)["elapsed_ns"] / 1e9
        settle()
        figures["after"] = resident(server.pids())[0] / MB
        if burst:
            done = load.burst("all", burst, settings.size, within=300)
            figures["rate"] = done["received"] / done["elapsed_ns"] * 1e3
            settle()
            figures["burst"] = resident(server.pids())[0] / MB
    return figures
