#!/usr/bin/env python3
"""Whether a binary has the probes that core/probe.h documents, and whether scripts for bpftrace use
none but these.

  tests/package/probes.py BINARY SCRIPT…

Prints what is wrong, and fails if anything is. Needs readelf.
"""

import pathlib
import re
import subprocess
import sys

HEADER = pathlib.Path(__file__).parents[2] / "core/probe.h"
DOCUMENTED = re.compile(r"^//   (\w+) +(\w+(?:, \w+)+)$", re.MULTILINE)
NOTE = re.compile(r"Provider: crier\n\s*Name: (\w+)\n.*\n\s*Arguments: *(.*)")
# A probe, a predicate and a block; blocks of these scripts hold no braces.
CLAUSE = re.compile(r"usdt:/usr/bin/crier:crier:(\w+)\s*(?:/([^\n]*)/)?\s*\{([^}]*)\}")


def documented():
    """The number of arguments of each probe, as the header has them."""
    return {name: len(arguments.split(", "))
            for name, arguments in DOCUMENTED.findall(HEADER.read_text())}


def in_binary(path):
    """The same as the binary has them; a probe stands once for each place that it is inlined."""
    notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True)
    probes = {}
    for name, arguments in NOTE.findall(notes.stdout):
        probes.setdefault(name, set()).add(len(arguments.split()))
    return probes


def mistakes_of(script, probes, used):
    text = re.sub(r"//.*", "", pathlib.Path(script).read_text())
    clauses = CLAUSE.findall(text)
    if len(clauses) != text.count("usdt:"):
        yield "a probe is not `usdt:/usr/bin/crier:crier:NAME`, a predicate, and a block"
    for name, predicate, block in clauses:
        used.add(name)
        if name not in probes:
            yield f"there is no probe {name}"
            continue
        for number in re.findall(r"\barg(\d+)\b", predicate + block):
            if int(number) >= probes[name]:
                yield f"{name} has no arg{number}, only {probes[name]} arguments"


def main():
    binary, *scripts = sys.argv[1:]
    probes = documented()
    found = in_binary(binary)
    mistakes = []
    for name in probes.keys() | found.keys():
        if found.get(name) != {probes.get(name)}:
            mistakes.append(f"{name}: documented with {probes.get(name)} arguments, "
                            f"in {binary} with {found.get(name)}")
    used = set()
    for script in scripts:
        mistakes += [f"{script}: {mistake}" for mistake in mistakes_of(script, probes, used)]
    mistakes += [f"no script uses {name}" for name in sorted(probes.keys() - used)]
    print("\n".join(mistakes or [f"{len(probes)} probes, {len(scripts)} scripts"]))
    return 1 if mistakes else 0


sys.exit(main())
