"""Disk calls that fail or are late, and a full file system.

While the disk fails nothing is acknowledged, publishers are refused with 503 or 507 and a
Retry-After, and streams stay. When it works again, so does publishing, without a restart; what was
refused and repeated is there once. Then the daemon is killed, and all is there still.
"""

import contextlib
import dataclasses
import glob
import os
import random
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from daemon import Daemon, own_address
from kills import SETTINGS, journal_settings
from load import Load
from strace import Injection

REACH_SECONDS = 3     # For the call to come.
LASTING_SECONDS = 1.3  # The journal tries again each second.
IN_FLIGHT_SECONDS = 0.1  # An answer may be under way when the first call fails.
AGAIN_SECONDS = 5     # For publishing to work once the disk does.


class Skip(Exception):
    pass


@dataclasses.dataclass
class Fault:
    calls: str
    what: str      # strace's
    first: int     # The first call that fails, of those of one thread; at most: drawn at random.
    count: int     # So many fail; 0: all from then on, until the test ends it.
    interval: bool = False

    def name(self):
        lasting = f"{self.count} times" if self.count else "lasting"
        return f"{self.calls} {self.what} {lasting}{' interval' if self.interval else ''}"


SYNC = "fdatasync,fsync"
FAULTS = [
    Fault(SYNC, "error=EIO", 20, 1), Fault(SYNC, "error=EIO", 20, 0),
    Fault("pwrite64", "error=EIO", 100, 1), Fault("pwrite64", "error=ENOSPC", 100, 0),
    Fault(f"ftruncate,openat,unlink,{SYNC}", "error=EIO", 5, 3),
    Fault(SYNC, "delay_enter=60000", 1, 8), Fault(SYNC, "error=EIO", 3, 1, interval=True),
]
LONG_FAULTS = FAULTS + [
    Fault(calls, what, first, count, interval)
    for interval in (False, True) for first in (1, 5, 100)
    for calls, what in ((SYNC, "error=EIO"), (SYNC, "error=ENOSPC"), (SYNC, "error=EINTR"),
                        ("pwrite64", "error=EIO"), ("pwrite64", "error=ENOSPC"),
                        ("pwrite64", "error=EDQUOT"), ("pread64", "error=EIO"),
                        ("ftruncate", "error=EIO"), ("newfstatat,fstat", "error=EIO"))
    for count in (1, 7, 0)
]


@contextlib.contextmanager
def serving(crier, kind, n, settings=(), wrapper=(), path="{directory}/journal.db"):
    daemon = Daemon(crier, own_address(n),
                    [*SETTINGS, *journal_settings(kind, path), *settings], wrapper=wrapper)
    try:
        daemon.wait_until_serving()
        load = Load(daemon)
        load.publish_for(0.1)
        load.settle()
        yield daemon, load
        daemon.kill()
        daemon.spawn()
        daemon.wait_until_serving()
        load.settle()
        load.publish_for(0.05)
        load.settle()
        load.close()
    except BaseException:
        daemon.kill()
        raise
    code = daemon.stop()
    if code:
        raise AssertionError(f"exit code {code} after SIGTERM")


def unready(daemon):
    """Why /readyz says 503; nothing: it does not."""
    try:
        urllib.request.urlopen(f"http://{daemon.host}:8081/readyz", timeout=5).close()
        return ""
    except urllib.error.HTTPError as error:
        return error.read().decode()


def while_failing(daemon, load, began):
    """Nothing is acknowledged, /readyz says why, no stream ends."""
    streams = [stream for stream in load.streams if not stream.absent and not stream.rests_after]
    reopened = [stream.reopened for stream in streams]
    load.run(LASTING_SECONDS)
    daemon.check()
    if load.acknowledged_at > began + IN_FLIGHT_SECONDS:
        raise AssertionError(f"acknowledged {load.acknowledged_at - began:.2f} s after it failed")
    if "journal" not in unready(daemon):
        raise AssertionError("/readyz does not name the journal")
    if [stream.reopened for stream in streams] != reopened:
        raise AssertionError("a stream ended")
    if not load.refusals():
        raise AssertionError("no publisher was refused")


