"""The servers that are measured: crier, the floor, and nginx with nchan. Each is started afresh for
each measurement, in a temporary directory of its own, on a private loopback address."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from measure import Failed

ADDRESS = "127.77.0.1"
NCHAN_MODULES = ("/usr/lib/nginx/modules/ngx_nchan_module.so",)

NGINX_CONF = """
load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {dir}/nginx.pid;
error_log {dir}/error.log error;
events {{ use epoll; worker_connections {connections}; multi_accept on; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  client_body_in_single_buffer on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  tcp_nodelay on;
  nchan_max_reserved_memory 1g;
  server {{
    listen {address} backlog=4096;
    location = /events {{
      nchan_subscriber eventsource;
      nchan_channel_id $arg_topic;
      nchan_subscriber_first_message newest;
      nchan_eventsource_ping_interval 15;
    }}
  }}
  server {{
    listen unix:{socket};
    location ~ ^/topics/(.+)$ {{
      nchan_publisher;
      nchan_channel_id $1;
      nchan_message_buffer_length 1000;
      nchan_message_timeout 300s;
    }}
  }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


class Target:
    """A server process: a context manager, listening once entered, gone once left."""

    name = ""

    def __init__(self, settings):
        self.settings = settings
        self.port = free_port()
        self.address = f"{ADDRESS}:{self.port}"
        self.dir = self.publish_socket = self.process = None

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="crier-bench-")
        self.publish_socket = os.path.join(self.dir, "publish.sock")
        with open(os.path.join(self.dir, "output"), "wb") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output)
        try:
            self.wait_until_listening()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGTERM)  # The second one skips the drain.
                try:
                    self.process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def wait_until_listening(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection((ADDRESS, self.port), timeout=1).close()
                if os.path.exists(self.publish_socket):
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise Failed(f"{self.name} does not start: {self.output()[-400:]}")

    def output(self):
        with open(os.path.join(self.dir, "output"), "rb") as text:
            return text.read().decode(errors="replace").strip()

    def pids(self):
        return [self.process.pid]

    def signal(self, number):
        for pid in self.pids():
            os.kill(pid, number)


class Crier(Target):
    name = "crier"

    def __init__(self, settings, workers=1, streams_max=18_500, **more):
        super().__init__(settings)
        self.knobs = {"http.listen": self.address, "admin.listen": f"{ADDRESS}:{free_port()}",
                      "workers.count": workers, "limits.streams_max": streams_max, **more,
                      **settings.knobs}

    def command(self):
        knobs = {**self.knobs, "publish.socket": self.publish_socket}
        words = [self.settings.crier, "serve"]
        for key, value in knobs.items():
            words += ["--set", f"{key}={value}"]
        return words


class Floor(Target):
    name = "floor"

    def command(self):
        return [self.settings.floor, self.address, self.publish_socket]


class Nchan(Target):
    name = "nchan"

    @staticmethod
    def module():
        found = [path for path in NCHAN_MODULES if os.path.exists(path)]
        return found[0] if found and shutil.which("nginx") else None

    def command(self):
        path = os.path.join(self.dir, "nginx.conf")
        with open(path, "w") as conf:
            conf.write(NGINX_CONF.format(module=self.module(), dir=self.dir, address=self.address,
                                         socket=self.publish_socket, files=20_000,
                                         connections=19_500))
        os.chmod(self.dir, 0o711)  # Workers of a master started by root run as another user.
        return ["nginx", "-p", self.dir, "-c", path]

    def pids(self):
        """The workers: the master does nothing while they serve."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as text:
            return [int(pid) for pid in text.read().split()]
