"""The cases of run.sh: what the units promise, on a real systemd."""

import ctypes
import importlib
import json
import os
import re
import sys
import time

import service
from machine import Machine
from service import case, check, configure, kernel, publish, start, stop, until

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT = os.path.join(HERE, "client.py")
RESUMING = os.path.join(HERE, "resuming.py")


def exposure(text):
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text).group(1))


@case
def units_are_without_mistakes(machine):
    machine.run("systemd-sysusers")
    names = ["crier.service", "crier-http.socket", "crier-publish.socket"]
    verified = machine.run("systemd-analyze", "verify", "--man=no", "--recursive-errors=yes",
                           *names)
    check(verified.returncode == 0, verified.stderr)


@case
def exposure_offline_is_at_most_1_1(machine):
    text = machine.run("systemd-analyze", "security", "--no-pager", "--offline=true",
                       "/lib/systemd/system/crier.service").stdout
    check(exposure(text) <= 1.1, text)
    return f"{exposure(text)}"


@case
def start_waits_until_it_serves_and_status_has_counts(machine):
    start(machine)
    check(machine.show("crier", "ActiveState") == "active", machine.last_lines())
    check(machine.show("crier", "StatusText").startswith("serving 0 of "),
          machine.show("crier", "StatusText"))
    identifier = publish(machine, "hello")
    stream = machine.run("curl", "-sN", "--max-time", "2",
                         "http://127.0.0.1:8080/events/a?last_event_id=earliest").stdout
    check(f"id: {identifier}" in stream and "data: hello" in stream, stream)


@case
def exposure_of_the_running_unit_is_at_most_0_9(machine):
    text = machine.run("systemd-analyze", "security", "--no-pager", "crier.service").stdout
    check(exposure(text) <= 0.9, "\n".join(l for l in text.splitlines() if "✓" not in l))
    return f"{exposure(text)}"


@case
def the_sandbox_is_in_force(machine):
    with open(f"/proc/{machine.main_pid()}/status") as file:
        status = dict(line.split(":", 1) for line in file)
    check(int(status["CapEff"], 16) == 0, status["CapEff"])
    check(status["NoNewPrivs"].strip() == "1", status["NoNewPrivs"])
    check(status["Seccomp"].strip() == "2", status["Seccomp"])
    check(status["Uid"].split()[0] != "0", status["Uid"])


@case
def reload_keeps_serving(machine):
    reloaded = machine.run("systemctl", "reload", "crier")
    check(reloaded.returncode == 0, reloaded.stderr)
    check(until(lambda: "reloaded" in machine.journal()), machine.last_lines())
    check(machine.show("crier", "ActiveState") == "active", "not active")


@case
def an_unprivileged_start_advises(machine):
    check(re.search(r'kernel parameters do not .*net\.ipv4\.tcp_fin_timeout', machine.journal()),
          machine.last_lines())


@case
def killed_it_is_back_within_a_second(machine):
    before = machine.show("crier", "MainPID")
    check(before != "0", machine.last_lines())
    began = time.monotonic()
    machine.run("kill", "-9", before)
    check(until(lambda: machine.show("crier", "ActiveState") == "active" and
                machine.show("crier", "MainPID") not in ("0", before)), machine.last_lines())
    check(machine.show("crier", "NRestarts") == "1", machine.show("crier", "NRestarts"))
    return f"{time.monotonic() - began:.2f} s"


@case
def every_worker_may_have_a_descriptor_table_in_the_sandbox(machine):
    stop(machine)
    machine.drop_in("crier.service",
                    "[Service]\nExecStart=\nExecStart=/usr/bin/crier serve --config "
                    "/etc/crier/crier.json --set workers.own_descriptor_table=on\n")
    start(machine)
    publish(machine, "hello")
    stop(machine)
    machine.no_drop_in("crier.service")


@case
def pinned_workers_need_their_drop_in(machine):
    configure(machine, '{"workers": {"affinity": "auto"}}')
    start(machine)
    check("cannot pin a worker to processor" in machine.journal(),
          machine.last_lines())
    stop(machine)
    with open(os.path.join(HERE, "../../deploy/systemd/drop-ins/processors.conf")) as file:
        machine.drop_in("crier.service", file.read())
    start(machine)
    check(until(lambda: "worker pinned worker=0 processor=" in machine.journal()),
          machine.last_lines())
    stop(machine)
    machine.no_drop_in("crier.service")
    configure(machine, "{}")


