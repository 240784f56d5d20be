"""A container with a systemd of its own, as long as its `with` lasts."""

import os
import shutil
import subprocess
import tempfile
import time

UNITS = os.path.join(os.path.dirname(__file__), "../../deploy/systemd")


class Machine:
    """Boots a copy of `root` in which crier is installed."""

    def __init__(self, crier, root):
        self.directory = tempfile.mkdtemp(prefix="crier-systemd-")
        self.root = os.path.join(self.directory, "root")
        subprocess.run(["cp", "-a", root, self.root], check=True)
        self._install(crier)

    def _install(self, crier):
        shutil.copy(crier, self.path("/usr/bin/crier"))
        for name in os.listdir(UNITS):
            if name.endswith((".service", ".socket")):
                shutil.copy(os.path.join(UNITS, name), self.path("/lib/systemd/system/" + name))
        shutil.copy(os.path.join(UNITS, "crier.sysusers"),
                    self.path("/usr/lib/sysusers.d/crier.conf"))
        os.makedirs(self.path("/etc/crier"), exist_ok=True)
        shutil.copy(os.path.join(UNITS, "../crier.json"), self.path("/etc/crier/crier.json"))

    def path(self, inside):
        return self.root + inside

    def __enter__(self):
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", self.root, "--boot", "--register=no", "--keep-unit",
             "--private-network", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self.init = self._child(self.nspawn.pid)
            if self.init and self.run("systemctl", "is-system-running").stdout.strip() in (
                    "running", "degraded"):
                self.run("ip", "link", "set", "lo", "up")
                return self
            time.sleep(0.1)
        self.__exit__()
        raise RuntimeError("the container does not boot")

    def __exit__(self, *_):
        if self.init:
            self.run("systemctl", "poweroff", "--force")
        try:
            self.nspawn.wait(20)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()
            self.nspawn.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def _child(pid):
        try:
            with open(f"/proc/{pid}/task/{pid}/children") as children:
                found = children.read().split()
        except OSError:
            return None
        return found[0] if found else None

    def run(self, *command, **options):
        """In the container, with the files of the container."""
        return subprocess.run(
            ["nsenter", "-t", self.init, "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w", *command],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, **options)

    def in_network(self, *command):
        """One of this machine's programs, in the network of the container."""
        return subprocess.Popen(["nsenter", "-t", self.init, "-n", *command], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def show(self, unit, prop):
        return self.run("systemctl", "show", "-P", prop, unit).stdout.strip()

    def journal(self, unit="crier"):
        return self.run("journalctl", "-u", unit, "-o", "cat", "--no-pager").stdout

    def last_lines(self, unit="crier"):
        return "\n".join(self.journal(unit).splitlines()[-12:])

    def drop_in(self, unit, text):
        directory = self.path(f"/etc/systemd/system/{unit}.d")
        os.makedirs(directory, exist_ok=True)
        with open(directory + "/test.conf", "w") as file:
            file.write(text)
        self.run("systemctl", "daemon-reload")

    def no_drop_in(self, unit):
        shutil.rmtree(self.path(f"/etc/systemd/system/{unit}.d"), ignore_errors=True)
        self.run("systemctl", "daemon-reload")

    def main_pid(self):
        """Of the daemon, as this machine counts processes."""
        inside = self.show("crier", "MainPID")
        for task in self._descendants(self.init):
            with open(f"/proc/{task}/status") as status:
                for line in status:
                    if line.startswith("NSpid:") and line.split()[-1] == inside:
                        return int(task)
        return None

    def _descendants(self, pid):
        found = []
        try:
            with open(f"/proc/{pid}/task/{pid}/children") as children:
                for child in children.read().split():
                    found += [child] + self._descendants(child)
        except OSError:
            pass
        return found
