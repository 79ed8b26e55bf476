"""A statement's plan may be made while tables are small and kept when they are not. The planner takes a
part of a statement for one row, so a join of many rows with a table of one page looks cheapest as a loop
that reads both for each other, which is a thousand times a thousand rows later on."""
import json
import os
import re
import unittest

import belfry
import pq

QUERIES = os.path.join(belfry.ROOT, "libcommon/store/queries")
# Those that take a thousand rows of one campaign at a time.
BATCHES = ("line_materialize", "campaign_cancel_calls", "campaign_cancel_targets", "call_archive")
TABLES = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan")


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def reads(plan, kinds):
    """Row by row: of an aggregate there is one."""
    return plan["Node Type"] in kinds or plan["Node Type"] != "Aggregate" and any(
        reads(child, kinds) for child in plan.get("Plans", []))


def loops_over_both(plan):
    """Nested loops that compare each row of a part of the statement with each of a table."""
    return [node["Join Filter"] for node in nodes(plan)
            if node["Node Type"] == "Nested Loop" and "Join Filter" in node
            and any(reads(child, ("CTE Scan", "Function Scan")) for child in node["Plans"])
            and any(reads(child, TABLES) for child in node["Plans"])]


class KeptPlansTest(belfry.TestCase):
    def explain(self, session, text):
        types = re.findall(r"^-- \$\d+ \w+ (\S+)", text, re.M)
        nothing = ", ".join(["NULL"] * len(types))
        session.run(f"PREPARE it{' (' + ', '.join(types) + ')' if types else ''} AS {text}")
        try:
            told = session.run(f"EXPLAIN (FORMAT JSON) EXECUTE it{' (' + nothing + ')' if types else ''}")
            return json.loads(told[0][0])[0]["Plan"]
        finally:
            session.run("DEALLOCATE it")

    def test_no_plan_of_a_small_database_compares_all_with_all(self):
        stack = self.stack()
        campaign = stack.campaign(belfry.numbers(3))
        stack.start_campaign(campaign)
        stack.wait_status(campaign, "completed", 60)
        session = pq.Session(stack.env["BELFRY_DATABASE_URL"])
        self.addCleanup(session.close)
        session.run("SET plan_cache_mode = force_generic_plan")
        for name in BATCHES:
            with open(os.path.join(QUERIES, name + ".sql"), encoding="utf-8") as file:
                plan = self.explain(session, file.read())
            self.assertIn("ModifyTable", {node["Node Type"] for node in nodes(plan)})
            self.assertEqual(loops_over_both(plan), [], name)


if __name__ == "__main__":
    unittest.main()
