"""The processes of a cluster: nats-servers, nodes and HAProxy, on addresses of 127.0.0.0/8."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from nats import Nats, NatsError  # noqa: E402

DEPLOY = os.path.join(HERE, "..", "..", "deploy", "cluster")
COUNT = 3
PROXY = "127.4.0.9"


def node_address(n):
    return f"127.3.0.{n}"


def server_address(n):
    return f"127.2.0.{n}"


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


class Program:
    """A process that is started again when it ends, as systemd does with both units."""

    def __init__(self, name, command, directory, ready, environment=()):
        self.name, self.command, self.ready = name, command, ready
        self.environment = {**os.environ, **dict(environment)}
        self.log = os.path.join(directory, name + ".log")
        self.process = None
        self.wanted = True
        self.ended = []       # Exit codes of ends that nobody asked for.
        self.watch = None

    def spawn(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=self.environment)

    def start(self):
        self.wanted = True
        self.spawn()
        self.watch = asyncio.create_task(self.restart_when_it_ends())

    async def restart_when_it_ends(self):
        while True:
            await asyncio.sleep(0.05)
            if self.wanted and self.process.poll() is not None:
                self.ended.append(self.process.returncode)
                await asyncio.sleep(0.5)
                if self.wanted:
                    self.spawn()

    def send(self, number):
        self.process.send_signal(number)

    async def end(self, number, seconds=60):
        """Returns the exit code. It stays down until start()."""
        self.wanted = False
        if self.watch:
            self.watch.cancel()
        self.send(number)
        for _ in range(seconds * 20):
            if self.process.poll() is not None:
                return self.process.returncode
            await asyncio.sleep(0.05)
        self.process.kill()
        self.process.wait()
        return "killed: it did not end in time"

    async def wait_until_ready(self, seconds=60):
        for _ in range(seconds * 5):
            if await asyncio.to_thread(answers, self.ready):
                return
            await asyncio.sleep(0.2)
        with open(self.log, errors="replace") as log:
            raise RuntimeError(f"{self.name} is not ready: {log.readlines()[-3:]}")


class Relay:
    """Passes bytes between the last node and a server, and holds those to the node back."""

    def __init__(self, address, to):
        self.address, self.to = address, to
        self.open = asyncio.Event()
        self.open.set()
        self.held = 0  # Reads that had to wait.

    async def start(self):
        self.server = await asyncio.start_server(self.accept, *self.address)

    def hold(self):
        self.held = 0
        self.open.clear()

    def release(self):
        self.open.set()

    async def accept(self, reader, writer):
        try:
            there, back = await asyncio.open_connection(*self.to)
        except OSError:
            return writer.close()
        return await asyncio.gather(self.pass_on(reader, back, False),
                                    self.pass_on(there, writer, True))

    async def pass_on(self, reader, writer, may_hold):
        try:
            while data := await reader.read(1 << 16):
                if may_hold and not self.open.is_set():
                    self.held += 1
                    await self.open.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


class Cluster:
    def __init__(self, crier, directory):
        self.directory = directory
        self.relay = Relay(("127.5.0.1", 4222), (server_address(1), 4222))
        self.servers = [self.server(n) for n in range(1, COUNT + 1)]
        self.nodes = [self.node(crier, n) for n in range(1, COUNT + 1)]
        self.proxy = self.haproxy()

    def shipped(self, name, *changes):
        """A file of deploy/cluster with other addresses: its path."""
        with open(os.path.join(DEPLOY, name)) as file:
            text = file.read()
        for pattern, by in changes:
            text, count = re.subn(pattern, by, text)
            assert count, f"{name} has no {pattern}"
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def server(self, n):
        store = os.path.join(self.directory, f"n{n}")
        os.makedirs(store, exist_ok=True)
        path = self.shipped("nats-server.conf", (r"10\.0\.0\.", "127.2.0."),
                            (r"127\.0\.0\.1:8222", f"{server_address(n)}:8222"),
                            (r"grace_period: 5s", "grace_period: 1s"), ("/var/lib/nats", store))
        os.rename(path, path := os.path.join(self.directory, f"n{n}.conf"))
        return Program(f"server{n}", ["nats-server", "-c", path], self.directory,
                       f"http://{server_address(n)}:8222/healthz",
                       {"NATS_NAME": f"n{n}", "NATS_ADDRESS": server_address(n)})

    def socket(self, n):
        return os.path.join(self.directory, f"node{n}.sock")

    def node(self, crier, n):
        path = self.shipped("crier.json", (r"10\.0\.0\.9", PROXY), (r"10\.0\.0\.", "127.2.0."))
        address = node_address(n)
        return Program(f"node{n}", [
            crier, "serve", "--config", path, "--set", f"http.listen={address}:8080",
            "--set", f"admin.listen={address}:8081", "--set", f"publish.socket={self.socket(n)}",
            "--set", "drain.delay_seconds=2", "--set", "drain.window_seconds=2",
            "--set", "history.events_max=100000",
            *(("--set", 'nats.servers=["nats://127.5.0.1:4222"]') if n == COUNT else ())],
            self.directory, f"http://{address}:8081/readyz")

    def haproxy(self):
        """The certificate, the privileged port and what needs a real root are left out."""
        path = self.shipped("haproxy.cfg", (r"10\.0\.0\.", "127.3.0."),
                            (r"bind :::443.*", f"bind {PROXY}:8080"),
                            (r" +(user|group|chroot) .*", ""), (r"log /dev/log local0", ""),
                            (r" +log global", ""))
        return Program("haproxy", ["haproxy", "-db", "-f", path], self.directory,
                       f"http://{PROXY}:8080/healthz")

    def programs(self):
        return [*self.servers, *self.nodes, self.proxy]

    async def start(self):
        for program in self.servers:
            program.start()
        for program in self.servers:
            await program.wait_until_ready()
        await self.relay.start()
        for program in self.nodes:
            program.start()
            await program.wait_until_ready()
        await self.wait_until_current()
        self.proxy.start()
        await self.proxy.wait_until_ready()

    async def stop(self):
        for program in self.programs():
            if program.process and program.process.poll() is None:
                program.send(signal.SIGCONT)
                await program.end(signal.SIGKILL)

    def ask(self, subject, request=None):
        """JetStream's API, by way of any server that answers."""
        for n in range(1, COUNT + 1):
            try:
                client = Nats(server_address(n), seconds=2)
                try:
                    return client.ask(subject, request)
                finally:
                    client.close()
            except (OSError, NatsError) as error:
                last = error
        raise RuntimeError(f"{subject}: {last}")

    async def leader(self):
        """The server that leads the stream."""
        for _ in range(100):
            try:
                found = await asyncio.to_thread(self.ask, "$JS.API.STREAM.INFO.crier")
                if name := found["cluster"].get("leader"):
                    return self.servers[int(name[1:]) - 1]
            except RuntimeError:
                pass
            await asyncio.sleep(0.2)
        raise RuntimeError("the stream has no leader")

    async def wait_until_current(self):
        """Until every server has all of the stream: then any one of them may go."""
        for server in self.servers:
            await server.wait_until_ready()
        for _ in range(150):
            try:
                cluster = (await asyncio.to_thread(
                    self.ask, "$JS.API.STREAM.INFO.crier"))["cluster"]
                if cluster.get("leader") and len(cluster.get("replicas", [])) == COUNT - 1 and all(
                        one["current"] for one in cluster["replicas"]):
                    return
            except RuntimeError:
                pass
            await asyncio.sleep(0.2)
        raise RuntimeError("the servers do not become current")

    def routes_of(self, server):
        """Local and remote (address, port) of the connections to other servers."""
        inodes = set()
        for name in os.listdir(f"/proc/{server.process.pid}/fd"):
            try:
                link = os.readlink(f"/proc/{server.process.pid}/fd/{name}")
            except OSError:
                continue
            inodes.update(re.findall(r"^socket:\[(\d+)\]", link))
        routes = []
        with open("/proc/net/tcp") as table:
            for row in list(table)[1:]:
                words = row.split()
                ends = [tuple(word.split(":")) for word in words[1:3]]
                if words[9] in inodes and words[3] == "01" and any(
                        int(port, 16) == 6222 for _, port in ends):
                    routes.append([(".".join(str(b) for b in reversed(bytes.fromhex(ip))),
                                    int(port, 16)) for ip, port in ends])
        return routes

    def cut_off(self, server):
        """Drops what this server and the others send each other, and new connections of servers."""
        rules = ["tcp dport 6222 tcp flags syn drop"]
        for (address, port), (peer, peer_port) in self.routes_of(server):
            for a, b, c, d in ((address, port, peer, peer_port), (peer, peer_port, address, port)):
                rules.append(f"ip saddr {a} tcp sport {b} ip daddr {c} tcp dport {d} drop")
        text = "table inet cut {\nchain in {\ntype filter hook input priority 0;\n" + "\n".join(
            rules) + "\n}\n}\n"
        subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)
        return len(rules) - 1

    def join_again(self):
        subprocess.run(["nft", "delete", "table", "inet", "cut"], check=True)
