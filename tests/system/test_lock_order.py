"""publish() locks the workspace's sequence until the transaction ends, so it comes last: whoever waits for
the sequence may hold a counter. In one statement of many parts Postgres runs first what the others read,
and a part that writes and that nobody reads comes after everything else, publish() too."""
import glob
import json
import os
import re
import unittest

import belfry
import pq
from test_admin import Postgres

QUERIES = os.path.join(belfry.ROOT, "libcommon/store/queries")


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def statements():
    for path in sorted(glob.glob(os.path.join(QUERIES, "*.sql"))):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if "publish(" in re.sub(r"^\s*--.*$", "", text, flags=re.M):
            yield os.path.basename(path)[:-len(".sql")], text


class LockOrderTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres()
        cls.addClassCleanup(cls.pg.close)
        cls.pg.start()
        cls.pg.wait()
        for path in sorted(glob.glob(os.path.join(belfry.ROOT, "proto/schema/*.sql"))):
            with open(path, encoding="utf-8") as file:
                cls.pg.sql(file.read())

    def plan(self, text):
        types = re.findall(r"^-- \$\d+ \w+ (\S+)", text, re.M)
        session = pq.Session(self.pg.url)
        try:
            session.run("SET plan_cache_mode = force_generic_plan")
            session.run(f"PREPARE it ({', '.join(types)}) AS {text}")
            told = session.run(f"EXPLAIN (FORMAT JSON) EXECUTE it ({', '.join(['NULL'] * len(types))})")
            return json.loads(told[0][0])[0]["Plan"]
        finally:
            session.close()

    def test_publish_comes_after_everything_that_is_written(self):
        found, unread = 0, {}
        for name, text in statements():
            parts = list(nodes(self.plan(text)))
            written = {part["Subplan Name"][len("CTE "):] for part in parts if part["Node Type"] == "ModifyTable"
                       and part.get("Subplan Name", "").startswith("CTE ")}
            found += len(written)
            left = written - {part.get("CTE Name") for part in parts}
            if left:
                unread[name] = sorted(left)
        self.assertGreater(found, 30)
        self.assertEqual(unread, {})


if __name__ == "__main__":
    unittest.main()
