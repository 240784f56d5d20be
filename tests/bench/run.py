#!/usr/bin/env python3
"""Measures crier beside the floor and nchan, and prints DESIGN.md's budget table with the results.

    tests/bench/run.py [--quick] [--only NAME]... [--pairs N] [--million] [--build DIR]

Each pair starts every server afresh, one after the other, in an order that rotates from pair to
pair; ratios are taken within a pair, and the table gives their median and range. See README.md
beside this.
"""
import argparse
import datetime
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys

from measure import Failed
from rows import SCENARIOS
from targets import Nchan

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAIRS, PAIRS_QUICK = 9, 3


class Settings:
    def __init__(self, arguments):
        self.crier = os.path.join(arguments.build, "crier")
        self.floor = os.path.join(arguments.build, "tests", "bench_floor")
        self.load = os.path.join(arguments.build, "tests", "bench_load")
        self.size = arguments.size
        self.quick = arguments.quick
        self.knobs = {}  # Of crier, on top of the scenario's.

    def seconds(self, usual):
        return max(5, usual // 2) if self.quick else usual


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--build", default=os.path.join(ROOT, ".build", "release"))
    parser.add_argument("--only", action="append", choices=names, help="may be repeated")
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--quick", action="store_true", help=f"{PAIRS_QUICK} pairs, shorter runs")
    parser.add_argument("--million", action="store_true", help="the row of a million streams, too")
    parser.add_argument("--without", action="append", default=[],
                        choices=("crier", "floor", "nchan"))
    parser.add_argument("--size", type=int, default=64, help="bytes of data of a small event")
    parser.add_argument("--minutes", type=int, default=120, help="give up after so long")
    return parser.parse_args()


def chosen(arguments):
    for scenario in SCENARIOS:
        if all(name in arguments.without for name in scenario.targets):
            continue
        if arguments.only:
            wanted = arguments.million and scenario.name == "million"
            if scenario.name in arguments.only or wanted:
                yield scenario
        elif not scenario.optional or arguments.million:
            yield scenario


def measure(scenario, settings, arguments, notes):
    """{target: [figures of pair 0, of pair 1, …]}; None where a run failed."""
    targets = [name for name in scenario.targets if name not in arguments.without]
    if Nchan.module() is None and "nchan" in targets:
        targets.remove("nchan")
    pairs = min(arguments.pairs or (PAIRS_QUICK if arguments.quick else PAIRS), scenario.pairs_max)
    figures = {name: [] for name in targets}
    for pair in range(pairs):
        turn = pair % len(targets)
        for name in targets[turn:] + targets[:turn]:
            print(f"\r{scenario.name}: pair {pair + 1} of {pairs}, {name}      ", end="",
                  file=sys.stderr, flush=True)
            try:
                figures[name].append(scenario.run(settings, name))
            except (Failed, OSError, subprocess.SubprocessError) as error:
                figures[name].append(None)
                notes.append(f"{scenario.name}, pair {pair + 1}, {name}: {error}")
    print(file=sys.stderr)
    return figures


def values(figures, target, key):
    return [run.get(key) for run in figures.get(target, []) if run and run.get(key) is not None]


def ratios(figures, target, key):
    pairs = zip(figures.get(target, []), figures.get("floor", []))
    return [a[key] / b[key] for a, b in pairs if a and b and a.get(key) is not None and b.get(key)]


def shown(numbers, row):
    """The median, with the range where it is judged by itself and not by its ratio."""
    if not numbers:
        return "-"
    text = f"{statistics.median(numbers):,.{row.digits}f} {row.unit}".strip()
    if row.limit is not None and len(numbers) > 1:
        text += f" ({min(numbers):,.{row.digits}f}–{max(numbers):,.{row.digits}f})"
    return text


def verdict(row, figures, failed):
    own = values(figures, "crier", row.key)
    if row.ratio is None and row.limit is None or "crier" not in figures:
        return ""
    measured, limit = own, row.limit
    if row.ratio is not None:
        measured, limit = ratios(figures, "crier", row.key), row.ratio
    if not measured:
        return "not measured"
    middle = statistics.median(measured)
    met = middle >= limit if row.more_is_better else middle <= limit
    return ("yes" if met else "**no**") + (" (runs failed)" if failed else "")


def table_lines(scenario, figures):
    failed = None in figures.get("crier", [])
    for row in scenario.rows:
        cells = [row.name]
        for target in ("crier", "floor", "nchan"):
            cell = shown(values(figures, target, row.key), row)
            against = ratios(figures, target, row.key)
            if target == "nchan" and against and row.ratio is not None:
                cell += f" ({statistics.median(against):.2f} ×)"
            cells.append(cell)
        against = ratios(figures, "crier", row.key)
        cells.append(f"{statistics.median(against):.2f} ({min(against):.2f}–{max(against):.2f})"
                     if against else "-")
        cells += [row.budget or "-", verdict(row, figures, failed)]
        yield "| " + " | ".join(cells) + " |"


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo") as text:
        for line in text:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    today = datetime.date.today().isoformat()
    return (f"{today}, Linux {platform.release()}, {os.cpu_count()} cores ({model}), "
            f"{memory:.0f} GiB, {resource.getrlimit(resource.RLIMIT_NOFILE)[1]:,} descriptors")


def give_up(*_):
    raise SystemExit("run.py: out of time (--minutes)")


def prepare(minutes):
    """As many descriptors as there may be, and an end after so long, or when told to end."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for ends in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ends, lambda *_: sys.exit(1))  # Leave through the context managers.
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(minutes * 60)


def main():
    arguments = parse()
    settings = Settings(arguments)
    for binary in (settings.load, settings.floor, settings.crier):
        wanted = binary != settings.crier or "crier" not in arguments.without
        if wanted and not os.access(binary, os.X_OK):
            raise SystemExit(f"run.py: {binary} is missing: "
                             "cmake -G Ninja -C .cmake/release.cmake -B .build/release && "
                             "cmake --build .build/release")
    prepare(arguments.minutes)

    notes = []
    print(f"{machine()}; events of {settings.size} bytes, {arguments.pairs or 'default'} pairs\n")
    print("| name | crier | floor | nchan | ratio | budget | met |\n" + "| --- " * 7 + "|")
    for scenario in chosen(arguments):
        for line in table_lines(scenario, measure(scenario, settings, arguments, notes)):
            print(line, flush=True)
    for note in notes:
        print(f"\n* {note}")


if __name__ == "__main__":
    main()
