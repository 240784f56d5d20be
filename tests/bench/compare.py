#!/usr/bin/env python3
"""Measures crier with some settings beside crier with others, and prints a table.

    tests/bench/compare.py [--pairs N] [--only NAME]... VARIANT VARIANT...

A variant is KEY=VALUE[;KEY=VALUE]..., or `-` for the scenario's own settings. The first one is what
the others are compared with: as in run.py, all are started afresh and one after the other in each
pair, in an order that rotates, and a ratio is that of figures of the same pair.
"""
import argparse
import copy
import os
import statistics
import subprocess
import sys

from measure import Failed
from rows import SCENARIOS
from run import ROOT, Settings, machine, prepare, shown, values

NAMES = ("steady", "burst", "open", "lone")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=os.path.join(ROOT, ".build", "release"))
    parser.add_argument("--only", action="append", choices=NAMES, help="may be repeated")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    parser.add_argument("--size", type=int, default=64, help="bytes of data of a small event")
    parser.add_argument("--minutes", type=int, default=60, help="give up after so long")
    parser.add_argument("variants", nargs="+", metavar="VARIANT")
    return parser.parse_args()


def with_knobs(settings, variant):
    changed = copy.copy(settings)
    pairs = [] if variant == "-" else variant.split(";")
    changed.knobs = dict(pair.split("=", 1) for pair in pairs)
    return changed


def measure(scenario, settings, arguments, notes):
    figures = {variant: [] for variant in arguments.variants}
    for pair in range(arguments.pairs):
        turn = pair % len(arguments.variants)
        for variant in arguments.variants[turn:] + arguments.variants[:turn]:
            print(f"\r{scenario.name}: pair {pair + 1} of {arguments.pairs}, {variant}      ",
                  end="", file=sys.stderr, flush=True)
            try:
                run = scenario.run(with_knobs(settings, variant), "crier")
            except (Failed, OSError, subprocess.SubprocessError) as error:
                run = None
                notes.append(f"{scenario.name}, pair {pair + 1}, {variant}: {error}")
            figures[variant].append(run)
    print(file=sys.stderr)
    return figures


def cell(figures, variant, first, row):
    text = shown(values(figures, variant, row.key), row)
    ratios = [a[row.key] / b[row.key] for a, b in zip(figures[variant], figures[first])
              if a and b and b.get(row.key)]
    if variant == first or not ratios:
        return text
    return (f"{text}, {statistics.median(ratios):.2f} × "
            f"({min(ratios):.2f}–{max(ratios):.2f})")


def main():
    arguments = parse()
    settings = Settings(arguments)
    prepare(arguments.minutes)

    notes = []
    print(f"{machine()}; events of {settings.size} bytes, {arguments.pairs} pairs\n")
    print("| name | " + " | ".join(arguments.variants) + " |\n| ---" +
          " | ---" * len(arguments.variants) + " |")
    for scenario in SCENARIOS:
        if scenario.name not in (arguments.only or NAMES):
            continue
        figures = measure(scenario, settings, arguments, notes)
        for row in scenario.rows:
            cells = [cell(figures, variant, arguments.variants[0], row)
                     for variant in arguments.variants]
            print(f"| {row.name} | " + " | ".join(cells) + " |", flush=True)
    for note in notes:
        print(f"\n* {note}")


if __name__ == "__main__":
    main()
