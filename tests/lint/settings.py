#!/usr/bin/python3
"""usage: settings.py [--write]

Asks every program in BELFRY_BIN (build/bin) with --print-config. The README's table between the
marks `<!-- settings -->` and `<!-- /settings -->` is what they say, row for row; --write puts it
there. libcommon/sys/settings_known.txt lists exactly their keys and those that only scripts and
clients know, which the README names in its text.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
README = os.path.join(ROOT, "README.md")
KNOWN = os.path.join(ROOT, "libcommon/sys/settings_known.txt")
BLOCK = re.compile(r"<!-- settings -->\n(.*?)<!-- /settings -->", re.DOTALL)
ENTRY = re.compile(r"# (.*) \((?:default (.*?)|(required))\)\n(BELFRY_\w+)=")


def programs():
    services = os.path.join(ROOT, "services")
    return sorted(name for name in os.listdir(services)
                  if os.path.exists(os.path.join(services, name, "main.c")))


def printed(program):
    """(key, default, sentence) of each setting of a program, in its order."""
    path = os.path.join(os.environ.get("BELFRY_BIN", os.path.join(ROOT, "build/bin")), program)
    if not os.path.exists(path):
        raise SystemExit(f"{path} is missing: build first")
    result = subprocess.run([path, "--print-config"], env={"PATH": "/usr/bin:/bin"}, text=True,
                            stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
    if result.returncode != 0:
        raise SystemExit(f"{program} --print-config: exit code {result.returncode}\n"
                         f"{result.stderr}")
    entries = [(key, "required" if required else default, doc)
               for doc, default, required, key in ENTRY.findall(result.stdout)]
    keys = re.findall(r"^(BELFRY_\w+)=", result.stdout, re.MULTILINE)
    if [entry[0] for entry in entries] != keys:
        raise SystemExit(f"{program} --print-config: a setting without its sentence and default")
    return entries


def table(settings):
    rows = ["| setting | read by | default | |", "|---|---|---|---|"]
    for (key, default, doc), readers in sorted(settings.items()):
        shown = default if default in ("required", "empty") else f"`{default}`"
        by = "all" if len(readers) == len(programs()) else ", ".join(readers)
        rows.append(f"| `{key}` | {by} | {shown} | {doc.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def main():
    settings = {}
    for program in programs():
        for entry in printed(program):
            settings.setdefault(entry, []).append(program)
    with open(README, encoding="utf-8") as file:
        readme = file.read()
    block = BLOCK.search(readme)
    if not block:
        print("README.md: the marks <!-- settings --> and <!-- /settings --> are missing")
        return 1
    wanted = table(settings)
    if "--write" in sys.argv[1:]:
        readme = readme[:block.start(1)] + wanted + readme[block.end(1):]
        with open(README, "w", encoding="utf-8") as file:
            file.write(readme)
        block = BLOCK.search(readme)

    faults = []
    have = block.group(1).strip().splitlines()
    need = wanted.strip().splitlines()
    faults += [f"README.md lacks: {row}" for row in need if row not in have]
    faults += [f"README.md has, but no program: {row}" for row in have if row not in need]
    if not faults and have != need:
        faults.append("README.md: the rows of the table are out of order")

    with open(KNOWN, encoding="utf-8") as file:
        known = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    if known != sorted(set(known)):
        faults.append("settings_known.txt is not sorted, or names a key twice")
    keys = {key for key, _, _ in settings}
    text = readme[:block.start()] + readme[block.end():]
    in_text = set(re.findall(r"`(?:[^`\n]*\W)?(BELFRY_[A-Z0-9_]+)", text))
    faults += [f"settings_known.txt lacks {key}" for key in sorted(keys - set(known))]
    faults += [f"settings_known.txt names {key}, which no program has and the README's text does "
               "not explain" for key in sorted(set(known) - keys - in_text)]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
