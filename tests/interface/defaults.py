"""Compares what pages say of settings with `crier config --example`: defaults.py CRIER FOLDER.

A page quotes a default as `section.name` (VALUE): 5,000, 256 KiB, 30 s, or the text itself. A
number with another meaning does not stand there. Names of settings in backquotes must exist.
CHANGELOG.md says what was, and is left out.
"""

import json
import pathlib
import re
import subprocess
import sys

UNITS = {"": 1, " s": 1, " KiB": 1024, " MiB": 1024**2, " GiB": 1024**3}
NAME = re.compile(r"`(?P<key>[a-z]+\.[a-z_]+)`(?: \((?P<value>[^)`;]+)[;)])?")
NUMBER = re.compile(r"([\d,]+)( s| KiB| MiB| GiB|)")
FEWEST = 15  # Defaults that are quoted: with fewer, the form is no longer what this file expects.


def defaults_of(crier):
    """Each key with its default, and the names of the sections."""
    example = subprocess.run([crier, "config", "--example"], stdout=subprocess.PIPE, check=True)
    lines = [line for line in example.stdout.decode().splitlines()
             if not line.lstrip().startswith("//")]
    sections = json.loads("\n".join(lines))
    sections.pop("topics")
    return {f"{section}.{name}": value for section, settings in sections.items()
            for name, value in settings.items()}, sections.keys()


def value_of(text):
    number = NUMBER.fullmatch(text)
    return int(number[1].replace(",", "")) * UNITS[number[2]] if number else text


def main(crier, folder):
    defaults, sections = defaults_of(crier)
    failures = quoted = 0
    root = pathlib.Path(folder)
    for page in [root / "README.md", *sorted((root / "deploy").rglob("*.md"))]:
        if page.name == "CHANGELOG.md":
            continue
        for found in NAME.finditer(" ".join(page.read_text(encoding="utf-8").split())):
            key, value = found["key"], found["value"]
            problem = ""
            if key not in defaults:
                if key.split(".")[0] in sections and not key.endswith(".md"):
                    problem = "there is no such setting"
            elif value:
                quoted += 1
                if value_of(value) != defaults[key]:
                    problem = f"its default is {defaults[key]}, not {value}"
            if problem:
                failures += 1
                print(f"FAIL {page.relative_to(root)}: {key}: {problem}")
    if quoted < FEWEST:
        failures += 1
        print(f"FAIL {quoted} defaults are quoted, at least {FEWEST} were")
    print(f"defaults: {quoted} quoted, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
