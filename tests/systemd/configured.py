"""Cases of runner.py: what the units make of a configuration."""

import os
import time

from service import case, check, configure, publish, start, stop

DROP_INS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "../../deploy/systemd/drop-ins")


@case
def a_reload_with_mistakes_fails_and_changes_nothing(machine):
    configure(machine, "{}")
    start(machine)
    before = machine.show("crier", "MainPID")
    configure(machine, '{"limits": {"streams_max": 0}}')
    reloaded = machine.run("systemctl", "reload", "crier")
    configure(machine, "{}")
    check(reloaded.returncode != 0, "the reload succeeded")
    check("limits.streams_max is 0" in machine.journal(), machine.last_lines())
    check("reload: nothing was changed" not in machine.journal(), "the daemon was told")
    check(machine.show("crier", "ActiveState") == "active", machine.last_lines())
    check(machine.show("crier", "MainPID") == before, "restarted")
    publish(machine, "still here")


@case
def a_start_with_mistakes_is_not_tried_again(machine):
    stop(machine)
    configure(machine, '{"limits": {"streams_max": 0}}')
    check(machine.run("systemctl", "start", "crier").returncode != 0, "started")
    time.sleep(1)
    check(machine.show("crier", "ActiveState") == "failed", machine.show("crier", "ActiveState"))
    check(machine.show("crier", "ExecMainStatus") == "78", machine.last_lines())
    check(machine.show("crier", "NRestarts") == "0", machine.show("crier", "NRestarts"))
    configure(machine, "{}")
    stop(machine)


@case
def the_admin_socket_is_for_root_and_not_for_publishers(machine):
    configure(machine, '{"admin": {"listen": "unix:/run/crier/admin.sock"}}')
    start(machine)
    mode = machine.run("stat", "-c", "%A %U", "/run/crier/admin.sock").stdout.strip()
    check(mode == "srw------- crier", mode)
    status = ["crier", "status", "--admin", "unix:/run/crier/admin.sock"]
    check(machine.run(*status).returncode == 0, machine.run(*status).stderr)
    machine.run("useradd", "--groups", "crier", "member")
    member = ["runuser", "-u", "member", "--"]
    published = machine.run(*member, "crier", "publish", "a", "x")
    check(published.returncode == 0, published.stderr)
    check(machine.run(*member, *status).returncode != 0, "may look")
    stop(machine)
    configure(machine, "{}")


@case
def a_filter_of_the_unit_is_told_where_it_drops_what_is_opened(machine):
    machine.in_network("ip", "address", "add", "10.9.8.7/32", "dev", "lo").wait()
    send = ["bash", "-c", "echo >/dev/udp/10.9.8.7/9"]
    filtering = ["systemd-run", "--wait", "--quiet", "--pipe", "-p", "IPAddressDeny=any"]
    if machine.run(*filtering, *send).returncode == 0:
        return "skipped, this system does not apply IPAddressDeny="
    configure(machine, '{"http": {"listen": "10.9.8.7:8080"}}')
    start(machine)
    told = "http.listen is 10.9.8.7:8080, but packets to 10.9.8.7 are dropped"
    check(told in machine.journal(), machine.last_lines())
    stop(machine)
    before = machine.journal().count(told)
    with open(os.path.join(DROP_INS, "network.conf")) as file:
        machine.drop_in("crier.service", file.read())
    start(machine)
    check(machine.journal().count(told) == before, machine.last_lines())
    stop(machine)
    machine.no_drop_in("crier.service")
    configure(machine, "{}")
    return None
