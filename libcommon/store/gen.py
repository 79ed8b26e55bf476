"""Makes store_gen.h and store_gen.c from the query files: one typed C function per statement.

A query file holds one statement under this header:

    -- One or two sentences of purpose, in any number of comment lines.
    -- $1 workspace_id uuid
    -- $2 call_ids uuid[]
    -- rows: call_id uuid, due_at timestamptz, label text,
    --   tags text[]
    SELECT ...

"-- rows:" may be absent, or say "none", when the statement returns no rows. For foo_bar.sql there
come out: stmt_foo_bar, struct foo_bar_args, add_foo_bar(), struct foo_bar_row, get_foo_bar(), and
an entry in store_all_stmts[]. What the header declares is checked against a real server by
tests/unit/test_store.c; what can be checked without one is checked here, and a fault ends the build.
"""
import argparse
import os
import re
import sys

# SQL type -> (C type, suffix of its pg_bind_, suffix of its pg_get_, oid, oid of its array)
TYPES = {
    "bool": ("bool", "bool", "bool", 16, 1000),
    "int2": ("int64_t", "int2", "int", 21, 1005),
    "int4": ("int64_t", "int4", "int", 23, 1007),
    "int8": ("int64_t", "int8", "int", 20, 1016),
    "float8": ("double", "float8", "float8", 701, None),
    "text": ("struct str", "text", "text", 25, 1009),
    "jsonb": ("struct str", "jsonb", "jsonb", 3802, 3807),
    "bytea": ("struct str", "bytea", "bytea", 17, 1001),
    "timestamptz": ("usec_t", "timestamptz", "timestamptz", 1184, 1185),
    "uuid": ("struct uuid", "uuid", "uuid", 2950, 2951),
}
KEYWORDS = frozenset(
    "auto bool break case char const continue default do double else enum errno extern false float "
    "for goto if inline int long register restrict return short signed sizeof static stderr stdin "
    "stdout struct switch true typedef union unsigned void volatile while".split())
NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
PARAM = re.compile(r"\$(\d+)\s+(\S+)\s+(\S+)\Z")
# What a statement does that changes rows: publish() of the schema writes events.
WRITES = re.compile(
    r"\b(INSERT INTO|DELETE FROM|UPDATE\s+\w+(\s+(AS\s+)?\w+)?\s+SET|publish\s*\()", re.I)
LITERAL_MAX = 4000  # ISO C promises 4,095 bytes of string literal; -Wpedantic holds us to it


class Fault(Exception):
    pass


class Field:
    """A parameter or a column: its name and its place in TYPES."""

    def __init__(self, name, sql_type):
        if not NAME.match(name):
            raise Fault(f"'{name}' is not a name ([a-z][a-z0-9_]*)")
        if name in KEYWORDS:
            raise Fault(f"'{name}' is a word of C, choose another name")
        self.is_array = sql_type.endswith("[]")
        base = sql_type[:-2] if self.is_array else sql_type
        if base not in TYPES or (self.is_array and TYPES[base][4] is None):
            known = ", ".join(TYPES)
            raise Fault(f"{name}: unknown type '{sql_type}' (known: {known}, and arrays but float8[])")
        self.name = name
        self.base = base
        self.c_type = "struct pg_array" if self.is_array else TYPES[base][0]
        self.bind = TYPES[base][1] + ("_array" if self.is_array else "")
        self.get = TYPES[base][2] + ("_array" if self.is_array else "")
        self.oid = TYPES[base][4 if self.is_array else 3]


