"""usage: banned.py LIST <paths; prints each call of a listed function and fails if there is one."""
import re
import sys

import source


def read_list(path):
    banned = {}
    for line in source.read(path).splitlines():
        if line and not line.startswith("#"):
            name, where, instead = line.split(None, 2)
            banned[name] = ((), instead) if where == "-" else (tuple(where.split(",")), instead)
    return banned


def main():
    banned, faults = read_list(sys.argv[1]), 0
    # Not a member's name (x->time(), x.time()), not a declaration of ours.
    call = re.compile(r"(?<![\w.>])(" + "|".join(map(re.escape, banned)) + r")\s*\(")
    for path in sys.stdin.read().split():
        for number, line in enumerate(source.code(source.read(path)).split("\n"), 1):
            for match in call.finditer(line):
                allowed, instead = banned[match.group(1)]
                if not path.startswith(allowed or ("\0",)):
                    faults += 1
                    print(f"{path}:{number}: {match.group(1)} is banned; use {instead}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
