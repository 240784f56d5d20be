"""Runs what a page of documentation shows: page.py CRIER PAGE.

A ```console block holds commands, each after `$ `, and below each what it prints. A blank line
before the next command is not part of that. In what is printed, `…` stands for anything within a
line, and alone for any lines; the number after `retry: ` for any number; the epoch of an id for
that of the daemon, always the same one. `$ crier serve` starts the daemon that the following
commands meet, in place of the one before; a command that ends with `&` stays, and `$ fg` is what
it prints later. Other fenced blocks whose language is in RECIPES publish an event and print its
id.
"""

import os
import pathlib
import re
import selectors
import shlex
import signal
import subprocess
import sys
import tempfile
import time

SECONDS_MAX = 10     # For each command.
QUIET_SECONDS = 0.3  # What is printed to its end may be followed by nothing for so long.
RECIPES = {
    "sh": ("recipe.sh", ["sh"]),
    "python": ("recipe.py", [sys.executable]),
    "js": ("recipe.mjs", ["node"]),
    "php": ("recipe.php", ["php"]),
    "go": ("recipe.go", ["go", "run"]),
}
RECIPE_SECONDS_MAX = 60  # Go compiles.
EPOCH = r"[a-p][a-z2-7]{12}"
ID = re.compile(rf"\b({EPOCH})(?=-\d)")
HOLES = re.compile(
    rf"(?P<lines>^…$\n?)|(?P<any>…)|(?<=retry: )(?P<number>\d+)|\b(?P<epoch>{EPOCH})(?=-\d)",
    re.MULTILINE)


class Failure(Exception):
    pass


