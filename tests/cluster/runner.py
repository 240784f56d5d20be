#!/usr/bin/env python3
"""Runs the faults, one after another, on one cluster under load; run.sh says how."""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time

from files import wrong_files
from load import Load
from programs import Cluster


async def lagging_node(cluster, load):
    """A node's bytes from NATS are held back; streams move to it all the time."""
    cluster.relay.hold()
    await asyncio.sleep(1.5)
    cluster.relay.release()
    await asyncio.sleep(1)
    return [] if cluster.relay.held else ["nothing was held back"]


async def kill_node(cluster, load):
    """kill -9 of a node."""
    node = load.random.choice(cluster.nodes)
    await node.end(signal.SIGKILL)
    await asyncio.sleep(1)
    node.start()
    await node.wait_until_ready()
    return []


async def kill_leader(cluster, _):
    """kill -9 of the server that leads the stream."""
    server = await cluster.leader()
    await server.end(signal.SIGKILL)
    await asyncio.sleep(2)
    server.start()
    await cluster.wait_until_current()
    return []


async def stop_server(cluster, load):
    """SIGSTOP of the server that leads the stream."""
    server = await cluster.leader()
    server.send(signal.SIGSTOP)
    await asyncio.sleep(10 if load.long else 4)
    server.send(signal.SIGCONT)
    await cluster.wait_until_current()
    return []


async def cut_off(cluster, load):
    """The leader's packets to and from the other servers are dropped."""
    # It leads on for some seconds, and tells its nodes that nobody has ids which the others give.
    server = await cluster.leader()
    if cluster.cut_off(server) < 2:
        return ["there was nothing to cut"]
    try:
        await asyncio.sleep(12 if load.long else 6)
    finally:
        cluster.join_again()
    await cluster.wait_until_current()
    return []


async def roll(cluster, _):
    """Every node, then every server, is restarted as systemctl restart does."""
    wrong = []
    for node in cluster.nodes:
        code = await node.end(signal.SIGTERM)
        if code != 0:
            wrong.append(f"{node.name} drained with {code}")
        node.start()
        await node.wait_until_ready()
    for server in cluster.servers:
        code = await server.end(signal.SIGUSR2)
        if code != 0:
            wrong.append(f"{server.name} ended with {code}")
        server.start()
        await cluster.wait_until_current()
    return wrong


async def delete_stream(cluster, _):
    """The stream is deleted; a node makes it again."""
    cluster.ask("$JS.API.STREAM.DELETE.crier")
    await asyncio.sleep(10)
    for node in cluster.nodes:
        await node.wait_until_ready()
    await cluster.wait_until_current()
    return []


async def older_files(cluster, _):
    """All servers go back to older files."""
    stores = [os.path.join(cluster.directory, f"n{n}") for n in (1, 2, 3)]
    for server in cluster.servers:
        await server.end(signal.SIGKILL)
    for store in stores:
        shutil.copytree(store, store + ".old")
    for server in cluster.servers:
        server.start()
    await cluster.wait_until_current()
    await asyncio.sleep(8)  # Events that these files do not have.
    for server in cluster.servers:
        await server.end(signal.SIGKILL)
    for store in stores:
        shutil.rmtree(store)
        os.rename(store + ".old", store)
    for server in cluster.servers:
        server.start()
    await cluster.wait_until_current()
    await asyncio.sleep(10)
    for node in cluster.nodes:
        await node.wait_until_ready()
    return []


async def purge(cluster, _):
    """All but the newest 50 events are purged."""
    cluster.ask("$JS.API.STREAM.PURGE.crier", {"keep": 50})
    await asyncio.sleep(3)
    for node in cluster.nodes:
        await node.wait_until_ready()
    return []


# What runs, whether nodes may end by themselves, and the reasons for gaps.
SHORT = [(lagging_node, False, ()), (kill_node, False, ()), (kill_leader, False, ())]
LONG = [*SHORT, (stop_server, False, ()), (roll, False, ()),
        (kill_node, False, ()), (kill_leader, False, ()),
        (purge, True, ("evicted", "overflow")), (delete_stream, True, ("restarted",)),
        (roll, False, ())]
# Only by name. After the second the copies of nats-server 2.9.10 may differ: nodes that read from
# different servers send different events under one id, until one notices.
NAMED = [(older_files, True, ("restarted",)), (cut_off, False, ("unknown-id",))]


async def run_fault(cluster, load, fault, may_end, gaps):
    ledger = load.ledger
    ledger.problems.clear()
    ledger.examples.clear()
    before = {node.name: len(node.ended) for node in cluster.nodes}
    began = time.monotonic()
    load.start()
    await asyncio.sleep(1)
    wrong = await fault(cluster, load)
    await asyncio.sleep(1)
    await load.come_to_rest()
    for node in cluster.nodes:
        ended = node.ended[before[node.name]:]
        if ended and (not may_end or set(ended) != {1}):
            wrong.append(f"{node.name} ended with {ended}")
    for kind, count in ledger.counts.items():
        if kind.startswith("gap ") and kind[4:] not in gaps:
            wrong.append(f"{count} x {kind}")
    wrong += [f"{count} x {kind}" for kind, count in ledger.problems.items()]
    slowest = max(one.slowest for one in load.publishers.values())
    for one in load.publishers.values():
        one.slowest = 0.0
    counts = ", ".join(f"{kind} {count}" for kind, count in sorted(ledger.counts.items()))
    print("FAIL" if wrong else "ok  ", fault.__doc__.rstrip("."),
          f"({time.monotonic() - began:.0f} s; {counts}; slowest answer {slowest:.1f} s)")
    for line in wrong + ledger.examples:
        print("     ", line)
    sys.stdout.flush()
    return not wrong


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("crier")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    parser.add_argument("--streams", type=int)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    directory = tempfile.mkdtemp(prefix="crier-cluster-")
    cluster = Cluster(arguments.crier, directory)
    wrong = wrong_files(arguments.crier, directory)
    print("FAIL" if wrong else "ok  ", "The files of deploy/cluster", *wrong, flush=True)
    bad = 1 if wrong else 0
    good = 1 - bad
    load = Load(cluster, arguments.seed, arguments.streams or (600 if arguments.long else 150))
    load.long = arguments.long
    try:
        await cluster.start()
        faults = [*LONG, *NAMED] if arguments.only else LONG if arguments.long else SHORT
        for fault, may_end, gaps in faults:
            if arguments.only not in fault.__doc__:
                continue
            if await run_fault(cluster, load, fault, may_end, gaps):
                good += 1
            else:
                bad += 1
    finally:
        load.stop()
        await cluster.stop()
        if bad or not good:
            print(f"logs are in {directory}")
        else:
            shutil.rmtree(directory)
    print(f"{good} passed, {bad} failed")
    return 0 if good and not bad else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
