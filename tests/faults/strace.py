"""Makes system calls of a running daemon fail, with `strace -e inject=`."""

import os
import subprocess


class Injection:
    """strace, attached to all threads of the daemon until detach().

    `what` is strace's: `error=EMFILE`, `retval=0` or `delay_enter=20000` (microseconds); `when` is
    counted in each thread. With `paths` only calls on these files count.
    """

    def __init__(self, pid, calls, what, when, paths=()):
        self.command = ["strace", "-f", "-s", "0", "-p", str(pid), "-e", f"trace={calls}",
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
        self.process.terminate()
        self.process.wait()
        self.read()
        self.process.stderr.close()
