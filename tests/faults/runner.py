"""The runs of run.sh: one fault after another on live daemons, a few daemons at a time."""

import argparse
import collections
import itertools
import multiprocessing
import shlex
import sys
import time

import allocations
from allocations import AllocationTarget, start_failures
from cases import Skip, all_cases
from daemon import Died
from faults import FAULTS, LIES, moment
from load import Broken
from memory import memory_that_is_filled
from starts import start_faults
from target import VARIANTS, Outcome, Target

START_STEP = 25          # Every so many calls of a start; with --long each.

RARE = {fault.name for fault in FAULTS if fault.load == "large"}


def serve(kind, crier, variant, queues, results, deadline):
    """One process: takes (fault, n, stretch) from each queue until None."""
    target = kind(crier, variant)
    for queue in queues:
        while (item := queue.get()) is not None:
            fault, n, stretch = item
            if time.monotonic() > deadline:
                continue
            try:
                results.put(target.run(fault, n, stretch))
            except Exception as problem:  # The other runs are of interest.
                results.put(Outcome(fault.name, str(n), variant, problem=repr(problem)))
                target.stop()
    problem = ""
    try:
        if target.daemon is not None:
            target.load.check_ready_again()
    except (Broken, Died) as broken:
        problem = str(broken)
    problem = problem or target.stop()
    results.put(Outcome("all clients leave, and the daemon stops", "", variant, 1, problem))
    results.put((target.figures, target.notes))


def plan(faults, runs):
    """Round by round, so that few runs see every fault once."""
    order = []
    while faults and len(order) < runs:
        order += [(fault, *moment(fault, len(order) // len(faults))) for fault in faults]
    return order[:runs]


class Report:
    def __init__(self, crier):
        self.crier = crier
        self.runs = collections.Counter()
        self.hits = collections.Counter()
        self.missed = collections.Counter()
        self.failed = collections.Counter()
        self.void = collections.Counter()
        self.figures = {}
        self.notes = collections.Counter()
        self.places = set()

    def add(self, outcome):
        name = outcome.fault
        if outcome.void:
            self.void[name] += 1
        elif outcome.problem:
            self.failed[name] += 1
            print(f"FAIL {name}, call {outcome.when}: {outcome.problem}", flush=True)
            print(outcome.log)
            if outcome.when:
                print(f"again: tests/faults/run.sh {self.crier} --only {shlex.quote(name)} "
                      f"--when {outcome.when} --variant {outcome.variant} --runs 20")
        elif not outcome.hits:
            self.missed[name] += 1
        else:
            self.runs[name] += 1
            self.hits[name] += outcome.hits
            self.places.add(outcome.place)

    def add_figures(self, figures, notes):
        for name, figure in figures.items():
            self.figures[name] = max(self.figures.get(name, 0), figure)
        self.notes.update(notes)

    def end(self, seconds):
        for name in self.missed.keys() | self.void.keys() | self.runs.keys():
            if self.failed[name] or self.runs[name]:
                continue
            if name in RARE:
                print(f"skip {name}: no run reached the call, which malloc seldom makes")
            else:
                self.failed[name] += 1
                print(f"FAIL {name}: no run reached the call")
        for name, runs in self.runs.items():
            if self.failed[name]:
                continue
            more = "".join(f", {count[name]} {text}" for count, text in (
                (self.missed, "not reached"), (self.void, "void")) if count[name])
            print(f"ok   {name}: {runs} runs, {self.hits[name]} calls{more}")
        for name, figure in self.figures.items():
            print(f"     {name}: at most {figure:.1f}")
        for note, count in self.notes.most_common(40):
            print(f"     {count} x {note}")
        if len(self.places) > 1:
            print(f"     {len(self.places)} different call stacks")
        runs = sum(self.runs.values()) + sum(self.failed.values())
        print(f"     {runs} runs, {sum(self.hits.values())} calls failed or late, {seconds:.0f} s")
        failed = sum(self.failed.values())
        passed = sum(not self.failed[name] for name in self.runs)
        return passed, failed


def run_all(kind, crier, order, variants, minutes):
    """On targets of a kind."""
    began = time.monotonic()
    report = Report(crier)
    results, common, memory = (multiprocessing.Queue() for _ in range(3))
    for item in order:
        (memory if item[0].load == "mapped" and len(variants) > 1 else common).put(item)
    processes = []
    for variant in variants:
        queues = [memory, common] if VARIANTS[variant][1] else [common]
        for queue in queues:
            queue.put(None)
        processes.append(multiprocessing.Process(target=serve,
                                                 args=(kind, crier, variant, queues, results,
                                                       began + minutes * 60)))
        processes[-1].start()
    working = len(processes)
    while working:
        result = results.get()
        if isinstance(result, Outcome):
            report.add(result)
        else:
            report.add_figures(*result)
            working -= 1
    for process in processes:
        process.join()
    return report.end(time.monotonic() - began)


def run_one_by_one(crier, wanted, long):
    """What is not injected into a live daemon at the N-th call; returns (passed, failed)."""
    passed = failed = 0

    def tell(name, figure, problem):
        nonlocal passed, failed
        passed, failed = passed + (not problem), failed + bool(problem)
        if problem:
            print(f"FAIL {name}: {problem}", flush=True)
        else:
            print(f"ok   {name}" + (f": {figure}" if figure else ""), flush=True)

    cases = all_cases(long)
    if long:
        cases.append(("memory that is filled", memory_that_is_filled))
    for name, case in cases:
        if wanted not in name:
            continue
        try:
            tell(name, case(crier), "")
        except Skip as reason:
            print(f"skip {name}: {reason}", flush=True)
        except Exception as problem:  # Whatever it is, the other cases are of interest.
            tell(name, "", repr(problem))
    step = 1 if long else START_STEP
    for name, starts, problem in itertools.chain(start_faults(crier, wanted, step),
                                                 start_failures(crier, wanted, long)):
        tell(name, f"{starts} starts", problem)
    for lie, words in LIES if long else []:
        if wanted in (name := f"lie, {lie.name}"):
            target = Target(crier, 0)
            told = target.run(lie, 20, 1)
            target.stop()
            noticed = told.hits and told.problem and words in told.problem
            tell(name, f"noticed: {told.problem[:60]}", "" if noticed else "not noticed")
    return passed, failed


def main():
    parser = argparse.ArgumentParser(prog="tests/faults/run.sh")
    parser.add_argument("crier")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--only", default="", help="a part of faults' names")
    parser.add_argument("--when", help="N or N..M, as strace counts: the same in each run")
    parser.add_argument("--variant", type=int, help="only this daemon")
    parser.add_argument("--minutes", type=float, default=60, help="then no more faults")
    options = parser.parse_args()

    passed = failed = 0
    if not options.when:
        passed, failed = run_one_by_one(options.crier, options.only, options.long)
    variants = range(len(VARIANTS)) if options.variant is None else [options.variant]
    for kind, rows, runs in ((Target, FAULTS, 10_000 if options.long else 300),
                             (AllocationTarget, allocations.FAULTS, 1_500 if options.long else 60)):
        faults = [fault for fault in rows if options.only in fault.name]
        runs = options.runs or runs
        if options.when:
            first, _, last = options.when.partition("..")
            stretch = int(last or first) - int(first) + 1
            order = [(fault, int(first), stretch) for fault in faults for _ in range(runs)]
        else:
            order = plan(faults, runs)
        if order:
            more = run_all(kind, options.crier, order, variants, options.minutes)
            passed, failed = passed + more[0], failed + more[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
