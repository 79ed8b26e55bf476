"""usage: dashboard.py FOLDER

The dashboard's files: none longer than 300 lines; every import leads to a file that exports it, and what is
exported is used; nothing that its Content-Security-Policy would stop (inline handlers and styles as text,
eval, another origin); no HTML from text; each library of others has its licence and its row in the table.
"""
import os
import re
import sys

import source

LINES_MAX = 300
BANNED = [
    (r"\bstyle=\"", "a style as text: the policy stops it"),
    (r"\bon[a-z]+=\"", "a handler as text: the policy stops it"),
    (r"\b(?:eval|Function)\(", "code from text"),
    (r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", "HTML from text"),
    (r"""["'`(]https?://(?!www\.w3\.org/|example\.com)""", "another origin"),
    (r"\bconsole\.", "a word on the console"),
]
IMPORT = re.compile(r"^(?:import|export) (?:(\w+)|\{([^}]*)\}) from \"([^\"]+)\";", re.MULTILINE)
LAZY = re.compile(r"import\(\"([^\"]+)\"\)")
EXPORT = re.compile(r"^export (?:async )?(?:function\*?|const|class|let) (\w+)", re.MULTILINE)


def modules(folder):
    for at, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith((".js", ".css", ".html")) and os.path.basename(at) != "vendor":
                path = os.path.join(at, name)
                yield path, source.read(path)


def names_in(text):
    return [part.strip().split(" as ")[0] for part in text.replace("\n", " ").split(",") if part.strip()]


def check(folder):
    files = dict(modules(folder))
    exports = {path: set(EXPORT.findall(text)) for path, text in files.items()}
    for path, text in files.items():
        for again in re.findall(r"^export \{([^}]*)\}", text, re.MULTILINE):
            exports[path].update(names_in(again))
    used = {path: set() for path in files}
    for path, text in files.items():
        if text.count("\n") > LINES_MAX:
            yield f"{path}: more than {LINES_MAX} lines"
        for pattern, what in BANNED:
            for found in re.finditer(pattern, text):
                yield f"{path}:{text.count(chr(10), 0, found.start()) + 1}: {what}"
        for _, names, target in IMPORT.findall(text):
            other = os.path.normpath(os.path.join(os.path.dirname(path), target))
            if not os.path.exists(other):
                yield f"{path}: {target} is not there"
            elif other in files:
                for name in names_in(names):
                    used[other].add(name)
                    if name not in exports[other]:
                        yield f"{path}: {target} exports no {name}"
        for target in LAZY.findall(text):
            if not os.path.exists(os.path.normpath(os.path.join(os.path.dirname(path), target))):
                yield f"{path}: {target} is not there"
        for asset in re.findall(r"@assets@/([^\"]+)", text):
            if not os.path.exists(os.path.join(folder, asset)):
                yield f"{path}: {asset} is not there"
    for path, names in exports.items():
        for name in sorted(names - used[path]):
            yield f"{path}: {name} is exported and nobody imports it"


def check_imports_used(folder):
    for path, text in modules(folder):
        for default, names, _ in IMPORT.findall(text):
            if re.search(r"^export \{[^}]*\} from", text, re.MULTILINE) and path.endswith("h.js"):
                continue
            for name in names_in(names) + ([default] if default else []):
                if len(re.findall(rf"\b{name}\b", text)) < 2:
                    yield f"{path}: {name} is imported and not used"


def check_vendor(folder):
    vendor = os.path.join(folder, "vendor")
    table = source.read(os.path.join(vendor, "README.md"))
    for name in os.listdir(vendor):
        if name.endswith((".js", ".css")) and f"`{name}`" not in table:
            yield f"{vendor}/{name}: the table in README.md lacks it"
    for package in ("preact", "htm", "uplot"):
        if not os.path.exists(os.path.join(vendor, f"{package}-LICENSE")):
            yield f"{vendor}: no licence of {package}"


def main():
    folder, count = sys.argv[1], 0
    for what in [*check(folder), *check_imports_used(folder), *check_vendor(folder)]:
        count += 1
        print(what)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