class Query:
    def __init__(self, path):
        self.name, ext = os.path.splitext(os.path.basename(path))
        if ext != ".sql" or not NAME.match(self.name):
            raise Fault("a query file is named [a-z][a-z0-9_]*.sql")
        with open(path, encoding="utf-8") as f:
            lines = f.read().split("\n")
        end = 0
        while end < len(lines) and (lines[end].startswith("--") or not lines[end].strip()):
            end += 1
        self.purpose = []
        self.params = []
        self.rows = []
        self.read_header([line[2:] for line in lines[:end] if line.strip()])
        self.sql, used = strip_sql("\n".join(lines[end:]))
        self.check_params(used)

    def read_header(self, lines):
        rows = None
        for line in lines:
            text = line.strip()
            if rows is not None:
                if not line.startswith("  "):
                    raise Fault(f"a comment follows '-- rows:': '{text}' (indent what continues it)")
                rows += " " + text
            elif text.startswith("rows:"):
                rows = text[len("rows:"):]
            elif PARAM.match(text) or (text.startswith("$") and self.params):
                self.add_param(text)
            elif self.params:
                raise Fault(f"expected '$n name type' or 'rows:', found '{text}'")
            elif text:
                self.purpose.append(text)
        if not self.purpose:
            raise Fault("the header lacks a sentence of purpose")
        if rows is not None and rows.strip() != "none":
            self.add_rows(rows)

    def add_param(self, text):
        m = PARAM.match(text)
        if not m:
            raise Fault(f"expected '$n name type', found '{text}'")
        if int(m.group(1)) != len(self.params) + 1:
            raise Fault(f"parameters out of order: ${m.group(1)} where ${len(self.params) + 1} is due")
        self.params.append(Field(m.group(2), m.group(3)))
        check_unique(self.params, "parameter")

    def add_rows(self, rows):
        for part in rows.split(","):
            words = part.split()
            if len(words) != 2:
                raise Fault(f"rows: expected 'name type', found '{part.strip()}'")
            field = Field(*words)
            if field.is_array and field.base != "text":
                raise Fault(f"rows: {field.name}: of arrays only text[] can be read")
            self.rows.append(field)
            check_unique(self.rows, "column")

    def check_params(self, used):
        declared = set(range(1, len(self.params) + 1))
        for n in sorted(used - declared):
            raise Fault(f"${n} is used but not declared")
        for n in sorted(declared - used):
            raise Fault(f"${n} ({self.params[n - 1].name}) is declared but not used")

    def needs_arena(self):
        return any(f.is_array for f in self.rows)


def check_unique(fields, what):
    names = [f.name for f in fields]
    if names.count(names[-1]) > 1:
        raise Fault(f"{what} '{names[-1]}' is declared twice")


TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<quoted>'(?:[^']|'')*'|\"[^\"]*\")"
    r"|(?P<param>\$\d+)"
    r"|(?P<dollar>\$\w*\$)"
    r"|(?P<blank>\s+)"
    r"|(?P<word>\w+)"
    r"|(?P<other>.)", re.S)


def strip_sql(text):
    """The statement without comments, blanks squeezed, and the numbers of its parameters."""
    out = []
    used = set()
    semicolon = False
    for m in TOKEN.finditer(text):
        token = m.group()
        if m.lastgroup in ("comment", "blank"):
            if out and out[-1] != " ":
                out.append(" ")
            continue
        if m.lastgroup == "dollar" or token in ("'", '"'):
            raise Fault(f"unfinished or dollar quoting near '{text[m.start():m.start() + 20]}'")
        if semicolon:
            raise Fault("one statement per file: text follows a ';'")
        if token == ";":
            semicolon = True
            continue
        if m.lastgroup == "param":
            used.add(int(token[1:]))
        out.append(token)
    sql = "".join(out).strip()
    if not sql:
        raise Fault("the file holds no statement")
    if not sql.isascii():
        raise Fault("the statement is not ASCII")
    return sql, used


def c_string(sql):
    """A C initialiser of the text: lines of literals, or of characters where it is too long."""
    if len(sql) > LITERAL_MAX:
        codes = [str(b) for b in sql.encode("ascii")] + ["0"]
        lines = [", ".join(codes[i:i + 20]) for i in range(0, len(codes), 20)]
        return "{\n\t" + ",\n\t".join(lines) + "\n}"
    lines = []
    while sql:
        cut = len(sql)
        if cut > 80:
            cut = sql.rfind(" ", 0, 80) + 1 or cut
        part = sql[:cut].replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?").replace("\n", "\\n")
        lines.append(f'\t"{part}"')
        sql = sql[cut:]
    return "\n" + "\n".join(lines)


def declare_struct(name, fields):
    body = "".join(f"\t{f.c_type} {f.name};\n" for f in fields)
    return f"struct {name} {{\n{body}}};\n"


