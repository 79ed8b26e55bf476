"""What the tests of ad hoc calls share."""
import time
import uuid

PATH = "/v1/scheduled-calls"
QUICK = {"rules": [{"on": ["busy", "no_answer", "agent_unavailable"], "delay_s": 0.4}],
         "jitter_pct": 0}
SLOW = {"rules": [{"on": ["busy"], "delay_s": 8}], "jitter_pct": 0}


def key(value=None):
    return {"Idempotency-Key": value or str(uuid.uuid4())}


def instant(at_us):
    """An API time, whole milliseconds."""
    ms = at_us // 1000
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"
