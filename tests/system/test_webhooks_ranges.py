"""What ranges owe: senders that die, hand over, or find an endpoint changed in the middle of one."""
import collections
import threading
import time
import unittest
import uuid

import belfry
import webhook_case


class RangeCase(webhook_case.WebhookCase):
    def mixed(self, types):
        """One event of each of these types, in one transaction; answers what publish() says."""
        return self.number(f"""
            SELECT publish(array_agg(ROW(t.type, '{self.workspace}', now(), NULL, NULL, NULL, NULL, NULL,
                NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{{"n":' || t.n || '}}')::publishable
                ORDER BY t.n))
            FROM unnest(ARRAY{types!r}) WITH ORDINALITY t(type, n)""")

    def sequences(self, receiver, path):
        return sorted(hook.json["sequence"] for hook in list(receiver.hooks) if hook.path == path)

    def settled(self):
        belfry.wait_until(lambda: self.number(belfry.UNSETTLED) == 0, 20, "all ranges to be deleted")


class IdTest(RangeCase):
    def test_ids_say_when_which_event_and_which_endpoint(self):
        ends = sorted(uuid.uuid4() for _ in range(3))
        wanted = []
        for ms in (0, 1_763_892_000_123, 2 ** 42 + 7):
            for sequence in (1, 15, 16, 4095, 2 ** 18 - 1, 2 ** 18, 2 ** 30 - 1, 2 ** 30, 2 ** 40 + 77):
                for end in ends:
                    low = sequence % 2 ** 30
                    number = (ms << 80 | 7 << 76 | (low >> 18) << 64 | 2 << 62 |
                              (low % 2 ** 18) << 44 | end.int % 2 ** 44)
                    wanted.append([str(ms), str(sequence), str(end), str(uuid.UUID(int=number))])
        values = ",".join(f"({ms}::int8, {n}::int8, '{end}'::uuid)" for ms, n, end, _ in wanted)
        found = self.rows("SELECT ms, n, e, delivery_id('epoch'::timestamptz + ms * interval '1 ms', n, e)"
                          f" FROM (VALUES {values}) v(ms, n, e)".replace("'1 ms'", "'1 millisecond'"))
        self.assertEqual(found, wanted)

    def test_each_owed_delivery_is_found_by_its_id_and_no_other_is(self):
        self.endpoint("http://127.0.0.1:9/a")
        self.endpoint("http://127.0.0.1:9/b", events="{campaign.paused}")
        for types in (["campaign.paused", "campaign.completed"] * 3, ["campaign.completed"] * 40):
            self.mixed(types)
        ids = self.rows("SELECT id, endpoint_id, sequence FROM delivery_owed WHERE workspace_id = "
                        f"'{self.workspace}'")
        self.assertEqual(len(ids), 46 + 3)
        for made, end, sequence in ids:
            self.assertEqual(self.rows(f"SELECT endpoint_id, sequence FROM owed_one('{self.workspace}',"
                                       f" '{made}')"), [[end, sequence]])
        near = uuid.UUID(ids[0][0]).int
        for other in (near + 1, near ^ 1 << 44, near ^ 1 << 64, near ^ 1 << 80, near ^ 1 << 90):
            self.assertEqual(self.rows(f"SELECT * FROM owed_one('{self.workspace}', "
                                       f"'{uuid.UUID(int=other)}')"), [])


