#!/usr/bin/env python3
"""Measures crier with some settings beside crier with others, or one build of it beside another,
and prints a table.

    tests/bench/compare.py [--pairs N] [--only NAME]... VARIANT VARIANT...

A variant is [NAME@]PART[;PART]..., where a part is KEY=VALUE, the path of a crier to run instead of
that of --build, or `-` for neither. The first one is what the others are compared with: as in
run.py, all are started afresh and one after the other in each pair, in an order that rotates, and a
ratio is that of figures of the same pair.
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

USUAL = ("steady", "burst", "open", "lone")
NAMES = [scenario.name for scenario in SCENARIOS]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=os.path.join(ROOT, ".build", "release"))
    parser.add_argument("--only", action="append", choices=NAMES,
                        help=f"may be repeated; without it: {', '.join(USUAL)}")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    parser.add_argument("--size", type=int, default=64, help="bytes of data of a small event")
    parser.add_argument("--minutes", type=int, default=60, help="give up after so long")
    parser.add_argument("variants", nargs="+", metavar="VARIANT")
    return parser.parse_args()


def heading(variant):
    return variant.split("@", 1)[0]


def of_variant(settings, variant):
    """The settings with the program and the knobs that the variant names."""
    changed = copy.copy(settings)
    changed.knobs = {}
    for part in variant.split("@", 1)[-1].split(";"):
        if "=" in part:
            key, value = part.split("=", 1)
            changed.knobs[key] = value
        elif part != "-":
            changed.crier = os.path.abspath(part)
    if not os.access(changed.crier, os.X_OK):
        raise SystemExit(f"compare.py: {changed.crier} is no program; a setting is KEY=VALUE")
    return changed


def measure(scenario, settings, arguments, notes):
    figures = {variant: [] for variant in arguments.variants}
    pairs = min(arguments.pairs, scenario.pairs_max)
    for pair in range(pairs):
        turn = pair % len(arguments.variants)
        for variant in arguments.variants[turn:] + arguments.variants[:turn]:
            print(f"\r{scenario.name}: pair {pair + 1} of {pairs}, {heading(variant)}      ",
                  end="", file=sys.stderr, flush=True)
            try:
                run = scenario.run(settings[variant], "crier")
            except (Failed, OSError, subprocess.SubprocessError) as error:
                run = None
                notes.append(f"{scenario.name}, pair {pair + 1}, {heading(variant)}: {error}")
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
    usual = Settings(arguments)
    settings = {variant: of_variant(usual, variant) for variant in arguments.variants}
    prepare(arguments.minutes)

    notes = []
    print(f"{machine()}; events of {arguments.size} bytes, {arguments.pairs} pairs\n")
    print("| name | " + " | ".join(map(heading, arguments.variants)) + " | budget |\n| ---" +
          " | ---" * len(arguments.variants) + " | --- |")
    for scenario in SCENARIOS:
        if scenario.name not in (arguments.only or USUAL):
            continue
        figures = measure(scenario, settings, arguments, notes)
        for row in scenario.rows:
            cells = [cell(figures, variant, arguments.variants[0], row)
                     for variant in arguments.variants]
            print("| " + " | ".join([row.name] + cells + [row.budget or "-"]) + " |", flush=True)
    for note in notes:
        print(f"\n* {note}")


if __name__ == "__main__":
    main()
