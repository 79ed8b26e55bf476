"""The product's own statements as benchmarks see them: their text from the query files, in the form
that pgbench takes, and how pg_stat_statements counted them."""
import os
import re

import bench

FOLDER = os.path.join(bench.ROOT, "libcommon/store/queries")
PARAM = re.compile(r"--\s+\$(\d+)\s+(\w+)\s+(\S+)\s*$", re.MULTILINE)
WORD = re.compile(r"[a-z_][a-z0-9_]*")


def read(name):
    with open(os.path.join(FOLDER, name + ".sql"), encoding="utf-8") as file:
        return file.read()


def body(text):
    return "\n".join(line.split("--", 1)[0] for line in text.split("\n"))


def for_pgbench(name, values, variables=()):
    """The statement with its parameters as the given SQL, or as the pgbench variables of their own
    names, cast to the types that the query file declares."""
    text = read(name)
    types = {int(number): (param, kind) for number, param, kind in PARAM.findall(text)}
    for param, _ in types.values():
        bench.fail_unless(param in values or param in variables,
                          f"{name}.sql has a parameter that the floor does not know: {param}")

    def put(match):
        param, kind = types[int(match.group(1))]
        return f"{values.get(param, ':' + param)}::{kind}"

    return re.sub(r"\$(\d+)", put, body(text)).strip() + ";\n"


def key(sql):
    """What stays the same when pg_stat_statements replaces constants, the epoch of
    extract(epoch FROM ...) among them, by parameters."""
    sql = re.sub(r"'[^']*'|\$\d+", " ", body(sql).lower())
    return tuple(word for word in WORD.findall(sql) if word not in ("null", "true", "false", "epoch"))


class Counted:
    """Calls, rows and milliseconds of each named statement since the last time."""

    def __init__(self, stack, names):
        self.stack, self.names = stack, {key(read(name)): name for name in names}
        self.before = self.read()

    def read(self):
        found = {name: [0, 0, 0.0] for name in self.names.values()}
        for calls, rows, ms, text in self.stack.rows(
                "SELECT calls, rows, total_exec_time, replace(query, chr(10), ' ')"
                " FROM pg_stat_statements"):
            name = self.names.get(key(text))
            if name:
                found[name] = [found[name][0] + int(calls), found[name][1] + int(rows),
                               found[name][2] + float(ms)]
        return found

    def since(self):
        """name -> (calls, rows, ms)"""
        now = self.read()
        return {name: tuple(b - a for a, b in zip(self.before[name], now[name])) for name in now}
