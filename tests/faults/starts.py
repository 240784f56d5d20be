"""A system call fails while the daemon starts: it says why and ends, or serves all the same."""

import os
import re
import socket
import subprocess
import tempfile
import time

from daemon import own_address

# One errno a call: what a start does does not depend on which one it is.
CALLS = {
    "openat": "EMFILE", "read": "EIO", "newfstatat": "EIO", "mmap": "ENOMEM", "mprotect": "ENOMEM",
    "socket": "ENOBUFS", "bind": "EADDRINUSE", "listen": "EADDRINUSE", "setsockopt": "ENOBUFS",
    "getsockopt": "ENOBUFS",
    "epoll_create1": "EMFILE", "eventfd2": "EMFILE", "pipe2": "EMFILE", "clone3": "EAGAIN",
    "flock": "ENOLCK", "ftruncate": "ENOSPC", "pwrite64": "ENOSPC", "fchmod": "EPERM",
    "unlink": "EPERM", "mkdir": "ENOSPC",
    "sched_getaffinity": "EPERM", "prlimit64": "EPERM", "getrandom": "EINTR", "ioctl": "ENOTTY",
    "poll": "ENOMEM", "getdents64": "ENOMEM",
}
# libuv ends the process without its first pipe; README.md.
FIRST = {"pipe2": 2}
HOST = own_address(30)
SECONDS = 20


def receive(stream):
    data = stream.recv(4096)
    if not data:
        raise ConnectionResetError
    return data


class Start:
    """A daemon that starts under the command `tracer`, if any, on which it leaves its trace."""

    def __init__(self, crier, tracer, environment=()):
        self.directory = tempfile.TemporaryDirectory(prefix="crier-starts-")
        self.path = self.directory.name
        self.traced = bool(tracer)
        command = [word.format(directory=self.path) for word in tracer]
        self.socket = os.path.join(self.path, "publish.sock")
        with open(os.path.join(self.path, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [*command, crier, "serve", "--set", f"http.listen={HOST}:8080",
                 "--set", f"admin.listen={HOST}:8081", "--set", f"publish.socket={self.socket}",
                 "--set", "workers.count=2"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                env={**os.environ, **dict(environment)})

    def text(self, name="log"):
        with open(os.path.join(self.path, name), errors="replace") as file:
            return file.read()

    def hit(self):
        return next((line for line in self.text("trace").splitlines() if "(INJECTED)" in line), "")

    def child(self):
        if not self.traced:
            return self.process.pid
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return int(file.read().split()[0])

    def serves(self):
        """Publishes, and reads it as a stream."""
        with socket.create_connection((HOST, 8080), 5) as stream:
            stream.send(b"GET /events/a HTTP/1.0\r\n\r\n")
            text = b""
            while b"crier.open" not in text:
                text += receive(stream)
            with socket.socket(socket.AF_UNIX) as publisher:
                publisher.connect(self.socket)
                publisher.send(b"POST /topics/a HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
                stream.settimeout(5)
                while b"data: hi" not in text:
                    text += receive(stream)

    def outcome(self):
        """Returns what is wrong, or nothing."""
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                return "neither ended nor served"
            try:
                self.serves()
                os.kill(self.child(), 15)
            except (OSError, IndexError):
                time.sleep(0.01)
                continue
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                return "did not end after SIGTERM"
            return self.wrong_stop() if self.process.returncode else ""
        return self.wrong_end()

    def wrong_stop(self):
        """It served, and has not ended with 0."""
        return f"exit code {self.process.returncode}"

    def wrong_end(self):
        """It has ended before it served."""
        if self.process.returncode <= 0:
            return f"ended with {self.process.returncode}"
        told = any(line.startswith("crier") for line in self.text().splitlines())
        return "" if told else "ended without a word"

    def end(self):
        if self.process.poll() is None:
            try:
                os.kill(self.child(), 9)
            except (IndexError, OSError):
                pass
            self.process.wait()
        self.directory.cleanup()


def calls_before_main(crier, call):
    """Of the loader and of libraries: what they do about an error is not ours."""
    with tempfile.NamedTemporaryFile("r") as trace:
        subprocess.run(["strace", "-o", trace.name, "-e", f"trace={call}", crier, "--version"],
                       stdout=subprocess.DEVNULL, check=True)
        return sum(f"{call}(" in line for line in trace)


def start_faults(crier, wanted, step):
    """Yields (name, starts, problem) for each call; with `step` 1 every N is tried."""
    for call, error in CALLS.items():
        name = f"start, {call} error={error}"
        if wanted not in name:
            continue
        starts, problem = 0, ""
        n = max(calls_before_main(crier, call) + 1, FIRST.get(call, 1))
        while not problem:
            start = Start(crier, [
                "strace", "-f", "-y", "-s", "80", "-o", "{directory}/trace", "-e", f"trace={call}",
                "-e", f"inject={call}:error={error}:when={n}"])
            try:
                wrong = start.outcome()
                hit = start.hit()
                if not hit:
                    break
                starts += 1
                # libuv's pipes and eventfds do not fail so, and it ends the process if they do.
                if wrong and not re.search(r"\(\d+<(pipe|anon_inode):", hit):
                    problem = f"call {n}: {wrong}\n{hit}\n{start.text()}"
            finally:
                start.end()
            n += step
        yield name, starts, problem or ("" if starts else "no start reached the call")