def works_again(daemon, load):
    """Returns the seconds that it took."""
    began = time.monotonic()
    load.wait(lambda: load.acknowledged_at > began, "publishing does not work again",
              AGAIN_SECONDS)
    took = time.monotonic() - began
    load.settle()
    if why := unready(daemon):
        raise AssertionError(f"/readyz: {why}")
    return took


def failing(options, fault, n):
    settings = ["journal.sync=interval"] if fault.interval else []
    with serving(options.crier, "sqlite", n, settings) as (daemon, load):
        first = random.Random(options.seed).randint(1, fault.first)
        when = f"{first}..{first + fault.count - 1}" if fault.count else f"{first}+"
        load.publish_for(0.02)
        files = [f"{daemon.directory}/journal.db{end}" for end in ("", "-wal", "-journal")]
        paths = sorted({*glob.glob(f"{daemon.directory}/journal*"), *files, daemon.directory})
        injection = Injection(daemon, fault.calls, fault.what, when, paths)
        try:
            def hit():
                injection.read()
                return injection.hits()
            load.wait(lambda: injection.read() or injection.attached(), "strace does not attach")
            if not load.loop.run(lambda: hit() or not daemon.alive(), REACH_SECONDS):
                raise Skip("the call does not come")
            if not fault.count and "error" in fault.what and not fault.interval:
                while_failing(daemon, load, time.monotonic())
            else:
                load.run(0.3 if fault.count == 1 else LASTING_SECONDS)
        finally:
            injection.detach()
        daemon.check()
        took = works_again(daemon, load)
        refused = sum(load.refusals().values())
    return (f"{len(injection.hits())} calls, {refused} publishes refused, "
            f"acknowledges again after {took * 1000:.0f} ms")


class SmallDisk:
    """A file system of 64 MiB in a mount namespace of its own."""

    def __init__(self):
        self.place = tempfile.mkdtemp(prefix="crier-test-")
        root = os.geteuid() == 0
        self.holder = subprocess.Popen(
            ["unshare", "-m" if root else "-rm", "sh", "-c",
             'mount -t tmpfs -o size=64m none "$0" && echo mounted && exec sleep 600', self.place],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        mounted = self.holder.stdout.readline() != ""
        self.path = f"/proc/{self.holder.pid}/root{self.place}"
        self.wrapper = ["nsenter", "-t", str(self.holder.pid), "-m"]
        self.wrapper += [] if root else ["-U", "--preserve-credentials"]
        if not mounted:
            self.__exit__()
            raise Skip("no file system may be mounted here")

    def __enter__(self):
        return self

    def mount(self, how):
        subprocess.run([*self.wrapper, "mount", "-o", how, self.place], check=True)

    def fill(self):
        with open(f"{self.path}/filling", "wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def free(self):
        os.unlink(f"{self.path}/filling")

    def __exit__(self, *_):
        self.holder.terminate()
        self.holder.wait()
        os.rmdir(self.place)


def full(options):
    with (SmallDisk() as disk,
          serving(options.crier, "sqlite", 90, ["workers.own_descriptor_table=off"],
                  disk.wrapper, f"{disk.place}/journal.db") as (daemon, load)):
        load.publish_for(0.1)
        disk.fill()
        load.wait(load.refusals, "no publisher is refused")
        while_failing(daemon, load, time.monotonic())
        disk.free()
        took = works_again(daemon, load)
        codes = load.refusals()
    if "refused with 507" not in codes:
        raise AssertionError(f"refused, but not with 507: {codes}")
    return f"{sum(codes.values())} refused, acknowledges again after {took * 1000:.0f} ms"


def cases(options):
    if options.kind == "memory":
        return {}
    faults = LONG_FAULTS if options.long else FAULTS
    found = {f"{fault.name()} from call {fault.first}":
             lambda fault=fault, n=n: failing(options, fault, 10 + n % 70)
             for n, fault in enumerate(faults)}
    return {**found, "a full file system": lambda: full(options)}
