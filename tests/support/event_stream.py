"""A subscription of a test that resumes when it ends."""

from connection import AGAIN_SECONDS, Connection


def sequence_of(identifier):
    return int(identifier.rsplit("-", 1)[1])


class EventStream(Connection):
    """A subclass has on_fields(kind, fields, position before, epoch before)."""

    def __init__(self, load, topics, version="1.1"):
        super().__init__(load, (load.daemon.host, 8080))
        self.topics = topics  # Names, or a dictionary by names.
        self.version = version
        self.position = None
        self.epoch = ""
        self.reopened = 0
        self.receive_buffer = 0

    def start(self):
        """Returns whether there is a connection to read from."""
        if self.socket is not None:
            return False
        self.head = b""
        self.raw = b""
        self.text = b""
        self.opened = False
        self.chunked = None
        self.resumed_from = self.position
        try:
            self.open(self.receive_buffer)
        except OSError as error:
            self.load.cannot_connect("stream", error)
            self.ended()
            return False
        query = "&".join(f"topic={name}" for name in self.topics)
        resume = "" if self.position is None else f"Last-Event-ID: {self.epoch}-{self.position}\r\n"
        self.send(f"GET /events?{query} HTTP/{self.version}\r\nHost: a\r\n"
                  f"Accept: text/event-stream\r\n{resume}\r\n".encode())
        return True

    def ended(self):
        self.reopened += 1
        self.load.loop.call_later(AGAIN_SECONDS, self.start)

    def received(self, data):
        if self.chunked is None:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self.head.startswith(b"HTTP/1.1 200"):
                self.load.problem(f"stream: {self.head[:120]}")
            self.chunked = b"chunked" in self.head[:end].lower()
            data = self.head[end + 4:]
        if self.chunked:
            self.raw += data
            data = self.unchunk()
        self.text += data
        *blocks, self.text = self.text.split(b"\n\n")
        for block in blocks:
            self.on_block(block.decode())
            if self.socket is None:
                return

    def unchunk(self):
        out, at = [], 0
        while (end := self.raw.find(b"\r\n", at)) >= 0:
            last = end + 2 + int(self.raw[at:end], 16)
            if len(self.raw) < last + 2:
                break
            if self.raw[last:last + 2] != b"\r\n":
                self.load.problem(f"a chunk of {last - end - 2} bytes does not end after them")
            out.append(self.raw[end + 2:last])
            at = last + 2
        self.raw = self.raw[at:]
        return b"".join(out)

    def on_block(self, block):
        lines = [line.split(": ", 1) for line in block.split("\n") if line != ":"]
        fields = dict(line for line in lines if len(line) == 2)
        if len(fields) != len(lines) or not fields.keys() <= {"id", "event", "retry", "data"}:
            return self.load.problem(f"garbled: {block[:200]}")
        before, epoch = self.position, self.epoch
        kind = fields.get("event")
        if "id" in fields:
            self.epoch = fields["id"].rsplit("-", 1)[0]
            self.position = sequence_of(fields["id"])
            if epoch and self.epoch != epoch and kind != "crier.gap":
                self.load.problem(f"a daemon started anew, and no gap before {fields['id']}")
        if kind == "crier.open":
            self.opened = True
            if self.resumed_from is not None and self.position != self.resumed_from:
                self.load.problem(f"resumed from {self.resumed_from}, opened at {self.position}")
        else:
            self.on_fields(kind, fields, before, epoch)

    def reopen(self):
        self.close()
        self.start()