def add_signature(q):
    args = f", const struct {q.name}_args *a" if q.params else ""
    return f"void add_{q.name}(struct pg_unit *u{args})"


def get_signature(q):
    arena = ", struct arena *a" if q.needs_arena() else ""
    return (f"void get_{q.name}(const struct pg_result *r, size_t row, "
            f"struct {q.name}_row *out{arena})")


def header_of(q):
    out = ["/* " + "\n * ".join(line.replace("*/", "* /") for line in q.purpose) + " */\n"]
    out.append(f"extern const struct pg_stmt stmt_{q.name};\n")
    if q.params:
        out.append(declare_struct(q.name + "_args", q.params))
    out.append(add_signature(q) + ";\n")
    if q.rows:
        out.append(declare_struct(q.name + "_row", q.rows))
        out.append(get_signature(q) + ";\n")
    return "".join(out)


def oids_of(name, fields):
    if not fields:
        return "", "NULL"
    oids = ", ".join(str(f.oid) for f in fields)
    return f"static const unsigned {name}[] = {{ {oids} }};\n", name


def source_of(q):
    param_decl, params = oids_of(f"params_{q.name}", q.params)
    column_decl, columns = oids_of(f"columns_{q.name}", q.rows)
    out = [param_decl, column_decl, f"static const char sql_{q.name}[] = {c_string(q.sql)};\n"]
    out.append(f"const struct pg_stmt stmt_{q.name} = {{\n"
               f"\t.name = \"{q.name}\",\n\t.sql = sql_{q.name},\n"
               f"\t.n_params = {len(q.params)},\n\t.param_oids = {params},\n"
               f"\t.n_columns = {len(q.rows)},\n\t.column_oids = {columns},\n"
               f"\t.writes = {'true' if WRITES.search(q.sql) else 'false'},\n}};\n\n")
    out.append(add_signature(q) + f"\n{{\n\tpg_unit_begin(u, &stmt_{q.name});\n")
    out.extend(f"\tpg_bind_{p.bind}(u, a->{p.name});\n" for p in q.params)
    out.append("\tpg_unit_end(u);\n}\n")
    if q.rows:
        out.append("\n" + get_signature(q) + "\n{\n")
        for i, f in enumerate(q.rows):
            arena = ", a" if f.is_array else ""
            out.append(f"\tout->{f.name} = pg_get_{f.get}(r, row, {i}{arena});\n")
        out.append("}\n")
    return "".join(out)


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def generate(queries, out_dir):
    made_by = "/* Made by libcommon/store/gen.py from libcommon/store/queries; do not edit. */\n"
    guard = "BELFRY_GEN_STORE_GEN_H"
    header = [made_by, f"#ifndef {guard}\n#define {guard}\n\n#include \"pg/pg_codec.h\"\n\n",
              "/* Every statement there is; ends with NULL. */\n",
              "extern const struct pg_stmt *const store_all_stmts[];\n"]
    header.extend("\n" + header_of(q) for q in queries)
    header.append("\n#endif\n")
    source = [made_by, "#include \"store_gen.h\"\n"]
    source.extend("\n" + source_of(q) for q in queries)
    source.append("\nconst struct pg_stmt *const store_all_stmts[] = {\n")
    source.extend(f"\t&stmt_{q.name},\n" for q in queries)
    source.append("\tNULL,\n};\n")
    write(os.path.join(out_dir, "store_gen.h"), "".join(header))
    write(os.path.join(out_dir, "store_gen.c"), "".join(source))


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    args.add_argument("--out", required=True, help="directory of store_gen.h and store_gen.c")
    args.add_argument("files", nargs="*")
    opts = args.parse_args()
    queries = {}
    faults = 0
    for path in sorted(opts.files, key=os.path.basename):
        try:
            q = Query(path)
            if q.name in queries:
                raise Fault("another file has the same name")
            queries[q.name] = q
        except (Fault, UnicodeDecodeError) as e:
            print(f"{path}: {e}", file=sys.stderr)
            faults += 1
    if faults:
        return 1
    generate(list(queries.values()), opts.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
