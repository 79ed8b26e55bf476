"""The invariants of docs/reliability.md, judged from outside: from the carrier's ledger, the webhook
receiver's log and the API's answers, never from the engine's own tables alone.

Each function raises AssertionError with what it found. `dials` are the ledger's dial entries of the
campaign, `events` the bodies that a receiver got (repetitions allowed)."""
import collections
import datetime
import zoneinfo

TERMINAL = {"scheduled_call.dispatched", "scheduled_call.failed", "scheduled_call.cancelled"}


def fail_unless(good, what, found):
    if not good:
        raise AssertionError(f"{what}: {found}")


def i1_no_attempt_twice(dials):
    seen = collections.Counter(dial["id"] for dial in dials)
    fail_unless(len(seen) == len(dials), "I1 an attempt reached the carrier twice",
                [one for one, n in seen.items() if n > 1][:5])


def i2_all_terminal(targets):
    open_ones = [t for t in targets if t["status"] not in ("dispatched", "failed", "skipped")]
    fail_unless(not open_ones, "I2 targets are not terminal", open_ones[:3])
    no_reason = [t for t in targets if t["status"] == "failed" and not t["outcome"]]
    fail_unless(not no_reason, "I2 failed without a reason", no_reason[:3])


def i3_attempts(dials, targets, max_attempts, uncounted=lambda number: 0):
    """Dials of a call are numbered 1..k; counted ones are at most max_attempts, where the carrier's
    rules let uncounted(number) more be made."""
    numbers = collections.defaultdict(list)
    to_number = {}
    for dial in dials:
        numbers[dial["call"]].append(dial["attempt"])
        to_number[dial["call"]] = dial["to"]
    for call, found in numbers.items():
        fail_unless(sorted(found) == list(range(1, len(found) + 1)),
                    f"I3 {call} is not numbered without gaps", found)
        limit = max_attempts + uncounted(to_number[call])
        fail_unless(len(found) <= limit, f"I3 {call} has more than {limit} dials", found)
    made = collections.Counter(dial["to"] for dial in dials)
    for target in targets:
        fail_unless(target["attempts"] == made[target["to_number"]],
                    f"I3 {target['to_number']} has other attempts than the ledger",
                    (target, made[target["to_number"]]))


def i4_one_call_per_target(dials, targets):
    calls = collections.defaultdict(set)
    for dial in dials:
        calls[dial["to"]].add(dial["call"])
    twice = {to: ids for to, ids in calls.items() if len(ids) > 1}
    fail_unless(not twice, "I4 a target has two calls", list(twice.items())[:3])
    listed = collections.Counter(target["to_number"] for target in targets)
    fail_unless(all(n == 1 for n in listed.values()), "I4 a number is two targets", listed.most_common(3))
    fail_unless(set(calls) <= set(listed), "I4 a number that is no target was dialed",
                list(set(calls) - set(listed))[:3])


def i6_never_early(dials, planned):
    """planned: call id -> first instant in microseconds."""
    for dial in dials:
        if dial["attempt"] == 1 and dial["call"] in planned:
            fail_unless(dial["t_us"] >= planned[dial["call"]], "I6 dialed before its instant",
                        (dial, planned[dial["call"]]))


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def is_inside(windows, zone, at_us):
    """Does an instant lie inside of calling windows, by the clocks of a zone?"""
    local = datetime.datetime.fromtimestamp(at_us // 1000000, zoneinfo.ZoneInfo(zone))
    if local.strftime("%Y-%m-%d") in windows.get("blackout_dates", []):
        return False
    if "weekly" not in windows:
        return True
    minute = local.strftime("%H:%M")
    return any(WEEKDAYS[local.weekday()] in span["days"] and span["start"] <= minute < span["end"]
               for span in windows["weekly"])


def i6_inside_windows(dials, windows, zone_of):
    """zone_of(number): whose clocks count for a dial to it."""
    outside = [dial for dial in dials if not is_inside(windows, zone_of(dial["to"]), dial["t_us"])]
    fail_unless(not outside, "I6 dialed outside of the calling windows", (len(outside), outside[:3]))


def i7_rate(dials, rate_per_minute, bursts=0):
    """In any window w: dials <= rate * (w + 0.1 s) + 1. A window that breaks it can be chosen to begin
    and end at a dial; with x_i = t_i - i / rate, that is: no later dial may have an x that lies more
    than 0.1 s below an earlier one's."""
    per_us = rate_per_minute / 60e6
    times = sorted(dial["t_us"] for dial in dials)
    worst, highest = 0.0, None
    for index, at in enumerate(times):
        x = at - index / per_us
        if highest is not None:
            worst = max(worst, highest - x)
        highest = x if highest is None else max(highest, x)
    allowed = 100000 + bursts * 100000 + bursts / per_us
    fail_unless(worst <= allowed, "I7 over the rate",
                f"{worst / 1000:.1f} ms ahead of the line, {allowed / 1000:.0f} ms allowed, "
                f"{len(times)} dials at {rate_per_minute} a minute")


def unique_events(events):
    """By id; every repetition must be the same."""
    by_id = {}
    for event in events:
        fail_unless(by_id.setdefault(event["id"], event) == event, "an event came in two forms", event)
    return list(by_id.values())


def i10_one_event_per_transition(events, dials, targets, talks):
    """talks: numbers whose calls have a conversation."""
    events = unique_events(events)
    sequences = sorted(event["sequence"] for event in events)
    fail_unless(sequences == list(range(sequences[0], sequences[0] + len(sequences))),
                "I10 sequences are not unique and without gaps",
                (sequences[0], sequences[-1], len(sequences)))
    per_call = collections.defaultdict(collections.Counter)
    number = {}
    for event in events:
        call = event["data"].get("scheduled_call")
        if call:
            per_call[call["id"]][event["type"]] += 1
            number[call["id"]] = call["to_number"]
    status = {target["to_number"]: target["status"] for target in targets}
    fail_unless(sorted(number.values()) == sorted(status), "I10 not each target has events",
                (len(number), len(status)))
    ended = {"dispatched": "scheduled_call.dispatched", "failed": "scheduled_call.failed",
             "skipped": "scheduled_call.cancelled"}
    for call, types in per_call.items():
        wanted = {"scheduled_call.created": 1, ended[status[number[call]]]: 1}
        if number[call] in talks:
            wanted["conversation.completed"] = 1
        fail_unless(dict(types) == wanted, f"I10 events of {number[call]}", (dict(types), wanted))
    fail_unless({dial["call"] for dial in dials} <= set(per_call), "I10 a dialed call has no event", "")


def i17_completed_once(events, campaign):
    done = [event for event in unique_events(events)
            if event["type"] == "campaign.completed" and event["data"]["campaign"]["id"] == campaign]
    fail_unless(len(done) == 1, "I17 campaign.completed", len(done))
