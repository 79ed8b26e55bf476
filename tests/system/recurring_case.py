"""What the tests of recurring campaigns share: drafts, campaigns in each status, and times of the API."""
import datetime

import belfry
from api_case import ApiCase, to_uuid

UTC = datetime.timezone.utc
MINUTE = datetime.timedelta(minutes=1)
WINDOWS = {"timezone": "Europe/Berlin", "blackout_dates": ["2026-12-25"],
           "weekly": [{"days": ["mon", "tue"], "start": "09:00", "end": "24:00"}]}


def rfc3339(at):
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def parse(text):
    return datetime.datetime.fromtimestamp(belfry.parse_time_us(text) / 1e6, UTC)


def soon(minutes):
    return rfc3339(datetime.datetime.now(UTC) + minutes * MINUTE)


class RecurringCase(ApiCase):
    def setUp(self):
        self.api = self.one.api

    def draft(self, **fields):
        return {"kind": "recurring", "name": "r", "agent_id": self.one.agent,
                "from_number": self.one.e164, "to_number": "+14155550123", "cron": "0 9 * * *",
                **fields}

    def create(self, **fields):
        return "/v1/campaigns/" + self.api.post("/v1/campaigns", self.draft(**fields))["id"]

    def in_status(self, status, **fields):
        path = self.create(**fields)
        for action in {"draft": [], "active": ["start"], "paused": ["start", "pause"],
                       "cancelled": ["cancel"], "completed": ["start"]}[status]:
            self.api.post(f"{path}/{action}")
        if status == "completed":
            self.it.psql("UPDATE campaign SET status = 'completed', completed_at = now() "
                         f"WHERE id = '{key_of(path)}'")
        return path


def key_of(path):
    return to_uuid(path.split("/")[3])
