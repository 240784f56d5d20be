"""Enough of NATS's protocol to ask JetStream and to make load: blocking, one connection."""

import json
import os
import socket


class NatsError(Exception):
    pass


class Nats:
    def __init__(self, host, port=4222, seconds=5):
        self.socket = socket.create_connection((host, port), timeout=seconds)
        self.data = b""
        self.inbox = "_INBOX." + os.urandom(8).hex()
        self.asked = 0
        self.line()  # INFO.
        self.socket.sendall(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
                            b"SUB %s.* 1\r\nPING\r\n" % self.inbox.encode())
        while self.line() != b"PONG":
            pass

    def close(self):
        self.socket.close()

    def more(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise NatsError("the server has closed the connection")
        self.data += data

    def take(self, size):
        while len(self.data) < size:
            self.more()
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def line(self):
        while (end := self.data.find(b"\r\n")) < 0:
            self.more()
        line, self.data = self.data[:end], self.data[end + 2:]
        return line

    def message(self):
        """The next message: its subject and payload."""
        while True:
            words = self.line().split()
            if words[0] == b"PING":
                self.socket.sendall(b"PONG\r\n")
            elif words[0] == b"-ERR":
                raise NatsError(b" ".join(words).decode())
            elif words[0] in (b"MSG", b"HMSG"):
                body = self.take(int(words[-1]))
                self.take(2)
                return words[1].decode(), body[int(words[-2]) if words[0] == b"HMSG" else 0:]

    def ask(self, subject, request=None):
        """The JSON answer to a request of JetStream's API."""
        self.asked += 1
        reply = f"{self.inbox}.{self.asked}"
        body = b"" if request is None else json.dumps(request).encode()
        self.socket.sendall(f"PUB {subject} {reply} {len(body)}\r\n".encode() + body + b"\r\n")
        while True:
            to, answer = self.message()
            if to == reply:
                break
        answer = json.loads(answer) if answer else {"error": {"description": "nobody answers"}}
        if "error" in answer:
            raise NatsError(f"{subject}: {answer['error']['description']}")
        return answer
