"""The dashboard of deploy/grafana: its panels, and its queries with a real Prometheus."""

import math
import os
import re

from support import METRIC, check

# Values of Grafana's own variables; $instance is the regular expression of all.
VARIABLES = {"$__rate_interval": "20s", "$__range": "20s", "$instance": ".+"}
# Shown by no panel: they say nothing of crier's health that another one does not.
NOT_SHOWN = {"crier_admin_requests_total", "crier_journal_failures_total", "crier_journal_holes",
             "crier_journal_loaded_events", "process_virtual_memory_bytes"}


def panels(dashboard):
    """All panels but the rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(dashboard):
    """Each query with the title of what asks it."""
    found = [(panel["title"], target["expr"])
             for panel in panels(dashboard) for target in panel["targets"]]
    found += [(annotation["name"], annotation["expr"])
              for annotation in dashboard["annotations"]["list"] if "expr" in annotation]
    for variable in dashboard["templating"]["list"]:
        asked = re.fullmatch(r"label_values\((\w+), \w+\)", variable.get("definition", ""))
        if asked:
            found.append((variable["name"], asked[1]))
    return found


def anchors(markdown):
    """The anchors that a forge gives to the headings."""
    headings = re.findall(r"^#+ (.*)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_panels(dashboard, runbook):
    check(37 <= dashboard["schemaVersion"] <= 39, "not a schema of Grafana 9 to 11")
    rows = [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]
    check(rows == ["Health", "Traffic", "Latency", "Saturation", "Errors",
                   "Configuration and kernel"], f"rows: {rows}")
    ids = [panel["id"] for panel in dashboard["panels"]]
    check(len(ids) == len(set(ids)), "two panels have one id")
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    check(variables == {"datasource", "instance", "runbook"}, f"variables: {variables}")
    sections = anchors(runbook)
    taken = set()
    for panel in panels(dashboard):
        title = panel["title"]
        check(panel["datasource"]["uid"] == "${datasource}", f"the data source of {title}")
        text = panel["description"]
        check(text.endswith(".") and len(re.findall(r"\.(?: |$)", text)) <= 2,
              f"the description of {title} is not one or two sentences")
        check("ormal is " in text or "Normal " in text, f"{title} does not say what is normal")
        for link in panel["links"]:
            place = re.fullmatch(r"\$\{runbook:raw\}#(\S+)", link["url"])
            check(place and place[1] in sections, f"{title} links to {link['url']}")
        check(panel["links"], f"{title} links to no section of the runbook")
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        check(at["x"] + at["w"] <= 24 and not cells & taken, f"{title} lies on another panel")
        taken |= cells
    for title, expr in queries(dashboard):
        asked = re.findall(r"\b(?:(?:crier|process)_\w+|up\b)(\{[^}]*\})?", expr)
        check(title == "instance" or all('instance=~"$instance"' in matchers for matchers in asked),
              f"{title} asks all instances")


def check_coverage(asked, families):
    """Each metric is shown, or named in NOT_SHOWN."""
    names = {re.sub("_(bucket|sum|count)$", "", name) for name in METRIC.findall(asked)}
    missing = {family for family in families if family not in names} - NOT_SHOWN
    check(not missing, f"no panel shows {missing}")
    check(not NOT_SHOWN & names, f"shown after all: {NOT_SHOWN & names}")


def is_up(server):
    try:
        return len(server.query("up == 1")) == 2  # Both forms of journal.
    except OSError:
        return False


def without_answer(server, dashboard):
    """The queries that Prometheus answers with no number."""
    empty = []
    for title, expr in queries(dashboard):
        if "tcp_mem" in expr and not os.path.exists("/proc/sys/net/ipv4/tcp_mem"):
            continue  # A container does not see it.
        asked = expr
        for variable, content in VARIABLES.items():
            asked = asked.replace(variable, content)
        check("$" not in asked, f"{title} uses a variable that the test does not know")
        if all(math.isnan(number) for _, number in server.query(asked)):
            empty.append(f"{title}: {expr}")
    return empty
