#!/usr/bin/python3
"""Alert rules and their tests by promtool; each alert has its page in deploy/RUNBOOK.md and each page
its alert; every expression of the dashboard and of the adapter parses; no metric is named anywhere
that the sources do not register."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "deploy/observability")
FOREIGN = {"up"}  # Prometheus' own
SUFFIXES = ("_bucket", "_sum", "_count")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def promtool(*args):
    done = subprocess.run(["promtool", *args], cwd=HERE, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)
    return [] if done.returncode == 0 else [f"promtool {' '.join(args)}:\n{done.stdout}{done.stderr}"]


def registered():
    """Names in the sources, by how they are registered: "name" where metrics are made."""
    names = set()
    for path in glob.glob(os.path.join(ROOT, "libcommon/*/*.c")) + glob.glob(os.path.join(ROOT, "services/*/*.c")):
        with open(path, encoding="utf-8") as file:
            names |= set(re.findall(r'"((?:belfry|process)_[a-z_]+)"', file.read()))
    return names


def named(text):
    return set(re.findall(r"\b(?:belfry|process)_[a-z_]+\b", text))


def is_there(name, names):
    return name in names or any(name.endswith(end) and name[:-len(end)] in names for end in SUFFIXES)


def parse_all(expressions):
    """Faults of expressions, by way of recording rules made of them."""
    rules = [{"record": f"x{index}", "expr": text.replace("$__rate_interval", "5m")}
             for index, text in enumerate(expressions)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": [{"name": "x", "rules": rules}]}, file)
        file.flush()
        return promtool("check", "rules", file.name)


def kubernetes_config():
    """Debian's promtool cannot find pods; all but that is checked."""
    config = yaml.safe_load(read("deploy/observability/prometheus-kubernetes.yml"))
    for job in config["scrape_configs"]:
        if [found["role"] for found in job.pop("kubernetes_sd_configs")] != ["pod"]:
            return ["prometheus-kubernetes.yml: pods are what it looks for"]
        job["static_configs"] = [{"targets": ["pod:9090"]}]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump(config, file)
        file.flush()
        return promtool("check", "config", "--syntax-only", file.name)


def pages(alerts):
    headings = set(re.findall(r"^## (\w+)$", read("deploy/RUNBOOK.md"), re.MULTILINE))
    found = [f"deploy/RUNBOOK.md has no page for {name}" for name in sorted(set(alerts) - headings)]
    found += [f"deploy/RUNBOOK.md: {name} is no alert" for name in sorted(headings - set(alerts))]
    for name, rule in alerts.items():
        if rule["annotations"].get("runbook") != f"deploy/RUNBOOK.md#{name.lower()}":
            found.append(f"{name}: its annotation does not lead to its page")
        if rule["labels"].get("severity") not in ("page", "ticket"):
            found.append(f"{name}: severity is page or ticket")
    for name in headings & set(alerts):
        page = read("deploy/RUNBOOK.md").split(f"\n## {name}\n")[1].split("\n## ")[0]
        if "**Look.**" not in page or "**Do.**" not in page:
            found.append(f"deploy/RUNBOOK.md: {name}: how to look and what to do are missing")
    return found


def main():
    faults = promtool("check", "rules", "alerts.yml") + promtool("test", "rules", "alerts_test.yml")
    faults += promtool("check", "config", "--syntax-only", "prometheus.yml") + kubernetes_config()
    rules = yaml.safe_load(read("deploy/observability/alerts.yml"))["groups"][0]["rules"]
    alerts = {rule["alert"]: rule for rule in rules}
    faults += pages(alerts)

    dashboard = json.loads(read("deploy/observability/grafana/dashboards/belfry.json"))
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    source = yaml.safe_load(read("deploy/observability/grafana/provisioning/datasources/prometheus.yml"))
    for panel in panels:
        if panel["datasource"]["uid"] != source["datasources"][0]["uid"]:
            faults.append(f"dashboard: {panel['title']} asks a source that is not provisioned")
    adapter = yaml.safe_load(read("deploy/observability/prometheus-adapter.yaml"))["rules"]
    queries = [rule["metricsQuery"].replace("<<.Series>>", rule["name"]["as"])
               .replace("<<.LabelMatchers>>", 'namespace="x"') for rule in adapter]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]] + queries
    faults += parse_all(expressions)
    scaled = set(re.findall(r"metric: \{name: (\w+)\}", read("deploy/k8s/base/autoscaling.yaml")))
    if scaled != {rule["name"]["as"] for rule in adapter}:
        faults.append("prometheus-adapter.yaml and autoscaling.yaml name other metrics")

    names = registered()
    texts = {"alerts.yml": " ".join(rule["expr"] for rule in rules), "dashboard": " ".join(expressions),
             "RUNBOOK.md": read("deploy/RUNBOOK.md")}
    for where, text in texts.items():
        faults += [f"{where}: no program tells {name}" for name in sorted(named(text))
                   if not is_there(name, names) and name not in FOREIGN]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
