"""What the cases share: a list of them, and a service in a container."""

import json
import time

CASES = []


def case(function):
    CASES.append(function)
    return function


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return condition()


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def start(machine):
    started = machine.run("systemctl", "start", "crier")
    check(started.returncode == 0, started.stderr + machine.last_lines())


def stop(machine):
    machine.run("systemctl", "stop", "crier")
    machine.run("systemctl", "reset-failed", "crier")


def publish(machine, data):
    answer = machine.run("curl", "-s", "--max-time", "10", "--unix-socket",
                         "/run/crier/publish.sock", "-d", data, "http://crier/topics/a")
    return json.loads(answer.stdout)["id"]


def configure(machine, text):
    with open(machine.path("/etc/crier/crier.json"), "w") as file:
        file.write(text)


def kernel(machine, name):
    return machine.run("cat", "/proc/sys/" + name.replace(".", "/")).stdout.strip()