def stop_thread(thread):
    """By ptrace: a signal would stop all of them. Gives back what lets it go."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    seize, interrupt, detach, wall = 0x4206, 0x4207, 17, 0x40000000
    check(libc.ptrace(seize, thread, None, None) == 0, os.strerror(ctypes.get_errno()))
    check(libc.ptrace(interrupt, thread, None, None) == 0, os.strerror(ctypes.get_errno()))
    os.waitpid(thread, wall)

    def let_go():
        libc.ptrace(detach, thread, None, None)
        try:
            os.waitpid(thread, wall | os.WNOHANG)  # A dead one stays until its tracer looks.
        except ChildProcessError:
            pass

    return let_go


@case
def one_worker_that_hangs_ends_in_a_restart(machine):
    machine.drop_in("crier.service", "[Service]\nWatchdogSec=2s\n")
    start(machine)
    pid = machine.main_pid()
    before = machine.show("crier", "MainPID")
    time.sleep(3)
    check(machine.show("crier", "MainPID") == before, "restarted without a reason")
    worker = max(int(thread) for thread in os.listdir(f"/proc/{pid}/task"))
    began = time.monotonic()
    let_go = stop_thread(worker)
    told = until(lambda: "Watchdog timeout" in machine.journal())
    took = time.monotonic() - began
    let_go()
    check(told, machine.last_lines())
    time.sleep(0.2)
    let_go()
    check(until(lambda: machine.show("crier", "ActiveState") == "active" and
                machine.show("crier", "MainPID") not in ("0", before)), machine.last_lines())
    stop(machine)
    machine.no_drop_in("crier.service")
    return f"{took:.1f} s"


@case
def a_drain_ends_5000_streams_with_a_time_to_come_back(machine):
    start(machine)
    client = machine.in_network("python3", CLIENT, "streams", "5000")
    check(client.stdout.readline() == "open\n", "not all streams opened")
    check(until(lambda: "serving 5,000 of " in machine.show("crier", "StatusText")),
          machine.show("crier", "StatusText"))
    began = time.monotonic()
    machine.run("systemctl", "stop", "crier")
    took = time.monotonic() - began
    told = client.stdout.readline()
    check(told == "ended 5000 retry 5000 cut 0\n", told)
    check(machine.show("crier", "Result") == "success", machine.last_lines())
    check(machine.show("crier", "ExecMainStatus") == "0", machine.last_lines())
    return f"{took:.1f} s"


def documented(heading):
    """The commands of a section of the units' README."""
    with open(os.path.join(HERE, "../../deploy/systemd/README.md")) as file:
        section = file.read().split(f"## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(line.strip() for line in section.splitlines() if line.startswith("    "))


@case
def sockets_are_enabled_and_changed_while_crier_runs(machine):
    commands = documented("Restarts that refuse no connection")
    start(machine)
    sockets = ["crier-http.socket", "crier-publish.socket"]
    for port in ("8080", "8090"):
        ran = machine.run("sh", "-ec", commands)
        check(ran.returncode == 0, ran.stderr + machine.last_lines("crier-http.socket"))
        states = machine.run("systemctl", "is-active", *sockets, "crier").stdout.split()
        check(states == ["active"] * 3, states)
        listening = machine.show("crier-http.socket", "Listen")
        check(listening == f"127.0.0.1:{port} (Stream)", listening)
        check(machine.run("crier", "publish", "a", port).returncode == 0, machine.last_lines())
        page = machine.run("curl", "-sN", "--max-time", "1",
                           f"http://127.0.0.1:{port}/events/a?last_event_id=earliest").stdout
        check(f"data: {port}" in page, page)
        machine.drop_in("crier-http.socket",
                        "[Socket]\nListenStream=\nListenStream=127.0.0.1:8090\n")
    machine.run("systemctl", "disable", "--now", *sockets)
    stop(machine)
    machine.no_drop_in("crier-http.socket")


@case
def restarts_with_sockets_refuse_no_connection(machine):
    machine.run("systemctl", "start", "crier-http.socket", "crier-publish.socket")
    start(machine)
    client = machine.in_network("python3", CLIENT, "requests", "1000")
    restarts = 0
    while client.poll() is None and restarts < 10:
        check(machine.run("systemctl", "restart", "crier").returncode == 0, machine.last_lines())
        restarts += 1
    told = client.stdout.readline()
    check(told.startswith("refused 0 "), told)
    return f"{restarts} restarts, {told.strip()} of 1000"


@case
def streams_resume_over_restarts_and_lose_nothing(machine):
    configure(machine, '{"drain": {"delay_seconds": 1, "window_seconds": 2}, '
                       '"journal": {"kind": "sqlite"}}')
    machine.run("systemctl", "restart", "crier")
    client = machine.in_network(
        "python3", RESUMING, "200",
        f"/proc/{machine.init}/root/run/crier-publish/publish.sock")
    check(client.stdout.readline() == "open\n", "not all streams opened")
    restarts = 2
    for _ in range(restarts):
        time.sleep(3)
        check(machine.run("systemctl", "restart", "crier").returncode == 0, machine.last_lines())
    time.sleep(3)
    told = json.loads(client.communicate("\n")[0])
    check(told["lost"] == told["repeated"] == told["refused"] == 0, told)
    check(told["gaps"] == {}, told)
    check(told["ready_first"], told)
    return f"{restarts} restarts, 200 streams, {told['published']} events"


@case
def systemd_makes_the_publish_socket(machine):
    mode = machine.run("stat", "-c", "%A %U %G", "/run/crier-publish/publish.sock").stdout.strip()
    check(mode == "srw-rw---- root crier", mode)
    machine.run("useradd", "--groups", "crier", "publisher")
    machine.run("useradd", "stranger")
    for user, may in (("publisher", True), ("stranger", False)):
        published = machine.run("runuser", "-u", user, "--", "crier", "publish", "a", "x")
        check((published.returncode == 0) == may, user + ": " + published.stderr)
    check("share one space of idempotency keys" in machine.journal(), machine.last_lines())
    machine.run("systemctl", "stop", "crier-http.socket", "crier-publish.socket", "crier")


@case
def tuning_is_applied_recorded_and_undone(machine):
    before = kernel(machine, "net.ipv4.tcp_fin_timeout")
    configure(machine, '{"kernel": {"tuning": "apply"}}')
    start(machine)
    check(before == "60", before)
    check(kernel(machine, "net.ipv4.tcp_fin_timeout") == "30", machine.last_lines())
    record = json.loads(machine.run("cat", "/run/crier-tuning.json").stdout)
    change = [one for one in record["changes"] if one["parameter"] == "net.ipv4.tcp_fin_timeout"]
    check(change and change[0]["before"] == "60" and change[0]["after"] == "30", record)
    # Another unit that stops: this one's daemon, which is not root, still uses what was raised.
    other = machine.run("crier", "tune", "--undo", "--if-configured")
    check("another crier" in other.stdout, other.stdout + other.stderr)
    check(kernel(machine, "net.ipv4.tcp_fin_timeout") == "30", machine.last_lines())
    before = machine.show("crier", "MainPID")
    check(before != "0", machine.last_lines())
    machine.run("kill", "-9", before)
    check(until(lambda: machine.show("crier", "ActiveState") == "active"), machine.last_lines())
    machine.run("systemctl", "stop", "crier")
    check(kernel(machine, "net.ipv4.tcp_fin_timeout") == "60", machine.last_lines())
    check(machine.run("test", "-e", "/run/crier-tuning.json").returncode != 0, "a record is left")


@case
def tuning_by_hand_survives_a_restart(machine):
    for mode in ("check", "apply"):
        configure(machine, '{"kernel": {"tuning": "%s"}}' % mode)
        applied = machine.run("crier", "tune", "--apply")
        start(machine)
        machine.run("systemctl", "restart", "crier")
        stop(machine)
        check(kernel(machine, "net.ipv4.tcp_fin_timeout") == "30",
              applied.stdout + machine.last_lines())
        machine.run("crier", "tune", "--undo")
        check(kernel(machine, "net.ipv4.tcp_fin_timeout") == "60", mode)


@case
def a_list_of_publishers_needs_its_drop_in(machine):
    configure(machine, '{"publish": {"users": ["root"]}}')
    refused = machine.run("systemctl", "start", "crier")
    check(refused.returncode != 0 and "PrivateUsers=no" in machine.journal(), machine.last_lines())
    machine.run("systemctl", "stop", "crier")
    machine.run("systemctl", "reset-failed", "crier")
    with open(os.path.join(HERE, "../../deploy/systemd/drop-ins/publisher-list.conf")) as file:
        machine.drop_in("crier.service", file.read())
    start(machine)
    publish(machine, "hello")
    stop(machine)
    machine.no_drop_in("crier.service")


def main(crier, root, wanted=""):
    importlib.import_module("configured")  # Its cases come last.
    cases = [one for one in service.CASES if wanted in one.__name__.replace("_", " ")]
    failed = 0
    with Machine(crier, root) as machine:
        for function in cases:
            name = function.__name__.replace("_", " ")
            try:
                figure = function(machine)
                print(f"ok   {name}" + (f": {figure}" if figure else ""), flush=True)
            except Exception as problem:  # Whatever it is, the other cases are of interest.
                failed += 1
                print(f"FAIL {name}\n{problem}", flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
