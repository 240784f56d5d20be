#!/usr/bin/env python3
"""Attacks the real daemon while healthy clients use it, and prints what they noticed.

    tests/attack/attack.py [--only NAME]... [--runs N] [--counts] [--write] [--build DIR]
    tests/attack/attack.py --short [--crier PATH]

The full form prints a table: test, figure, target, met. The short form takes less than a minute,
judges only what does not depend on the machine's speed, and prints `ok` or `FAIL` for each attack.
See README.md beside this.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys

import scene  # Finds the modules of tests/bench.
import connecting
import publishing
import wire
from measure import Failed
from run import ROOT, machine, prepare

ATTACKS = connecting.ATTACKS + publishing.ATTACKS + wire.ATTACKS
README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md")
HEADING = "| test | figure | target | met |\n" + "| --- " * 4 + "|\n"


class Settings:
    def __init__(self, arguments):
        tools = os.path.join(os.path.dirname(arguments.crier), "tests")
        self.crier = arguments.crier
        self.load, self.connections, self.heads = (
            os.path.join(tools, name) for name in ("bench_load", "attack_connections",
                                                   "attack_heads"))
        self.short = arguments.short
        self.seconds = 1 if arguments.short else 5  # Of a quiet while, and of most attacks.
        self.knobs = {}
        self.notes = []
        schema = subprocess.run([self.crier, "config", "--schema"], capture_output=True, text=True,
                                check=True)
        self.limits = json.loads(schema.stdout)["properties"]["limits"]["properties"]

    def either(self, full, short):
        return short if self.short else full

    def knows(self, limit):
        return limit in self.limits

    def note(self, text):
        if text:
            self.notes.append(text)

    def seed(self):
        return int.from_bytes(os.urandom(4), "big")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=os.path.join(ROOT, ".build", "release"))
    parser.add_argument("--crier", help="the daemon; the tools are in tests/ beside it")
    parser.add_argument("--only", action="append", choices=[attack.name for attack in ATTACKS],
                        help="may be repeated")
    parser.add_argument("--runs", type=int, help="of each attack: 3, in the short form 1")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--counts", action="store_true",
                        help="without the rows of time: on a machine that does other things, too")
    parser.add_argument("--write", action="store_true", help="the table into README.md, too")
    arguments = parser.parse_args()
    arguments.crier = os.path.abspath(arguments.crier or os.path.join(arguments.build, "crier"))
    arguments.runs = arguments.runs or (1 if arguments.short else 3)
    return arguments


def values(runs, key):
    return [figures[key] for figures in runs if key in figures]


def judged(row, runs):
    """The median of what is measured, the worst of what is counted."""
    found = values(runs, row.key)
    if row.timed:
        return statistics.median(found)
    return min(found) if row.at_least else max(found)


def met(row, runs):
    value = judged(row, runs)
    return value >= row.limit if row.at_least else value <= row.limit


def number(value, row):
    return f"{value:,.{row.digits}f} {row.unit}".strip()


def figure(row, runs):
    found = values(runs, row.key)
    text = number(judged(row, runs), row)
    if row.timed and len(found) > 1:
        text += f" ({min(found):,.{row.digits}f}–{max(found):,.{row.digits}f})"
    if row.beside:
        attacked, quiet = (statistics.median(values(runs, key)) for key in row.beside)
        if row.key == row.beside[0]:
            return f"{text}, quiet {quiet:.1f} ms"
        text += f", {attacked:.1f} to {quiet:.1f} ms"
    return text


def target(row):
    return ("≥ " if row.at_least else "≤ ") + number(row.limit, row) if row.limit else \
        "0" if row.limit == 0 else ""


def table(attack, runs, counts):
    for row in attack.rows:
        if values(runs, row.key) and not (counts and row.timed):
            verdict = "" if row.limit is None else "yes" if met(row, runs) else "**no**"
            yield (f"| {attack.name} | {row.name}: {figure(row, runs)} | {target(row)} | "
                   f"{verdict} |")


def verdict(attack, runs):
    """A line as tests/run.sh counts them."""
    wrong = [f"{row.name}: {figure(row, runs)}, not {target(row)}" for row in attack.rows
             if not row.timed and row.limit is not None and values(runs, row.key)
             and not met(row, runs)]
    return f"FAIL {attack.name}: {'; '.join(wrong)}" if wrong else f"ok   {attack.name}"


def run(attack, settings, times):
    runs = []
    for turn in range(times):
        if not settings.short:
            print(f"{attack.name}: {turn + 1} of {times}", file=sys.stderr)
        runs.append(attack.run(settings))
    return runs


def write(lines, ran):
    """Puts the lines in place of those of the same attacks; those of others stay."""
    with open(README, encoding="utf-8") as text:
        before, _, kept = text.read().partition("## Results\n")
    kept = [line for line in kept.splitlines()
            if (test := re.match(r"\| (.*?) \|", line)) and test[1] not in ran | {"test", "---"}]
    order = [attack.name for attack in ATTACKS]
    lines = sorted(kept + lines, key=lambda line: order.index(line.split(" | ")[0][2:]))
    with open(README, "w", encoding="utf-8") as text:
        text.write(before + f"## Results\n\n{machine()}.\n\n" + HEADING + "\n".join(lines) + "\n")


def main():
    arguments = parse()
    settings = Settings(arguments)
    for binary in (settings.crier, settings.load, settings.connections, settings.heads):
        if not os.access(binary, os.X_OK):
            raise SystemExit(f"attack.py: {binary} is missing: build bench_load, "
                             "attack_connections and attack_heads with crier")
    prepare(minutes=120)
    chosen = [attack for attack in ATTACKS if not arguments.only or attack.name in arguments.only]
    if not arguments.short:
        print(f"{machine()}; {arguments.runs} runs\n\n{HEADING}", end="")
    lines, bad = [], 0
    for attack in chosen:
        try:
            runs = run(attack, settings, arguments.runs)
        except (Failed, OSError, subprocess.SubprocessError) as error:
            bad += 1
            print(f"FAIL {attack.name}: {error}", flush=True)
            lines.append(f"| {attack.name} | it did not run to its end: {error} |  | **no** |")
            continue
        found = ([verdict(attack, runs)] if arguments.short
                 else list(table(attack, runs, arguments.counts)))
        bad += sum(line.startswith("FAIL") or "**no**" in line for line in found)
        lines += found
        print("\n".join(found), flush=True)
    for note in settings.notes:
        print(f"\n* {note}" if not arguments.short else f"     {note}")
    if arguments.write:
        write(lines, {attack.name for attack in chosen})
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
