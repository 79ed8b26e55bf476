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
# What a dispatcher does with many calls at once, and a sender with many events.
ROAD = ("claim_calls", "call_postponed", "attempt_bridged", "attempt_ended", "attempt_adopt", "sender_owed")
TABLES = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan")


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def is_part(node):
    return node["Node Type"] in ("CTE Scan", "Function Scan")


def is_table(node):
    """A table of which more than one row is read: not one that is looked up by its key."""
    return node["Node Type"] in TABLES and not re.search(r"\(id = ", node.get("Index Cond", ""))


def reads(plan, which):
    """Row by row: of an aggregate there is one."""
    return which(plan) or plan["Node Type"] != "Aggregate" and any(
        reads(child, which) for child in plan.get("Plans", []))


def loops_over_both(plan):
    """Nested loops that compare each row of a part of the statement with each of a table."""
    return [node["Join Filter"] for node in nodes(plan)
            if node["Node Type"] == "Nested Loop" and "Join Filter" in node
            and any(reads(child, is_part) for child in node["Plans"])
            and any(reads(child, is_table) for child in node["Plans"])]


def read_whole(plan):
    return [node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"]


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

    def plan_of(self, session, name):
        with open(os.path.join(QUERIES, name + ".sql"), encoding="utf-8") as file:
            return self.explain(session, file.read())

    def test_no_plan_of_a_small_database_compares_all_with_all(self):
        stack = self.stack()
        campaign = stack.campaign(belfry.numbers(3))
        stack.start_campaign(campaign)
        stack.wait_status(campaign, "completed", 60)
        session = pq.Session(stack.env["BELFRY_DATABASE_URL"])
        self.addCleanup(session.close)
        session.run("SET plan_cache_mode = force_generic_plan")
        session.run("SET enable_seqscan = off")  # as pg_options.plans_once does
        for name in ROAD:
            plan = self.plan_of(session, name)
            self.assertEqual((loops_over_both(plan), read_whole(plan)), ([], []), name)
        session.run("SET enable_seqscan = on")
        for name in BATCHES:
            plan = self.plan_of(session, name)
            self.assertIn("ModifyTable", {node["Node Type"] for node in nodes(plan)})
            self.assertEqual(loops_over_both(plan), [], name)


if __name__ == "__main__":
    unittest.main()
