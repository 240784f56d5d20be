"""Runs the cases, one line each. See run.sh."""

import argparse
import sys
import time

import disks
import kills
import starts
import tools


def main():
    parser = argparse.ArgumentParser(prog="tests/journal/run.sh")
    parser.add_argument("crier")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--kind", default="sqlite", choices=("sqlite", "memory"))
    options = parser.parse_args()
    failed = 0
    every = {}
    for part in (kills, disks, starts, tools):
        every.update(part.cases(options))
    for name, case in every.items():
        if options.only not in name:
            continue
        began = time.monotonic()
        try:
            result = f"ok    {name}: {case()}"
        except disks.Skip as reason:
            result = f"skip  {name}: {reason}"
        except Exception as problem:  # Whatever it is, the other cases run.
            failed += 1
            result = f"FAIL  {name}: {type(problem).__name__}: {problem}"
        print(f"{result} ({time.monotonic() - began:.1f} s)", flush=True)
    if failed:
        print(f"the seed was {options.seed}")
    return failed > 0


sys.exit(main())
