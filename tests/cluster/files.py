"""Whether the programs that read the files of deploy/cluster find anything wrong with them."""

import os
import shutil
import subprocess

from programs import DEPLOY

UNITS = {"crier": os.path.join(DEPLOY, "..", "systemd", "crier.service"),
         "nats-server": "/lib/systemd/system/nats-server.service"}


def run(*command, **environment):
    """What the command says if it fails, else nothing."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, **environment})
    return (done.stdout + done.stderr).strip() if done.returncode else ""


def haproxy(directory):
    key, certificate = (os.path.join(directory, name) for name in ("key.pem", "crier.pem"))
    problem = run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                  "-out", certificate, "-subj", "/CN=events.example.com", "-days", "1")
    with open(certificate, "a") as both, open(key) as file:
        both.write(file.read())
    with open(os.path.join(DEPLOY, "haproxy.cfg")) as file:
        text = file.read().replace("/etc/haproxy/crier.pem", certificate)
    with open(path := os.path.join(directory, "checked.cfg"), "w") as file:
        file.write(text)
    return problem or run("haproxy", "-c", "-f", path)


def drop_in(name, directory, crier):
    """The unit with the drop-in. Nothing is started."""
    with open(UNITS[name]) as file:
        text = file.read().replace("/usr/bin/crier", crier)
    units = os.path.join(directory, "units")
    os.makedirs(os.path.join(units, name + ".service.d"))
    with open(unit := os.path.join(units, name + ".service"), "w") as file:
        file.write(text)
    shutil.copy(os.path.join(DEPLOY, name + ".service.d.conf"),
                os.path.join(units, name + ".service.d", "cluster.conf"))
    return run("systemd-analyze", "verify", "--man=no", unit, SYSTEMD_UNIT_PATH=units + ":")


def wrong_files(crier, directory):
    """The problems, each with the file's name."""
    shipped = {name: os.path.join(DEPLOY, name) for name in os.listdir(DEPLOY)}
    checks = {
        "haproxy.cfg": haproxy(directory),
        "nats-server.conf": run("nats-server", "-t", "-c", shipped["nats-server.conf"],
                                NATS_NAME="n1", NATS_ADDRESS="127.0.0.1"),
        "crier.json": run(crier, "check", shipped["crier.json"]),
    }
    if shutil.which("systemd-analyze"):
        for name in UNITS:
            checks[name + ".service.d.conf"] = drop_in(name, directory, crier)
    if shutil.which("yamllint"):
        checks["compose.yaml"] = run(
            "yamllint", "-d", "{extends: relaxed, rules: {line-length: disable}}",
            shipped["compose.yaml"])
    return [f"{name}: {problem}" for name, problem in checks.items() if problem]
