"""Prometheus' text, read back."""
import collections
import re
import subprocess

LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def parse(text):
    """{name: {frozenset of (label, value): number}}"""
    found = collections.defaultdict(dict)
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, labels, value = LINE.match(line).groups()
        found[name][frozenset(LABEL.findall(labels or ""))] = float(value)
    return found


def value(text, name, **labels):
    """One series, or None."""
    return parse(text)[name].get(frozenset(labels.items()))


def by_label(texts, name, label):
    """The sum over texts of a family's series, by one label, without those that are 0."""
    total = collections.Counter()
    for text in texts:
        for labels, number in parse(text)[name].items():
            total[dict(labels)[label]] += number
    return {key: int(number) for key, number in total.items() if number}


def total(texts, name):
    return sum(sum(parse(text)[name].values()) for text in texts)


def lint(text):
    """What promtool has to say against it."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          capture_output=True, timeout=30, check=False)
    return (done.stdout + done.stderr).strip() or (None if done.returncode == 0 else "refused")
