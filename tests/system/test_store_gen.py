"""libcommon/store/gen.py: what it refuses, and that what it makes compiles under our warnings."""
import os
import shlex
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GEN = os.path.join(ROOT, "libcommon/store/gen.py")
WARNINGS = ("-std=c17 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wshadow -Wconversion "
            "-Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wformat=2 "
            "-Wundef -Werror")
GOOD = {
    "all_types.sql": """-- Takes everything and gives everything; says "so"; in two
-- lines, the second of which ends like a comment */.
-- $1 a bool
-- $2 b int2
-- $3 c int4
-- $4 d int8
-- $5 e float8
-- $6 f text
-- $7 g jsonb
-- $8 h bytea
-- $9 i timestamptz
-- $10 j uuid
-- $11 k uuid[]
-- $12 l text[]
-- rows: a bool, b int2, c int4, d int8, e float8, f text,
--   g jsonb, h bytea, i timestamptz, j uuid, l text[]
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12 -- not '$13;
WHERE 'it''s; $14 "?"' <> "odd;""name$15" /* $16; */ AND $10 = ANY ($11);
""",
    "none_at_all.sql": "-- Takes nothing, gives nothing.\n-- rows: none\nDELETE FROM t\n",
    "very_long.sql": "-- Longer than a literal may be.\nSELECT 1 WHERE " +
                     " AND ".join(f"'a \\b' <> 'line\n{n}'" for n in range(400)) + "\n",
}
BAD = (
    ("-- X.\n-- $2 a int4\nSELECT $2", "out of order"),
    ("-- X.\n-- $1 a int9\nSELECT $1", "unknown type"),
    ("-- X.\n-- $1 a float8[]\nSELECT $1", "unknown type"),
    ("-- X.\n-- $1 a int4\nSELECT 1", "not used"),
    ("-- X.\nSELECT $1", "not declared"),
    ("-- X.\n-- $1 a int4\n-- $2 a int4\nSELECT $1, $2", "twice"),
    ("-- X.\n-- $1 int int4\nSELECT $1", "word of C"),
    ("-- X.\n-- $1 A int4\nSELECT $1", "not a name"),
    ("-- X.\n-- $1 a int4\n-- $2 b\nSELECT $1, $2", "expected"),
    ("-- X.\n-- rows: a int4, a int4\nSELECT 1, 2", "twice"),
    ("-- X.\n-- rows: a int4[]\nSELECT 1", "only text[]"),
    ("-- X.\n-- rows: a\nSELECT 1", "expected 'name type'"),
    ("-- X.\n-- rows: a int4\n-- b int4\nSELECT 1", "indent"),
    ("SELECT 1", "purpose"),
    ("-- X.\n", "no statement"),
    ("-- X.\nSELECT 1; SELECT 2", "one statement"),
    ("-- X.\nSELECT $$a$$", "quoting"),
    ("-- X.\nSELECT 'a", "quoting"),
    ("-- X.\nSELECT 'é'", "ASCII"),
)


class GenTest(unittest.TestCase):
    def generate(self, files):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        paths = []
        for name, text in files.items():
            paths.append(os.path.join(folder.name, name))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.write(text)
        return folder.name, subprocess.run([sys.executable, GEN, "--out", folder.name, *paths],
                                           capture_output=True, text=True, timeout=60, check=False)

    def compile(self, folder):
        subprocess.run(["gcc", *shlex.split(WARNINGS), "-I" + os.path.join(ROOT, "libcommon"), "-c",
                        os.path.join(folder, "store_gen.c"), "-o", os.path.join(folder, "o")],
                       check=True, timeout=60)

    def test_what_it_makes_compiles(self):
        folder, done = self.generate(GOOD)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.compile(folder)
        with open(os.path.join(folder, "store_gen.h"), encoding="utf-8") as file:
            header = file.read()
        self.assertIn("void add_none_at_all(struct pg_unit *u);", header)
        self.assertIn("struct all_types_row *out, struct arena *a);", header)
        self.assertNotIn("get_none_at_all", header)

    def test_it_knows_what_may_change_rows(self):
        for sql, writes in (
                ("SELECT a FROM t FOR UPDATE", "false"), ("SELECT 'DELETE FROM' FROM t", "true"),
                ("INSERT INTO t (a) VALUES (1)", "true"), ("UPDATE t SET a = 1", "true"),
                ("UPDATE t AS x\n\tSET a = 1", "true"), ("UPDATE t x SET a = 1", "true"),
                ("WITH w AS (DELETE FROM t RETURNING a) SELECT a FROM w", "true"),
                ("SELECT publish(array_agg(a)) FROM t", "true"), ("SELECT updated FROM t", "false")):
            folder, done = self.generate({"one.sql": "-- X.\n" + sql})
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(os.path.join(folder, "store_gen.c"), encoding="utf-8") as file:
                self.assertIn(f".writes = {writes},", file.read(), sql)

    def test_no_statements_make_an_empty_list(self):
        folder, done = self.generate({})
        self.assertEqual(done.returncode, 0)
        self.compile(folder)

    def test_faults_are_named_and_nothing_is_written(self):
        for text, word in BAD:
            with self.subTest(text):
                folder, done = self.generate({"bad.sql": text})
                self.assertEqual(done.returncode, 1)
                self.assertIn("bad.sql: ", done.stderr)
                self.assertIn(word, done.stderr)
                self.assertFalse(os.path.exists(os.path.join(folder, "store_gen.c")))

    def test_names_of_files_are_names(self):
        for name in ("Bad.sql", "1.sql", "a-b.sql", "a.txt"):
            with self.subTest(name):
                _, done = self.generate({name: "-- X.\nSELECT 1"})
                self.assertEqual(done.returncode, 1)
                self.assertIn("named", done.stderr)


if __name__ == "__main__":
    unittest.main()
