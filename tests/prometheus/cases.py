"""The cases of run.sh: cases.py CRIER DEPLOY."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error

import dashboard
from support import (SECONDS_MAX, Failure, Prometheus, asks_what_there_is, check, get, samples,
                     wait_for)

SERIES_MAX = 500
# Labels whose values depend on the machine or the build.
MACHINE_LABELS = {"crier_kernel_parameter": {"name", "field"}, "crier_build_info": {"version"}}
# What only a system that systemd has booted, or an operator, can run.
NOT_TRIED = re.compile(r"\b(systemctl|journalctl|coredumpctl|apt-get|bpftrace|gdb|perf|strace)\b")


def run(command, **options):
    """Runs a command to its end; fails with what it printed if it does."""
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS_MAX, check=False, **options)
    check(done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


class NatsServer:
    """One with JetStream, for the metrics of a node."""

    def __init__(self, directory):
        address = address_of(3)
        self.url = f"nats://{address}:4222"
        self.process = subprocess.Popen(
            ["nats-server", "-js", "-sd", str(directory / "nats"), "-a", address, "-p", "4222"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("a nats-server", 10, lambda: self.listens(address))

    def listens(self, address):
        try:
            socket.create_connection((address, 4222), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def address_of(host):
    return f"127.{64 + os.getpid() % 64}.203.{host}"


class Daemon:
    """A daemon with a stream, some events, a refused request and one that resumes."""

    def __init__(self, crier, directory, host, journal):
        self.crier = crier
        self.address = address_of(host)
        self.admin = f"{self.address}:8081"
        self.socket = str(directory / f"publish{host}.sock")
        self.log = open(directory / f"log{host}", "w", encoding="utf-8")
        setting = [part for text in journal for part in ("--set", text)]
        self.process = subprocess.Popen(
            [crier, "serve", "--set", f"http.listen={self.address}:8080", "--set",
             f"admin.listen={self.admin}", "--set", f"publish.socket={self.socket}", "--set",
             "workers.count=2", "--set", "limits.owed_events_max=8", "--set", "admin.debug=true",
             "--set", "admin.trace_every=1", *setting],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.streams = []
        wait_for("a daemon that is ready", 20, self.ready)

    def ready(self):
        check(self.process.poll() is None, "the daemon ended: " + self.log.name)
        try:
            return get(f"http://{self.admin}/readyz") == "ready\n"
        except OSError:
            return False

    def metrics(self):
        time.sleep(0.6)  # They are rendered at most twice a second.
        return get(f"http://{self.admin}/metrics")

    def subscribe(self, query):
        stream = socket.create_connection((self.address, 8080), timeout=10)
        stream.sendall(f"GET /events?{query} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        check(stream.recv(12) == b"HTTP/1.1 200", "a stream was refused")
        self.streams.append(stream)

    def serve_some(self):
        self.subscribe("topic=a")
        for number in range(20):
            run([self.crier, "publish", "--socket", self.socket, "a", str(number)])
        self.subscribe("topic=a&from=earliest")
        try:
            get(f"http://{self.address}:8080/nothing")
        except urllib.error.HTTPError as refused:
            check(refused.code == 404, f"/nothing was answered {refused.code}")
        wait_for("a stream that has resumed", 10, lambda: value(
            self.metrics(), "crier_stream_resume_seconds_count") >= 1)

    def stop(self):
        for stream in self.streams:
            stream.close()
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def value(text, name):
    return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE)[1])


def unroff(text):
    text = text.replace("\\-", "-").replace("\\(aq", "'").replace("\\(dq", '"')
    return re.sub(r"\\f[BIR]|\\&", "", text)


def entries_of_page(page):
    """The metrics of crier-metrics(7): their kind, and the values of each label."""
    entries = {}
    for entry in page.split("\n.TP\n")[1:]:
        lines = unroff(entry).splitlines()
        name, kind = lines[0].split(" ")
        labels = {}
        for label, values in re.findall(r"^Label (\w+): (.*)\.$", "\n".join(lines), re.MULTILINE):
            labels[label] = values.split(", ")
        entries[name] = (kind, labels)
    return entries


class Cases:
    def __init__(self, crier, deploy, directory):
        self.crier = crier
        self.rules = deploy / "prometheus" / "alerts.yml"
        self.rule_tests = deploy / "prometheus" / "alerts_test.yml"
        self.runbook = (deploy / "runbook.md").read_text(encoding="utf-8")
        self.directory = directory
        self.dashboard = json.loads((deploy / "grafana" / "dashboard.json").read_text("utf-8"))
        self.prometheus = None
        self.daemon = Daemon(crier, directory, 1,
                             ["journal.kind=sqlite", f"journal.path={directory}/journal.db"])
        self.nats = NatsServer(directory)
        self.node = Daemon(crier, directory, 2,
                           ["journal.kind=nats", f'nats.servers=["{self.nats.url}"]'])
        self.idle = [daemon.metrics() for daemon in (self.daemon, self.node)]
        for daemon in (self.daemon, self.node):
            daemon.serve_some()
        self.texts = [daemon.metrics() for daemon in (self.daemon, self.node)]
        self.text = "".join(self.texts)
        self.docs = [deploy / "operating.md", deploy / "cluster" / "README.md"]
        # Each alert of the rules with its text.
        alerts = re.split(r"^ *- alert: ", self.rules.read_text(encoding="utf-8"),
                          flags=re.MULTILINE)[1:]
        self.alerts = {alert.split("\n", 1)[0]: alert.split("\n", 1)[1] for alert in alerts}

    def metrics_are_clean(self):
        for text in self.idle + self.texts:
            said = check_metrics(text)
            check(said == "", said)

    def series_are_few(self):
        for idle, text in zip(self.idle, self.texts):
            check(len(samples(text)) == len(samples(idle)) + 1,
                  "what clients do changes the number of series")  # The age of the oldest event.
            check(len(samples(text)) <= SERIES_MAX, f"{len(samples(text))} series")

    def page_has_every_series(self):
        page = entries_of_page(run([self.crier, "manual", "metrics"]))
        for family, kind, labels in samples(self.text):
            check(family in page, f"{family} is not on the page")
            page_kind, page_labels = page[family]
            check(kind == page_kind, f"{family} is a {kind}, on the page a {page_kind}")
            for label, content in labels.items():
                if label == "le" or label in MACHINE_LABELS.get(family, {}):
                    continue
                check(content in page_labels.get(label, []),
                      f"the page does not have {family}{{{label}={content}}}")
        served = {family for family, _, _ in samples(self.text)}
        check(not page.keys() - served, f"on the page only: {page.keys() - served}")

    def alerts_are_complete(self):
        check(len(self.alerts) >= 12, "fewer than 12 alerts")
        tests = self.rule_tests.read_text(encoding="utf-8")
        sections = set(re.findall(r"^## (Crier\w+)$", self.runbook, re.MULTILINE))
        check(sections == self.alerts.keys(), f"without a pair: {sections ^ self.alerts.keys()}")
        for name, text in self.alerts.items():
            check(re.search(r"severity: (critical|warning|info)\b", text), f"severity of {name}")
            check("description: >-" in text and "summary: " in text, f"texts of {name}")
            check(f"runbook: runbook.md, {name}\n" in text, f"runbook of {name}")
            case = re.search(rf"^  - name: {name}$(.*?)(?=^  - name|\Z)", tests, re.M | re.S)
            check(case, f"no test of {name}")
            for part in (f'alertname="{name}"', 'instance="good"', 'instance="bad"'):
                check(part in case[1], f"the test of {name} lacks {part}")

    def alerts_ask_what_there_is(self):
        """Names of metrics and values of labels in rules, the runbook and the rules' tests."""
        for path in (self.rules, self.rule_tests):
            asks_what_there_is(self.text, path.read_text(encoding="utf-8"))
        families = {family for family, _, _ in samples(self.text)}
        for text in [self.runbook, *(path.read_text(encoding="utf-8") for path in self.docs)]:
            for name in set(re.findall(r"`(crier_\w+)`", text)):
                check(name in families, f"the manuals name {name}, which does not exist")

    def rules_pass(self):
        run(["promtool", "check", "rules", str(self.rules)])

    def rule_tests_pass(self):
        run(["promtool", "test", "rules", str(self.rule_tests)])

    def real_prometheus_evaluates_the_rules(self):
        server = self.real_prometheus()
        wait_for("an evaluation of every rule", SECONDS_MAX,
                 lambda: self.rules_are_evaluated(server))

    def real_prometheus(self):
        if self.prometheus is None:
            self.prometheus = Prometheus(self.directory / "prometheus",
                                         f"{self.daemon.address}:9090",
                                         [self.daemon.admin, self.node.admin], self.rules)
        return self.prometheus

    def rules_are_evaluated(self, server):
        try:
            if server.query("up == 1") == []:
                return False
        except OSError:
            return False
        rules = server.rules()
        check(len(rules) == len(self.alerts), f"{len(rules)} rules")
        for rule in rules:
            check(rule["health"] in ("ok", "unknown"), f"{rule['name']}: {rule.get('lastError')}")
            check(rule["state"] != "firing", f"{rule['name']} fires with a healthy daemon")
        return all(rule["health"] == "ok" for rule in rules)

    def dashboard_is_complete(self):
        dashboard.check_panels(self.dashboard, self.runbook)

    def dashboard_asks_what_there_is(self):
        queries = "\n".join(expr for _, expr in dashboard.queries(self.dashboard))
        asks_what_there_is(self.text, queries)
        dashboard.check_coverage(queries, {family for family, _, _ in samples(self.text)})

    def dashboard_has_answers(self):
        server = self.real_prometheus()
        wait_for("a scrape", SECONDS_MAX, lambda: dashboard.is_up(server))
        self.daemon.serve_some()
        self.daemon.streams.pop().close()
        wait_for("an answer to each query of the dashboard", 15,
                 lambda: dashboard.without_answer(server, self.dashboard) == [])

    def runbook_commands(self):
        """The commands that need no systemd, with this daemon's addresses."""
        commands = re.findall(r"^    (\S.*)$", self.runbook, re.MULTILINE)
        return sorted({command for command in commands if not NOT_TRIED.search(command)})

    def runbook_works(self):
        bin_directory = self.directory / "bin"
        bin_directory.mkdir()
        (bin_directory / "crier").symlink_to(self.crier)
        settings = self.directory / "crier.json"
        settings.write_text("{}", encoding="utf-8")
        environment = os.environ | {"PATH": f"{bin_directory}:{os.environ['PATH']}"}
        commands = self.runbook_commands()
        check(len(commands) >= 20, f"{len(commands)} commands")
        for command in commands:
            told = command.replace("127.0.0.1:8081", self.node.admin)
            told = told.replace("127.0.0.1:8080", f"{self.node.address}:8080")
            told = told.replace("/usr/bin/crier", self.crier)
            told = told.replace("timeout 2 ", "timeout 0.5 ")
            told = told.replace("/etc/crier/crier.json", str(settings))
            told = told.replace("crier status", f"crier status --admin {self.node.admin}")
            told = told.replace("$(pidof -s crier)", str(self.node.process.pid))
            # What is left of counters that are 0 may be nothing.
            told = told.replace(" | grep -v ' 0$'", "")
            check(run(["bash", "-o", "pipefail", "-c", told], env=environment) != "",
                  f"{command} printed nothing")


