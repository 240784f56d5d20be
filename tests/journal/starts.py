"""Starts that are refused, each with a sentence that says what to do, and nothing is changed."""

import contextlib
import os
import resource
import sqlite3
import tempfile

from daemon import Daemon, own_address
from disks import Skip, SmallDisk
from kills import SETTINGS, journal_settings

START_SECONDS = 10


@contextlib.contextmanager
def kept_journal(crier, n, wrapper=(), path="{directory}/journal.db"):
    """A daemon that has made a journal, and has ended."""
    daemon = Daemon(crier, own_address(n),
                    [*SETTINGS, *journal_settings("sqlite", path)], wrapper=wrapper)
    try:
        daemon.wait_until_serving()
        daemon.process.terminate()
        daemon.process.wait(START_SECONDS)
        yield daemon, f"{daemon.directory}/journal.db"
    finally:
        daemon.stop()


def contents(directory):
    found = {}
    for name in sorted(os.listdir(directory)):
        if "journal" in name:
            with open(os.path.join(directory, name), "rb") as file:
                found[name] = file.read()
    return found


def refused(daemon, *words):
    """Returns the line that the start printed last."""
    daemon.spawn()
    code = daemon.process.wait(START_SECONDS)
    lines = daemon.text().splitlines()
    if code not in (1, 2):
        raise AssertionError(f"exit code {code}: {lines[-3:]}")
    for word in words:
        if word not in lines[-1]:
            raise AssertionError(f"no `{word}` in: {lines[-1]}")
    return lines[-1]


def unchanged_and_refused(daemon, *words):
    before = contents(daemon.directory)
    line = refused(daemon, *words)
    if contents(daemon.directory) != before:
        raise AssertionError("a file of the journal has changed")
    return line


def newer(crier):
    with kept_journal(crier, 100) as (daemon, path):
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA user_version = 99")
            database.commit()
        return unchanged_and_refused(daemon, path, "format 99", "version of crier")


def not_a_journal(crier):
    with kept_journal(crier, 101) as (daemon, path):
        with open(path, "w") as file:
            file.write("a text that somebody needs\n" * 1000)
        return unchanged_and_refused(daemon, path, "move it away")


def a_directory(crier):
    with kept_journal(crier, 102) as (daemon, path):
        os.unlink(path)
        os.mkdir(path)
        try:
            return refused(daemon, path, "is not a file")
        finally:
            os.rmdir(path)


def no_directory(crier):
    with tempfile.TemporaryDirectory(prefix="crier-test-") as place:
        daemon = Daemon(crier, own_address(103),
                        [*SETTINGS, *journal_settings("sqlite", f"{place}/missing/journal.db")])
        daemon.process.kill()
        daemon.process.wait()
        try:
            return refused(daemon, f"{place}/missing", "directory", "must exist")
        finally:
            daemon.stop()


def another_daemon(crier):
    with kept_journal(crier, 104) as (daemon, path):
        daemon.spawn()
        daemon.wait_until_serving()
        other = Daemon(crier, own_address(105), [*SETTINGS, *journal_settings("sqlite", path)])
        try:
            other.process.wait(START_SECONDS)
            line = refused(other, path, "in use", "stop")
        finally:
            other.stop()
        daemon.check()
        return line


def another_user(crier):
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    with kept_journal(crier, 106) as (daemon, path):
        os.chmod(daemon.directory, 0o777)
        os.chmod(f"{path}.head", 0o666)
        daemon.enter = lambda: os.setuid(65534)
        return unchanged_and_refused(daemon, path, "user 0", "chown")


def read_only(crier):
    with SmallDisk() as disk:
        with kept_journal(crier, 107, disk.wrapper, f"{disk.place}/journal.db") as (daemon, _):
            disk.mount("remount,ro")
            return refused(daemon, f"{disk.place}/journal.db", "writable", "ead-only")


def bounded_files(crier):
    with kept_journal(crier, 108) as (daemon, _):
        daemon.enter = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        daemon.spawn()
        daemon.wait_until_serving()
        return "serves, though no file may be longer than 1 MiB"


def cases(options):
    if options.kind == "memory":
        return {}
    return {f"start, {case.__name__.replace('_', ' ')}": lambda case=case: case(options.crier)
            for case in (newer, not_a_journal, a_directory, no_directory, another_daemon,
                         another_user, read_only, bounded_files)}
