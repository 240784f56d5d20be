"""`crier journal` beside a daemon that publishes as fast as it can, and on the copy it makes."""

import json
import os
import subprocess

from daemon import Daemon, own_address
from disks import serving
from kills import SETTINGS, journal_settings

PATIENCE_SECONDS = 30


def run(options, *words, code=0):
    ran = subprocess.run([options.crier, "journal", *words], capture_output=True, text=True,
                         timeout=PATIENCE_SECONDS)
    if ran.returncode != code:
        raise AssertionError(f"crier journal {words}: exit code {ran.returncode}: {ran.stderr}")
    return ran.stderr if code else ran.stdout


def figures(options, *words):
    return json.loads(run(options, *words, "--json"))


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def acknowledged(load):
    return {f"{topic.name} {n}": sequence
            for topic in load.topics for n, sequence in topic.acknowledged.items()}


def back_up(options, daemon, load, copy):
    """Returns the sequences of what was acknowledged before, by the beginning of its data."""
    load.publish_for(0.1)
    before = acknowledged(load)
    process = subprocess.Popen(
        [options.crier, "journal", "backup", copy, "--socket", daemon.socket])
    load.wait(lambda: process.poll() is not None, "the backup does not end")
    check(process.returncode == 0, "the backup failed")
    check(len(acknowledged(load)) > len(before), "nothing was acknowledged meanwhile")
    return before


def exported(options, copy, epoch):
    """Returns the sequences by the beginning of each event's data."""
    found, last = {}, 0
    for line in run(options, "export", copy).splitlines():
        event = json.loads(line)
        of_epoch, _, sequence = event["id"].rpartition("-")
        topic, n, _ = event["data"].split(" ")
        check(event["topic"] == topic and event["time"].endswith("Z"), f"exported: {line}")
        check(of_epoch == epoch, f"exported: {line}; the epoch is {epoch}")
        check(int(sequence) > last, f"exported: {line}, after {last}")
        last = int(sequence)
        found[f"{topic} {n}"] = last
    return found


def started_with(options, copy):
    """The figures of a daemon that goes on with the copy."""
    daemon = Daemon(options.crier, own_address(111), [*SETTINGS, *journal_settings("sqlite", copy)])
    try:
        daemon.wait_until_serving()
        return figures(options, "info", "--socket", daemon.socket)
    finally:
        daemon.stop()


def tools(options):
    with serving(options.crier, "sqlite", 110) as (daemon, load):
        copy, path = f"{daemon.directory}/copy", f"{daemon.directory}/journal.db"
        before = back_up(options, daemon, load, copy)
        live = figures(options, "info", "--socket", daemon.socket)
        [epoch] = load.epochs
        check(live["epoch"] == epoch and live["state"] == "ok" and live["path"] == path,
              f"info: {live}")
        check("a daemon has the journal" in run(options, "verify", path, code=1), "not locked")
        load.settle()
        known = figures(options, "verify", copy)
        check(known["damaged"] == 0 and known["newest"] <= live["newest"], f"verify: {known}")
        found = exported(options, copy, epoch)
        check(len(found) == known["events"], f"{len(found)} events exported; verify: {known}")
        check(before.items() <= found.items(), "the copy lacks acknowledged events")
        other = started_with(options, copy)
        check(other["newest"] == known["newest"], f"started with the copy: {other}")
        check(other["epoch"] != epoch, "a daemon went on with the epoch of the copy")
        begun = run(options, "new-epoch", copy).strip()
        check(started_with(options, copy)["epoch"] == begun, "not the epoch of new-epoch")
        size = os.path.getsize(copy)
        for name in os.listdir(daemon.directory):
            if name.startswith("copy"):
                os.unlink(os.path.join(daemon.directory, name))
    return f"a copy of {len(found)} events, {size >> 10} KiB, made under load"


def cases(options):
    return {} if options.kind == "memory" else {"crier journal": lambda: tools(options)}
