"""Which system calls are made to fail, and how: the rows of README.md's table.

A row has every errno that the kernel can give at this place. What is left out, and why, is in
README.md.
"""

import dataclasses

LATE = "delay_enter=20000"  # Microseconds.

@dataclasses.dataclass(frozen=True)
class Fault:
    call: str
    what: str              # strace's: error=…, retval=… or delay_enter=….
    most: int = 500        # The largest N for which N calls come within a second or so.
    files: str = ""        # Only calls on these: a key of PATHS.
    starves: bool = False  # readyz says for 10 s that the system lacks something.
    stretches: bool = True
    load: str = ""         # What Load.start() is told.

    @property
    def costs_nothing(self):
        """No connection may end because of it."""
        return "EINTR" in self.what or self.what == LATE

    @property
    def name(self):
        where = f" of {self.files}" if self.files else ""
        return f"{self.call}{where} {self.what}"


# strace's -P takes paths as /proc/PID/fd shows them.
PATHS = {
    "wake-ups": lambda daemon: ["anon_inode:[eventfd]"],
    "the log": lambda daemon: [daemon.log],
    "files": lambda daemon: [daemon.config, "/proc/sys/net/ipv4/tcp_allowed_congestion_control",
                             f"/proc/{daemon.pid}/status", f"/proc/{daemon.pid}/stat"],
}


def rows(call, errors, **more):
    return [Fault(call, f"error={error}", **more) for error in errors.split()]


FAULTS = [
    # First, so that readyz has forgotten them at the end of the run.
    *rows("accept4", "EMFILE ENFILE ENOMEM ENOBUFS", starves=True),
    *rows("epoll_ctl", "ENOMEM ENOSPC", starves=True, stretches=False, load="whole heads"),
    *rows("accept4", "EINTR EAGAIN ECONNABORTED EPROTO EPERM ENETDOWN ETIMEDOUT"),
    *rows("recvfrom", "EINTR ECONNRESET ETIMEDOUT EPIPE EHOSTUNREACH ENOMEM ENOBUFS"),
    *rows("recvmsg", "EINTR ECONNRESET EPIPE ETIMEDOUT ENOMEM ENOBUFS"),
    *rows("sendto", "EINTR ECONNRESET EPIPE ETIMEDOUT EHOSTUNREACH EPERM ENOMEM ENOBUFS"),
    *rows("sendmsg", "EINTR ECONNRESET EPIPE ETIMEDOUT EHOSTUNREACH EPERM ENOMEM ENOBUFS"),
    *rows("epoll_wait", "EINTR"),
    *rows("write", "EINTR", files="wake-ups"),
    *rows("read", "EINTR EAGAIN", files="wake-ups"),
    *rows("write", "ENOSPC EDQUOT EIO EINTR", files="the log", most=30, load="files"),
    *rows("poll", "ENOMEM EINTR", most=60, load="files"),
    *rows("openat", "EMFILE ENFILE ENOMEM EACCES ENOENT EIO EINTR", most=100, load="files"),
    *rows("read", "EIO ENOMEM EINTR", files="files", most=60, load="files"),
    *rows("newfstatat", "EIO ENOMEM EACCES", most=30, load="files"),
    *rows("socket", "EMFILE ENFILE ENOMEM ENOBUFS EACCES EAFNOSUPPORT", most=60, load="files"),
    *rows("setsockopt", "ENOMEM ENOBUFS EPERM EINVAL", most=100, load="files"),
    *rows("getsockopt", "ENOMEM ENOBUFS EPERM", most=60, load="files"),
    *rows("getpeername", "ENOTCONN ENOBUFS", most=60, load="files"),
    *rows("shutdown", "ENOTCONN", most=200),
    *rows("prlimit64", "EPERM", most=3, load="files"),
    *rows("mmap", "ENOMEM EAGAIN", most=200, load="mapped"),
    *rows("munmap", "ENOMEM", most=100, load="mapped"),
    *rows("mprotect", "ENOMEM", most=20, load="large"),
    *rows("madvise", "ENOMEM EAGAIN", most=60, load="large"),
    Fault("brk", "retval=0", most=20, load="large"),
    *[Fault(call, LATE, stretches=False)
      for call in ("accept4", "recvfrom", "recvmsg", "sendto", "sendmsg", "epoll_ctl", "epoll_wait",
                   "close")],
    Fault("write", LATE, files="wake-ups", stretches=False),
    Fault("read", LATE, files="wake-ups", stretches=False),
    Fault("write", LATE, files="the log", most=30, stretches=False, load="files"),
    Fault("openat", LATE, most=60, stretches=False, load="files"),
]

# What no kernel does: bytes that were not sent, bytes that are there and are not told of, a
# descriptor that stays open. The oracle must notice, in the words beside it.
LIES = [
    (Fault("sendto", "retval=10"), ""),
    (Fault("recvmsg", "error=EAGAIN"), "hang: publishers"),
    (Fault("close", "error=EIO"), "descriptors"),
]

FIRST_ROUNDS = (1, 20, 3, 100, 2, 50, 7, 200)
STRETCH = (2, 5, 20, 60)


def moment(fault, round_number):
    """N of a round, and how many calls from the N-th on: over 500 rounds every N up to `most`."""
    if round_number < len(FIRST_ROUNDS):
        n = min(FIRST_ROUNDS[round_number], fault.most)
    else:
        n = 1 + round_number * 197 % fault.most
    stretch = 1
    if fault.stretches and round_number % 3 == 2:
        stretch = STRETCH[round_number // 3 % len(STRETCH)]
    return n, stretch
