"""What cases.py and dashboard.py share."""

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

SECONDS_MAX = 60
SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? \S+$")
LABEL = re.compile(r'(\w+)="([^"]*)"')
METRIC = re.compile(r"\b(?:crier|process)_\w+")


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def wait_for(what, seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(0.05)


def samples(text):
    """The samples of /metrics: the name of the family, its kind, the labels."""
    families = {}
    found = []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            families[name] = kind
            continue
        if line.startswith("#") or not line:
            continue
        sample = SAMPLE.match(line)
        check(sample, "not a sample: " + line)
        name = sample["name"]
        family = name if name in families else re.sub("_(bucket|sum|count)$", "", name)
        check(family in families, "a sample without a TYPE: " + line)
        found.append((family, families[family], dict(LABEL.findall(sample["labels"] or ""))))
    return found


def asks_what_there_is(text, queries):
    """Checks the names of metrics and the values of labels in queries against /metrics."""
    known = {}
    for family, kind, labels in samples(text):
        suffixes = ["_bucket", "_sum", "_count"] if kind == "histogram" else [""]
        for suffix in suffixes:
            of_name = known.setdefault(family + suffix, {})
            for label, content in labels.items():
                of_name.setdefault(label, set()).add(content)
    for name, matchers in re.findall(r"\b((?:crier|process)_\w+)(?:\{([^}]*)\})?", queries):
        check(name in known, f"there is no {name}")
        for label, _, contents in re.findall(r'(\w+)(!?=~?)\s*"([^"]*)"', matchers):
            if label in ("job", "instance"):
                continue
            for content in contents.split("|"):
                check(content in known[name].get(label, []) or content == "others",
                      f"{name} has no {label}={content}")


class Prometheus:
    """A real one that scrapes daemons once a second and evaluates rules."""

    def __init__(self, directory, listen, admins, rules):
        directory.mkdir()
        shutil.copy(rules, directory / "alerts.yml")
        (directory / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            "rule_files: [alerts.yml]\n"
            "scrape_configs:\n"
            "  - job_name: crier\n"
            f"    static_configs: [{{targets: {admins}}}]\n", encoding="utf-8")
        self.url = f"http://{listen}/api/v1"
        with open(directory / "log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={directory}/prometheus.yml",
                 f"--storage.tsdb.path={directory}/data", f"--web.listen-address={listen}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def rules(self):
        groups = json.loads(get(self.url + "/rules"))["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def query(self, expr):
        """The labels and values of an instant query; a mistake in it is an error of HTTP."""
        answer = get(f"{self.url}/query?" + urllib.parse.urlencode({"query": expr}))
        return [(result["metric"], float(result["value"][1]))
                for result in json.loads(answer)["data"]["result"]]

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