class DeathTest(RangeCase):
    def test_senders_killed_in_the_middle_of_a_range_lose_nothing(self):
        receiver = self.receiver(lambda hook: 0.02)
        ends = {path: self.hook(receiver, path) for path in ("/a", "/b", "/c")}
        kills, count = 3, 800
        self.publish(count, wake=False)
        for n in range(kills):
            sender = self.sender()
            begun = len(receiver.hooks)
            belfry.wait_until(lambda: len(receiver.hooks) > begun + 100, 20, "requests")
            self.assertGreater(self.number(belfry.WAITING), 0)
            sender.kill()
            sender.wait()
            self.assertGreater(self.number("SELECT count(*) FROM delivery_range"), 0)
        self.sender()
        self.wait_done(count * len(ends), 60)
        for path, end in ends.items():
            times = collections.Counter(hook.id for hook in receiver.hooks if hook.path == path)
            self.assertEqual(len(times), count)
            self.assertLessEqual(max(times.values()), 1 + kills)
            # What was on its way, and what had been answered and was not committed, each time.
            self.assertLess(sum(times.values()), count + kills * 100)
            self.assertEqual(self.done(end), [["delivered", "-", "1", "delivered"]] * count)
        self.assertEqual({hook.attempt for hook in receiver.hooks}, {1})
        self.assertEqual(receiver.unsigned(), [])
        self.settled()

    def test_an_always_failing_endpoint_sees_six_and_one_for_each_kill(self):
        receiver = self.receiver(lambda hook: 500)
        end = self.hook(receiver, "/a")
        kills, count = 3, 120
        self.publish(count, wake=False)
        for n in range(kills):
            sender = self.sender()
            begun = len(receiver.hooks)
            belfry.wait_until(lambda: len(receiver.hooks) > begun + 60, 20, "requests")
            sender.kill()
            sender.wait()
        self.sender()
        self.wait_done(count, 60)
        self.assertEqual(self.done(end), [["dead_letter", "attempts_exhausted", "6", "http_error"]] *
                         count)
        times = collections.Counter(hook.id for hook in receiver.hooks)
        self.assertEqual(len(times), count)
        self.assertGreaterEqual(min(times.values()), 6)
        self.assertLessEqual(max(times.values()), 6 + kills)
        numbers = collections.defaultdict(set)
        for hook in receiver.hooks:
            numbers[hook.id].add(hook.attempt)
        self.assertEqual({tuple(sorted(one)) for one in numbers.values()}, {(1, 2, 3, 4, 5, 6)})
        self.settled()

    def test_two_senders_hand_endpoints_over_in_the_middle_of_ranges(self):
        receiver = self.receiver(lambda hook: 0.4)  # so that much still waits at each step
        # Whose an endpoint is goes by their random ids: of so many each sender will have some.
        ends = {f"/{n}": self.hook(receiver, f"/{n}") for n in range(24)}
        count = 0
        first = self.sender()
        for _ in range(4):
            self.publish(40)
            count += 40
        belfry.wait_until(lambda: len(receiver.hooks) > 100, 20, "requests")
        second = self.sender()
        belfry.wait_until(lambda: self.number("SELECT count(DISTINCT sender_id) FROM webhook_endpoint "
                                              f"WHERE workspace_id = '{self.workspace}'") == 2, 20,
                          "both to have some")
        begun = len(receiver.hooks)
        belfry.wait_until(lambda: len(receiver.hooks) > begun + 50, 20, "requests of both")
        self.assertGreater(self.number(belfry.WAITING), 100)
        self.stop(first)
        self.publish(50)
        count += 50
        third = self.sender()
        self.stop(second)
        self.wait_done(count * len(ends), 60)
        times = collections.Counter((hook.path, hook.id) for hook in receiver.hooks)
        self.assertEqual(set(times.values()), {1})  # nobody died: each once
        self.assertEqual(len(times), count * len(ends))
        self.settled()
        self.stop(third)

    def test_a_sender_that_slept_through_its_lease_in_the_middle_of_a_range(self):
        receiver = self.receiver(lambda hook: 0.05)
        ends = {path: self.hook(receiver, path) for path in ("/a", "/b")}
        first = self.sender()
        self.publish(300)
        belfry.wait_until(lambda: len(receiver.hooks) > 60, 20, "requests")
        first.send_signal(webhook_case.signal.SIGSTOP)
        self.sender()
        belfry.wait_until(lambda: self.number(belfry.WAITING) < 200, 40, "the other to go on")
        first.send_signal(webhook_case.signal.SIGCONT)
        self.wait_done(300 * len(ends), 60)
        times = collections.Counter((hook.path, hook.id) for hook in receiver.hooks)
        self.assertEqual(len(times), 300 * len(ends))
        self.assertLessEqual(max(times.values()), 2)
        self.assertLess(sum(times.values()), 300 * len(ends) + 100)
        self.settled()