def check_metrics(text):
    """What promtool says of the text, which is nothing if it is as Prometheus asks."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    check(done.returncode == 0, f"promtool ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def main():
    crier, deploy = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        cases = Cases(crier, deploy, pathlib.Path(directory))
        rows = [
            ("/metrics is as Prometheus asks", cases.metrics_are_clean, "promtool"),
            ("series do not grow with clients", cases.series_are_few, None),
            ("crier-metrics(7) has every series", cases.page_has_every_series, None),
            ("each alert has texts, a section and cases", cases.alerts_are_complete, None),
            ("alerts and manuals ask for what there is", cases.alerts_ask_what_there_is, None),
            ("the rules are rules", cases.rules_pass, "promtool"),
            ("each alert fires when it should, and only then", cases.rule_tests_pass, "promtool"),
            ("a real Prometheus evaluates each rule", cases.real_prometheus_evaluates_the_rules,
             "prometheus"),
            ("each panel of Grafana says what is normal", cases.dashboard_is_complete, None),
            ("Grafana's panels ask for what there is", cases.dashboard_asks_what_there_is, None),
            ("each query of the dashboard has an answer", cases.dashboard_has_answers,
             "prometheus"),
            ("the commands of the runbook work", cases.runbook_works, None),
        ]
        try:
            for name, case, tool in rows:
                if tool and not shutil.which(tool):
                    print(f"skip  {name}: {tool} is missing: apt-get install prometheus")
                    continue
                try:
                    case()
                    print(f"ok    {name}", flush=True)
                    passed += 1
                except (Failure, OSError, subprocess.TimeoutExpired) as failure:
                    print(f"FAIL  {name}: {failure}", flush=True)
                    failed += 1
        finally:
            if cases.prometheus:
                cases.prometheus.stop()
            cases.node.stop()
            cases.nats.stop()
            cases.daemon.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
