"""Makes system calls of a running daemon fail, with `strace -e inject=`."""

import os
import signal
import subprocess
import time

STOPPED = "--- stopped by SIGSTOP ---"


class Injection:
    """strace, attached to all threads of the daemon until detach().

    `what` is strace's: `error=EMFILE`, `retval=0` or `delay_enter=20000` (microseconds); `when` is
    counted in each thread. With `paths` only calls on these files count.
    """

    def __init__(self, daemon, calls, what, when, paths=()):
        self.daemon = daemon
        self.command = ["strace", "-f", "-s", "0", "-p", str(daemon.pid), "-e", f"trace={calls}",
                        "-e", f"inject={calls}:{what}:when={when}"]
        for path in paths:
            self.command += ["-P", path]
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        bufsize=0)
        self.output = self.process.stderr.fileno()
        os.set_blocking(self.output, False)
        self.text = ""

    def read(self):
        try:
            while more := os.read(self.output, 1 << 16):
                self.text += more.decode(errors="replace")
        except BlockingIOError:
            pass

    def attached(self):
        return " attached" in self.text

    def hits(self):
        """The calls that failed or were late, as strace shows them."""
        return [line for line in self.text.splitlines()
                if "(INJECTED)" in line or "(DELAYED)" in line]

    def detach(self):
        """The threads are stopped meanwhile: a call that strace leaves halfway returns ENOSYS, for
        which libuv ends the process."""
        if self.daemon.alive():
            os.kill(self.daemon.pid, signal.SIGSTOP)
            threads, deadline = len(self.daemon.threads()), time.monotonic() + 5
            while self.text.count(STOPPED) < threads and time.monotonic() < deadline:
                time.sleep(0.0005)
                self.read()
        self.process.terminate()
        self.process.wait()
        self.read()
        self.process.stderr.close()
        if self.daemon.alive():
            os.kill(self.daemon.pid, signal.SIGCONT)
