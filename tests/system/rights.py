"""What the gateway's role may do in Postgres: exactly what its statements need.

    /usr/bin/python3 tests/system/rights.py     (make rights) writes proto/roles/gateway.sql anew

The server itself says what each statement needs: with debug_print_parse it tells the tables, rights and
columns that it is going to check.
"""
import glob
import os
import re
import sys
import textwrap

import belfry

FILE = os.path.join(belfry.ROOT, "proto/roles/gateway.sql")
ROLE = "belfry_gateway"
# As choose_statements() of the gateway does.
PATTERNS = ("api_*.sql", "campaign_cancel_*.sql")
INSERT, SELECT, UPDATE, DELETE = 1, 2, 4, 8
FIRST_COLUMN = -7  # what the server adds to a column's number in a set of columns
NEED = re.compile(r":rtekind 0 :relid (\d+) :relkind \S+ .*?:requiredPerms (\d+) :checkAsUser 0 "
                  r":selectedCols \(b([^)]*)\) :insertedCols \(b([^)]*)\) :updatedCols \(b([^)]*)\)")
HEAD = """-- What the role of the gateway may do in the database: what its statements need and no more.
-- Made from them by `make rights`; tests/system/test_gateway_role.py holds it to them. Reading is
-- granted by table, since only who may read all of a table has the statistics of an index over an
-- expression; writing by column. belfry-admin migrate takes away what the role had, and runs this.
"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def statements():
    """(name, types of the parameters, text) of each statement of the gateway."""
    for pattern in PATTERNS:
        for path in sorted(glob.glob(os.path.join(belfry.ROOT, "libcommon/store/queries", pattern))):
            text = read(path)
            types = re.findall(r"^-- \$\d+ \w+ (\S+)$", text, re.MULTILINE)
            yield os.path.basename(path)[:-4], types, text


def prepared(name, types, text):
    declared = f"({', '.join(types)})" if types else ""
    return f"PREPARE {name}{declared} AS\n{text.rstrip().rstrip(';')}\n;\n"


def needs(stack):
    """{(table, right): columns by number} of all statements, and of the functions that they call: the
    server reads those only as they run."""
    script = "SET client_min_messages = log; SET debug_print_parse = on;\n"
    script += "".join(prepared(*statement) for statement in statements())
    script += ("BEGIN; SELECT publish(ARRAY[ROW('campaign.paused', (SELECT id FROM workspace LIMIT 1), "
               "now(), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}')"
               "::publishable]);\n"
               "SELECT owed_page(id, id, id, 1), owed_one(id, id), done_calls(id, '{}'), "
               "done_attempts(id, '{}'), conversations(id, '{}'), "
               "call_ids(id, NULL, NULL, id, NULL, NULL, NULL, id, 1), conversation_ids(id, NULL, id, 1), "
               "done_deliveries(id, id, NULL, id, 1), delivery_events(id, '{}', now(), now(), 1::int2), "
               "last_attempt(id, id), events_after(id, 0, 1), events(id, '{}', '{}') FROM workspace; ROLLBACK;\n")
    path = os.path.join(stack.home, "rights.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    done = stack.call("psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-f", path)
    names = dict(stack.psql("SELECT c.oid, c.relname FROM pg_class c "
                            "WHERE c.relnamespace = 'public'::regnamespace"))
    found = {}
    for relation, rights, *columns in NEED.findall(re.sub(r"\s+", " ", done.stderr)):
        for bit, numbers in zip((SELECT, INSERT, UPDATE, DELETE), columns + [""]):
            if int(rights) & bit and relation in names:
                have = found.setdefault((names[relation], bit), set())
                have.update(int(n) + FIRST_COLUMN for n in numbers.split())
    return found


def columns(stack):
    """{table: {number: column}}"""
    out = {}
    for table, number, column in stack.psql(
            "SELECT c.relname, a.attnum, a.attname FROM pg_attribute a JOIN pg_class c ON "
            "c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 "
            "AND NOT a.attisdropped AND c.relkind IN ('r', 'p') ORDER BY 1, 2"):
        out.setdefault(table, {})[int(number)] = column
    return out


def grants(stack):
    """The file as it ought to be."""
    found, named = needs(stack), columns(stack)
    lines = []
    for table, bit in sorted(found):
        right = {INSERT: "INSERT", SELECT: "SELECT", UPDATE: "UPDATE", DELETE: "DELETE"}[bit]
        if bit in (INSERT, UPDATE):
            # Rows that are only locked: one column is as good as another.
            numbers = found[table, bit] or {1}
            right += f" ({', '.join(named[table][n] for n in sorted(numbers))})"
        lines += textwrap.wrap(f"GRANT {right} ON {table} TO {ROLE};", 100,
                               subsequent_indent="    ", break_on_hyphens=False)
    return HEAD + "\n".join(lines) + "\n"


def main():
    stack = belfry.Stack()
    try:
        text = grants(stack.up())
        with open(FILE, "w", encoding="utf-8") as file:
            file.write(text)
    finally:
        stack.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