class Program:
    """A command in a shell of its own, and what it has printed."""

    def __init__(self, command):
        self.output = ""
        self.process = subprocess.Popen(
            ["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)
        self.waiting = selectors.DefaultSelector()
        self.waiting.register(self.process.stdout, selectors.EVENT_READ)

    def read(self, seconds):
        """Reads what comes next; False at the end, or when nothing comes."""
        if not self.waiting.select(seconds):
            return False
        piece = os.read(self.process.stdout.fileno(), 65536).decode()
        self.output += piece.replace("\r\n", "\n")
        return piece != ""

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # It has ended, and all that it started.
        self.process.wait()
        self.process.stdout.close()


class Page:
    def __init__(self, crier, directory):
        self.crier = crier
        self.directory = directory
        self.socket = str(directory / "publish.sock")
        self.address = f"127.{64 + os.getpid() % 64}.201.1"  # As tests/clients/address.mjs.
        self.epochs = {}      # Of the page: of the daemon.
        self.foreign = set()  # Of the command alone: sent as they are, and come back so.
        self.daemon = None
        self.background = None

    def real(self, text):
        text = text.replace("127.0.0.1:8080", f"{self.address}:8080")
        text = text.replace("/run/crier/publish.sock", self.socket)
        return ID.sub(lambda found: self.epochs.get(found[1], found[1]), text)

    def serve(self, command):
        self.stop()
        self.epochs = {}
        options = shlex.split(command.replace("\\\n", ""))[2:]
        for key, value in (("http.listen", f"{self.address}:8080"),
                           ("admin.listen", f"{self.address}:8081"),
                           ("publish.socket", self.socket)):
            options += ["--set", f"{key}={value}"]
        self.daemon = Program(shlex.join([self.crier, "serve", *options]))
        deadline = time.monotonic() + SECONDS_MAX
        healthy = ["curl", "-sf", "-o", os.devnull, f"http://{self.address}:8080/healthz"]
        while subprocess.run(healthy, check=False).returncode != 0:
            self.daemon.read(0.05)
            if self.daemon.process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"the daemon did not start:\n{self.daemon.output}")

    def stop(self):
        for program in (self.background, self.daemon):
            if program is not None:
                program.stop()
        self.background = self.daemon = None

    def pattern(self, expected):
        """The regular expression for what is to be printed, and which group has which epoch."""
        parts, groups, at = [], {}, 0
        for hole in HOLES.finditer(expected):
            parts.append(re.escape(expected[at:hole.start()]))
            at = hole.end()
            epoch = hole["epoch"]
            if hole["lines"]:
                parts.append("(?:.*\n)*?" if hole[0].endswith("\n") else "(?:.*\n)*?.*")
            elif hole["any"]:
                parts.append(".*?")
            elif hole["number"]:
                parts.append(r"\d+")
            elif epoch in self.epochs or epoch in self.foreign:
                parts.append(self.epochs.get(epoch, epoch))
            elif epoch in groups:
                parts.append(f"(?P={groups[epoch]})")
            else:
                groups[epoch] = f"epoch{len(groups)}"
                parts.append(f"(?P<{groups[epoch]}>{EPOCH})")
        return "".join(parts) + re.escape(expected[at:]), groups

    def expect(self, program, command, expected):
        self.foreign = {epoch for epoch in ID.findall(command) if epoch not in self.epochs}
        pattern, groups = self.pattern(expected.rstrip("\n"))
        deadline = time.monotonic() + SECONDS_MAX
        matched = None
        while matched is None:
            more = program.read(max(0, deadline - time.monotonic()))
            matched = re.fullmatch(pattern, program.output.rstrip("\n"))
            if matched is None and not more:
                break
        while matched is not None and program.read(QUIET_SECONDS):
            matched = re.fullmatch(pattern, program.output.rstrip("\n"))
        if matched is None:
            raise Failure(f"it printed:\n{program.output}\nand not:\n{expected}")
        for epoch, group in groups.items():
            self.epochs[epoch] = matched[group]
        program.output = ""

    def run(self, command, expected):
        if command.startswith("crier serve "):
            return self.serve(command)
        if command == "fg":
            return self.expect(self.background, command, expected)
        program = Program(self.real(command.removesuffix("&")))
        try:
            self.expect(program, command, expected)
        finally:
            if command.endswith("&"):
                self.background = program
            else:
                program.stop()
        return None

    def recipe(self, language, text):
        name, interpreter = RECIPES[language]
        file = self.directory / name
        file.write_text(self.real(text), encoding="utf-8")
        before = self.published()
        done = subprocess.run([*interpreter, str(file)], capture_output=True, check=False,
                              timeout=RECIPE_SECONDS_MAX)
        said = (done.stdout + done.stderr).decode()
        if done.returncode != 0 or "202" not in said or not ID.search(said):
            raise Failure(f"it ended with {done.returncode}:\n{said}")
        if self.published() != before + 1:
            raise Failure(f"it did not publish one event to orders.eu:\n{said}")

    def published(self):
        answer = subprocess.run(["curl", "-s", "--unix-socket", self.socket,
                                 "http://crier/topics/orders.eu"], capture_output=True, check=True)
        found = re.search(r'"published":(\d+)', answer.stdout.decode())
        return int(found[1]) if found else 0


def steps_of(block):
    """(command, what it prints) for each command of a console block."""
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = step.split("\n")
        length = 1
        while lines[length - 1].endswith(("\\", "|")):
            length += 1
        yield "\n".join(lines[:length]), "\n".join(lines[length:])


def have(program):
    return subprocess.run(["sh", "-c", f"command -v {program}"], capture_output=True,
                          check=False).returncode == 0


def main(crier, file):
    counts = {"ok": 0, "FAIL": 0}

    def judge(name, test, *arguments):
        try:
            test(*arguments)
        except (Failure, subprocess.SubprocessError) as failure:
            counts["FAIL"] += 1
            print(f"FAIL {name}\n    " + str(failure).replace("\n", "\n    "))
        else:
            counts["ok"] += 1
            print(f"ok {name}")

    text = pathlib.Path(file).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="crier-interface-") as directory:
        page = Page(crier, pathlib.Path(directory))
        try:
            for language, block in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S):
                if language == "console":
                    for command, expected in steps_of(block):
                        judge("$ " + " ".join(command.split()), page.run, command, expected)
                elif language in RECIPES:
                    program = RECIPES[language][1][0]
                    if have(program):
                        judge(f"the recipe in {language}", page.recipe, language, block)
                    else:
                        print(f"skip the recipe in {language}: {program} is not installed")
        finally:
            page.stop()
    print(f"interface: {counts['ok']} ok, {counts['FAIL']} failed")
    return 1 if counts["FAIL"] or not counts["ok"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
