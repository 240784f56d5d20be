"""A daemon as a child process, and what /proc says about it."""

import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.request


def own_address(n):
    """An address of 127.0.0.0/8 that differs between runs side by side; not that of other tests."""
    return f"127.{88 + os.getpid() % 160}.{n}.1"


class Died(Exception):
    pass


class Daemon:
    """Serves on `host`, an address of 127.0.0.0/8, with its files in a directory of its own."""

    def __init__(self, crier, host, settings=(), environment=(), log=None, enter=None,
                 wrapper=()):
        self.host = host
        self.enter = enter  # What its process calls before it becomes crier.
        self.directory = tempfile.mkdtemp(prefix="crier-test-")
        self.socket = os.path.join(self.directory, "publish.sock")
        self.config = os.path.join(self.directory, "crier.json")
        environment = {name: value.format(directory=self.directory)
                       for name, value in dict(environment).items()}
        self.set_clock("+0")
        self.log = log or os.path.join(self.directory, "log")
        self.configure({})
        self.command = [*wrapper, crier, "serve", "--config", self.config]
        for setting in (f"http.listen={host}:8080", f"admin.listen={host}:8081",
                        f"publish.socket={self.socket}", *settings):
            self.command += ["--set", setting.replace("{directory}", self.directory)]
        self.environment = {**os.environ, **environment}
        self.table_each = "workers.own_descriptor_table=on" in settings
        self.spawn()

    def spawn(self):
        with open(self.log, "ab") as log_file:
            self.log_begins = log_file.tell()
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log_file,
                env=self.environment, preexec_fn=self.enter)
        self.pid = self.process.pid

    def replace(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def configure(self, config):
        self.replace("crier.json", json.dumps(config))

    def set_clock(self, clock):
        """For libfaketime, where it is loaded."""
        self.replace("clock", clock + "\n")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def alive(self):
        return self.process.poll() is None

    def text(self):
        with open(self.log, errors="replace") as file:
            file.seek(self.log_begins)
            return file.read()

    def check(self):
        if self.alive():
            return
        lines = self.text().splitlines()
        raise Died(f"the daemon ended with {self.process.returncode}: " + " | ".join(lines[-4:]))

    def threads(self):
        return [int(thread) for thread in os.listdir(f"/proc/{self.pid}/task")]

    def cpu_ns(self):
        """User and system time of all threads."""
        used = 0
        for thread in self.threads():
            with open(f"/proc/{self.pid}/task/{thread}/schedstat") as file:
                used += int(file.read().split()[0])
        return used

    def sleeps(self):
        """Whether no thread runs, or waits for a processor."""
        for thread in self.threads():
            with open(f"/proc/{self.pid}/task/{thread}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] != "S":
                    return False
        return True

    def descriptors(self):
        """Open descriptors of all its tables."""
        tables = self.threads() if self.table_each else [self.pid]
        return sum(len(os.listdir(f"/proc/{self.pid}/task/{one}/fd")) for one in tables)

    def wait_until_serving(self, seconds=20):
        deadline = time.monotonic() + seconds
        while True:
            self.check()
            try:
                urllib.request.urlopen(f"http://{self.host}:8080/healthz", timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise Died("the daemon did not become ready") from None
            time.sleep(0.01)

    def wait_until_ready(self, seconds=20):
        """Returns the number of its descriptors without clients."""
        self.wait_until_serving(seconds)
        while True:  # The connection of this question is still being closed.
            before = self.descriptors()
            time.sleep(0.1)
            if self.sleeps() and self.descriptors() == before:
                return before

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Returns the exit code."""
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        for name in os.listdir(self.directory):
            os.unlink(os.path.join(self.directory, name))
        os.rmdir(self.directory)
        return self.process.returncode
