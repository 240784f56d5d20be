"""The daemon is killed at random moments, under publishing as fast as it goes."""

import glob
import os
import random
import time

from daemon import Daemon, own_address
from load import SMALL_EVENTS_MAX, Load

# Room for all that a round publishes, so that only `small` has gaps.
SETTINGS = ["workers.count=1", "history.events_max=30000",
            'topics=[{"match": "small", "events_max": %d}]' % SMALL_EVENTS_MAX]


MIB = 1 << 20
# Room for all that a longer round publishes, keys included: beyond journal.bytes_max they go, too.
BOUND = ["history.events_max=300000", f"history.bytes_max={128 * MIB}",
         f"journal.bytes_max={1024 * MIB}"]
FILES_BYTES_MAX = 1040 * MIB  # With the write-ahead log.


def journal_settings(kind, path="{directory}/journal.db"):
    return [] if kind == "memory" else [f"journal.kind={kind}", f"journal.path={path}"]


def killed(crier, kind, kills, seed, settings=(), n=1, seconds=0.25, **load_options):
    """Returns what was seen. A round publishes for up to `seconds`; every fifth start is killed."""
    chance = random.Random(seed)
    daemon = Daemon(crier, own_address(n), [*SETTINGS, *journal_settings(kind), *settings])
    events, slowest = 0, 0
    try:
        daemon.wait_until_serving()
        load = Load(daemon, window=chance.choice((16, 256, 1000)), **load_options)
        for _ in range(kills):
            load.publish_for(chance.uniform(0.01, seconds))
            daemon.kill()
            while chance.random() < 0.2:
                daemon.spawn()
                load.run(chance.uniform(0, 0.05))
                daemon.kill()
            began = time.monotonic()
            daemon.spawn()
            daemon.wait_until_serving()
            slowest = max(slowest, time.monotonic() - began)
            load.settle()
            events += load.events
        size = sum(map(os.path.getsize, glob.glob(f"{daemon.directory}/journal*")))
        load.close()
    except BaseException:
        daemon.kill()
        raise
    code = daemon.stop()
    if code:
        raise AssertionError(f"exit code {code} after SIGTERM")
    if settings is BOUND and size > FILES_BYTES_MAX:
        raise AssertionError(f"files of {size >> 20} MiB")
    return (f"{kills} kills, {events} events acknowledged, 0 lost, repeated or out of order; "
            f"serves again after at most {slowest * 1000:.0f} ms; files of {size / MIB:.0f} MiB")


def cases(options):
    count = options.kills or (500 if options.long else 20)
    return {
        "kill -9": lambda: killed(options.crier, options.kind, count, options.seed),
        "kill -9, synced at intervals": lambda: killed(
            options.crier, options.kind, max(count // 4, 1), options.seed + 1,
            ["journal.sync=interval"], 2),
        # Events of 30 KB, most of which are not retained.
        "kill -9, compacting": lambda: killed(
            options.crier, options.kind, max(count // 10, 1), options.seed + 2, BOUND, 3,
            seconds=1, big=30_000),
    }
