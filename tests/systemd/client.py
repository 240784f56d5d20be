"""What the tests' clients do, in the network of the container.

    client.py requests COUNT             connects COUNT times, one after the other; prints
                                         `refused N` and how long the slowest answer took
    client.py streams COUNT              opens COUNT streams and prints `open`; when all have
                                         ended, `ended N retry M`: with crier.end, with retry:
"""

import selectors
import socket
import sys
import time

ADDRESS = ("127.0.0.1", 8080)
REQUEST = b"GET /events/%b HTTP/1.1\r\nHost: localhost\r\n\r\n"


def requests(count):
    refused = 0
    slowest = 0.0
    for _ in range(count):
        began = time.monotonic()
        try:
            with socket.create_connection(ADDRESS, 15) as connection:
                connection.sendall(REQUEST % b"a")
                if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
                    refused += 1
        except OSError:
            refused += 1
        slowest = max(slowest, time.monotonic() - began)
    print(f"refused {refused} slowest {slowest:.2f}", flush=True)


def streams(count):
    selector = selectors.DefaultSelector()
    received = {}
    for number in range(count):
        connection = socket.create_connection(ADDRESS, 15)
        connection.sendall(REQUEST % b"a")
        received[connection] = b""
        selector.register(connection, selectors.EVENT_READ)
    opened = set()
    told = False
    deadline = time.monotonic() + 60
    while selector.get_map() and time.monotonic() < deadline:
        for key, _ in selector.select(1):
            data = key.fileobj.recv(65536)
            if not data:
                selector.unregister(key.fileobj)
                continue
            received[key.fileobj] += data
            if b"crier.open" in received[key.fileobj]:
                opened.add(key.fileobj)
        if len(opened) == count and not told:
            print("open", flush=True)
            told = True
    ends = [data[data.find(b"crier.end"):] for data in received.values() if b"crier.end" in data]
    print(f"ended {len(ends)} retry {sum(b'retry:' in data for data in received.values())} "
          f"cut {len(selector.get_map())}", flush=True)


if __name__ == "__main__":
    {"requests": requests, "streams": streams}[sys.argv[1]](int(sys.argv[2]))