class ChangeTest(RangeCase):
    def test_what_waits_when_an_endpoint_is_disabled_dies_and_later_events_live(self):
        receiver = self.receiver(lambda hook: 0.05)
        end = self.hook(receiver, "/a")
        self.sender()
        for _ in range(10):
            self.publish(60)
        belfry.wait_until(lambda: len(receiver.hooks) > 30, 20, "requests")
        self.rows(f"UPDATE webhook_endpoint SET status = 'disabled' WHERE id = '{end}'")
        self.wait_done(600, 20)
        fates = collections.Counter(row[:2] for row in map(tuple, self.done(end)))
        seen = len({hook.id for hook in receiver.hooks})
        self.assertEqual(fates, {("delivered", "-"): seen, ("dead_letter", "endpoint_disabled"):
                                 600 - seen})
        self.settled()
        self.publish(5)  # owed to nobody
        self.assertEqual(self.number(belfry.UNSETTLED), 0)
        self.rows(f"UPDATE webhook_endpoint SET status = 'enabled' WHERE id = '{end}'")
        self.publish(40)
        self.wait_done(640, 20)
        self.assertEqual(len(receiver.hooks), seen + 40)
        self.settled()

    def test_enabled_again_before_anybody_looked_it_gets_all(self):
        receiver = self.receiver()
        end = self.hook(receiver, "/a")
        self.publish(30, wake=False)
        self.rows(f"UPDATE webhook_endpoint SET status = 'disabled' WHERE id = '{end}'")
        self.publish(10, wake=False)
        self.rows(f"UPDATE webhook_endpoint SET status = 'enabled' WHERE id = '{end}'")
        self.publish(20, wake=False)
        self.sender()
        self.wait_done(50)
        self.assertEqual(self.sequences(receiver, "/a"), [*range(1, 31), *range(41, 61)])
        self.settled()

    def test_ranges_of_a_deleted_endpoint_are_buried_beside_what_was_tried(self):
        answer = [500]
        receiver = self.receiver(lambda hook: answer[0])
        end = self.hook(receiver, "/a")
        sender = self.sender(WEBHOOK_TIME_SCALE="1000")
        self.publish(20)
        belfry.wait_until(lambda: self.number("SELECT count(*) FROM delivery") == 20, 20, "failures")
        self.stop(sender)
        self.publish(1500, wake=False)
        self.publish(1500, wake=False)
        self.rows(f"UPDATE webhook_endpoint SET deleted_at = now() WHERE id = '{end}'")
        self.sender()
        self.wait_done(3020)
        self.assertEqual(collections.Counter(row[1] for row in self.done(end)),
                         {"endpoint_deleted": 3020})
        self.assertEqual(collections.Counter(row[2] for row in self.done(end)), {"1": 20, "0": 3000})
        self.assertEqual(len(receiver.hooks), 20)
        self.settled()

    def test_a_flickering_endpoint_loses_nothing(self):
        """Disabled and enabled all the time while ranges wait: each event was received or is a dead
        letter, and none is both."""
        receiver = self.receiver(lambda hook: 0.01)
        end = self.hook(receiver, "/a")
        self.sender()
        over, turns = threading.Event(), []

        def flicker():
            while not over.is_set():
                for status in ("disabled", "enabled"):
                    self.rows(f"UPDATE webhook_endpoint SET status = '{status}' WHERE id = '{end}'")
                turns.append(status)

        thread = threading.Thread(target=flicker)
        thread.start()
        try:
            for _ in range(40):
                self.publish(25)
                upto = len(turns) + 2  # the one that goes on may have begun before
                belfry.wait_until(lambda upto=upto: len(turns) >= upto, 20, "a whole turn", 0.005)
        finally:
            over.set()
            thread.join()
        self.settled()
        fates = {row[0]: row[1:] for row in self.done(end, "sequence, status, coalesce(reason, '-')")}
        self.assertEqual(len(fates), self.number("SELECT count(*) FROM delivery_done WHERE endpoint_id = "
                                                 f"'{end}'"))
        got = collections.Counter(str(hook.json["sequence"]) for hook in receiver.hooks)
        self.assertEqual({n for n, fate in fates.items() if fate == ["delivered", "-"]}, set(got))
        self.assertEqual(set(got.values()), {1})
        self.assertEqual({tuple(fate) for fate in fates.values()} - {("delivered", "-")} -
                         {("dead_letter", "endpoint_disabled")}, set())

    def test_a_filter_counts_as_it_was_when_the_event_was_committed(self):
        receiver = self.receiver()
        end = self.hook(receiver, "/a")
        both = ["campaign.paused", "campaign.completed"] * 10
        self.assertEqual(self.mixed(both), 20)
        self.rows(f"UPDATE webhook_endpoint SET events = '{{campaign.paused}}' WHERE id = '{end}'")
        self.assertEqual(self.mixed(both), 10)
        self.rows(f"UPDATE webhook_endpoint SET events = '{{scheduled_call.failed}}' WHERE id = '{end}'")
        self.assertEqual(self.mixed(both), 0)
        self.sender()
        self.wait_done(30)
        self.assertEqual(self.sequences(receiver, "/a"), [*range(1, 21), *range(21, 41, 2)])
        self.settled()

    def test_one_publish_of_many_types_goes_to_whom_it_concerns(self):
        receiver = self.receiver()
        filters = {"/all": "{*}", "/one": "{campaign.paused}", "/none": "{conversation.completed}",
                   "/two": "{campaign.paused,scheduled_call.created}"}
        for path, events in filters.items():
            receiver.secrets[path] = webhook_case.new_secret()
            self.endpoint(receiver.url(path), receiver.secrets[path], events)
        self.sender()
        types = (["campaign.completed"] * 7 + ["campaign.paused"] + ["campaign.completed"] * 5 +
                 ["campaign.paused"] * 2 + ["campaign.completed"]) * 20
        paused = [n + 1 for n, one in enumerate(types) if one == "campaign.paused"]
        self.assertEqual(self.mixed(types), len(types) + 2 * len(paused))
        self.assertEqual(self.number("SELECT count(*) FROM delivery"), 0)
        self.wait_done(len(types) + 2 * len(paused))
        self.assertEqual(self.sequences(receiver, "/all"), list(range(1, len(types) + 1)))
        self.assertEqual(self.sequences(receiver, "/one"), paused)
        self.assertEqual(self.sequences(receiver, "/two"), paused)
        self.assertEqual(self.sequences(receiver, "/none"), [])
        self.settled()

    def test_few_of_very_many_are_found(self):
        """More that do not concern it than one read looks at."""
        receiver = self.receiver()
        path = "/few"
        receiver.secrets[path] = webhook_case.new_secret()
        self.endpoint(receiver.url(path), receiver.secrets[path], "{campaign.paused}")
        for _ in range(15):
            self.mixed(["campaign.paused"] + ["campaign.completed"] * 2500 + ["campaign.paused"])
        self.sender()
        self.wait_done(30)
        self.assertEqual(len(self.sequences(receiver, path)), 30)
        self.settled()

    def test_the_first_delay_is_waited_out(self):
        receiver, watch = self.receiver(), belfry.Stopwatch()
        self.hook(receiver, "/a")
        self.sender(WEBHOOK_SCHEDULE="2,1,1,1,1,1", WEBHOOK_TIME_SCALE="1")
        begun = time.time()
        self.publish(3)
        first = time.time() - begun
        belfry.wait_until(lambda: time.time() > begun + 1, 20, "the later ones' turn")
        self.publish(3)
        second = time.time() - begun
        self.wait_done(6)
        at = sorted(hook.at_us / 1e6 - begun for hook in receiver.hooks)
        self.assertGreater(at[0], 1.9)
        self.assertLess(at[2], first + 5 + watch.slack_s())
        self.assertGreater(at[3], 2.9)
        self.assertLess(at[5], second + 5 + watch.slack_s())

    def test_rows_of_an_older_version_are_sent(self):
        receiver = self.receiver()
        end = self.hook(receiver, "/a")
        self.publish(40, wake=False)
        self.as_rows()
        self.assertEqual(self.number("SELECT count(*) FROM delivery"), 40)
        self.publish(40, wake=False)
        self.sender()
        self.wait_done(80)
        self.assertEqual(self.sequences(receiver, "/a"), list(range(1, 81)))
        self.assertEqual(self.done(end), [["delivered", "-", "1", "delivered"]] * 80)
        self.settled()

    def test_transactions_that_overtake_each_other_leave_no_gap(self):
        """Many publish at once, some slowly; what a sender has passed is never committed later."""
        receiver = self.receiver()
        self.hook(receiver, "/a")
        self.sender()

        def publish(n):
            for i in range(15):
                self.pg.sql("BEGIN; SELECT pg_sleep(0.0%d); %s; COMMIT" % ((n * 7 + i) % 5, f"""
                    SELECT publish(ARRAY[ROW('campaign.paused', '{self.workspace}', now(), NULL, NULL,
                        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                        '{{}}')::publishable]); SELECT pg_sleep(0.0{n % 3})"""))

        threads = [threading.Thread(target=publish, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.wait_done(90)
        self.assertEqual(self.sequences(receiver, "/a"), list(range(1, 91)))
        stamps = self.rows("SELECT created_at FROM delivery_done WHERE workspace_id = "
                           f"'{self.workspace}' ORDER BY sequence")
        self.assertEqual(stamps, sorted(stamps))
        self.settled()


if __name__ == "__main__":
    unittest.main()
