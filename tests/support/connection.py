"""Connections of one daemon's clients, all in one thread."""

import selectors
import socket
import time

AGAIN_SECONDS = 0.01  # From a connection that was refused to the next try.


class Loop:
    """Serves the clients until a condition is true."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.later = []  # (time, call)

    def call_later(self, seconds, call):
        self.later.append((time.monotonic() + seconds, call))

    def run(self, done, seconds):
        """Returns False if the condition was not true in time."""
        end = time.monotonic() + seconds
        while not done():
            now = time.monotonic()
            if now > end:
                return False
            due = [call for at, call in self.later if at <= now]
            self.later = [entry for entry in self.later if entry[0] > now]
            for call in due:
                call()
            for key, events in self.selector.select(0.002):
                key.data(events)
        return True


class Connection:
    """A socket in the loop. A subclass has received(bytes) and ended()."""

    def __init__(self, load, address):
        self.load = load
        self.address = address
        self.socket = None
        self.unsent = b""

    def open(self, receive_buffer=0):
        family = socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self.socket.connect(self.address)  # Into the backlog: it need not be accepted yet.
        except OSError:
            self.socket.close()
            self.socket = None
            raise
        self.socket.setblocking(False)
        self.unsent = b""
        self.load.loop.selector.register(self.socket, selectors.EVENT_READ, self.on_events)

    def close(self):
        if self.socket is None:
            return
        try:
            self.load.loop.selector.unregister(self.socket)
        except KeyError:
            pass  # It is not to be read now.
        self.socket.close()
        self.socket = None

    def send(self, data):
        if self.unsent:
            self.unsent += data
            return
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # The next read tells why.
        self.unsent = data[sent:]
        if self.unsent:
            self.load.loop.selector.modify(
                self.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self.on_events)

    def on_events(self, events):
        if events & selectors.EVENT_WRITE:
            data, self.unsent = self.unsent, b""
            self.load.loop.selector.modify(self.socket, selectors.EVENT_READ, self.on_events)
            self.send(data)
        if events & selectors.EVENT_READ and self.socket is not None:
            self.read(1 << 16)

    def read(self, size):
        try:
            data = self.socket.recv(size)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.received(data)
        else:
            self.close()
            self.ended()


class Answers:
    """Takes answers with a Content-Length out of bytes as they come."""

    def __init__(self):
        self.data = b""

    def feed(self, data):
        self.data += data
        at = 0
        while (end := self.data.find(b"\r\n\r\n", at)) >= 0:
            head = self.data[at:end].decode()
            size = 0
            for line in head.split("\r\n")[1:]:
                name, _, value = line.partition(":")
                if name.lower() == "content-length":
                    size = int(value)
            if len(self.data) < end + 4 + size:
                break
            at = end + 4 + size
            yield int(head.split(" ")[1]), head, self.data[end + 4:at]
        self.data = self.data[at:]
