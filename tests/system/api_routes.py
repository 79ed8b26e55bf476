"""Every route of the API that wants a key, for the tests that go through all of them."""



# Every route with a key: method, path, scope. {x} are ids, filled in by the tests.
ROUTES = [
    ("POST", "/v1/campaigns", "write"), ("GET", "/v1/campaigns", "read"),
    ("GET", "/v1/campaigns/{cmp}", "read"), ("PATCH", "/v1/campaigns/{cmp}", "write"),
    ("DELETE", "/v1/campaigns/{cmp}", "write"), ("POST", "/v1/campaigns/{cmp}/start", "control"),
    ("POST", "/v1/campaigns/{cmp}/pause", "control"),
    ("POST", "/v1/campaigns/{cmp}/resume", "control"),
    ("POST", "/v1/campaigns/{cmp}/cancel", "control"), ("GET", "/v1/campaigns/{cmp}/stats", "read"),
    ("GET", "/v1/campaigns/{cmp}/calls", "read"), ("POST", "/v1/schedules/preview", "read"),
    ("POST", "/v1/campaigns/{cmp}/targets", "write"),
    ("GET", "/v1/campaigns/{cmp}/targets", "read"),
    ("POST", "/v1/campaigns/{cmp}/targets/skip", "control"),
    ("GET", "/v1/campaigns/{cmp}/targets/{tgt}", "read"),
    ("DELETE", "/v1/campaigns/{cmp}/targets/{tgt}", "control"),
    ("GET", "/v1/campaigns/{cmp}/stream", "read"), ("GET", "/v1/campaigns/{cmp}/pace", "read"),
    ("GET", "/v1/campaigns/{cmp}/export.csv", "read"),
    ("POST", "/v1/campaigns/{cmp}/imports", "write"),
    ("GET", "/v1/campaigns/{cmp}/imports", "read"), ("GET", "/v1/imports/{imp}", "read"),
    ("GET", "/v1/imports/{imp}/errors.csv", "read"),
    ("GET", "/v1/scheduled-calls", "read"), ("GET", "/v1/scheduled-calls/{call}", "read"),
    ("POST", "/v1/scheduled-calls", "control"),
    ("POST", "/v1/scheduled-calls/{call}/cancel", "control"),
    ("POST", "/v1/webhook-endpoints", "admin"), ("GET", "/v1/webhook-endpoints", "read"),
    ("GET", "/v1/webhook-endpoints/{whk}", "read"),
    ("DELETE", "/v1/webhook-endpoints/{whk}", "admin"),
    ("PATCH", "/v1/webhook-endpoints/{whk}", "admin"),
    ("POST", "/v1/webhook-endpoints/{whk}/enable", "admin"),
    ("POST", "/v1/webhook-endpoints/{whk}/disable", "admin"),
    ("POST", "/v1/webhook-endpoints/{whk}/rotate-secret", "admin"),
    ("POST", "/v1/webhook-endpoints/{whk}/test", "admin"),
    ("POST", "/v1/webhook-endpoints/{whk}/replay", "admin"),
    ("GET", "/v1/webhook-endpoints/{whk}/deliveries", "read"),
    ("GET", "/v1/deliveries/{dlv}", "read"), ("POST", "/v1/deliveries/{dlv}/replay", "admin"),
    ("GET", "/v1/events", "read"),
    ("POST", "/v1/agents", "write"), ("GET", "/v1/agents", "read"),
    ("GET", "/v1/agents/{agt}", "read"), ("PATCH", "/v1/agents/{agt}", "write"),
    ("DELETE", "/v1/agents/{agt}", "write"),
    ("POST", "/v1/numbers", "admin"), ("GET", "/v1/numbers", "read"),
    ("GET", "/v1/numbers/{num}", "read"), ("PATCH", "/v1/numbers/{num}", "admin"),
    ("DELETE", "/v1/numbers/{num}", "admin"),
    ("POST", "/v1/trunks", "admin"), ("GET", "/v1/trunks", "read"),
    ("GET", "/v1/trunks/{trk}", "read"), ("PATCH", "/v1/trunks/{trk}", "admin"),
    ("DELETE", "/v1/trunks/{trk}", "admin"), ("POST", "/v1/trunks/{trk}/test", "admin"),
    ("GET", "/v1/workspace", "read"), ("PATCH", "/v1/workspace", "admin"),
    ("POST", "/v1/workspace/credit", "operator"),
    ("POST", "/v1/api-keys", "admin"), ("GET", "/v1/api-keys", "admin"),
    ("GET", "/v1/api-keys/{key}", "admin"), ("DELETE", "/v1/api-keys/{key}", "admin"),
    ("GET", "/v1/audit", "admin"), ("GET", "/v1/system", "operator"),
    ("POST", "/v1/session", "read"), ("GET", "/v1/session", "read"), ("DELETE", "/v1/session", "read"),
    ("GET", "/v1/conversations", "read"), ("GET", "/v1/conversations/{cnv}", "read"),
    ("POST", "/v1/conversations/{cnv}/hangup", "control"),
    ("POST", "/v1/suppressions", "write"), ("GET", "/v1/suppressions", "read"),
    ("POST", "/v1/suppressions/import", "write"), ("GET", "/v1/suppressions/check", "read"),
    ("GET", "/v1/suppressions/{sup}", "read"), ("DELETE", "/v1/suppressions/{sup}", "write"),
]
PREFIXES = ("cmp", "tgt", "call", "whk", "dlv", "agt", "num", "trk", "key", "cnv", "sup",
            "imp")
# A body that passes the form of each route that takes one.
CSV = {"Content-Type": "text/csv"}
BODIES = {
    "/v1/campaigns/{cmp}/imports": b"to_number\n",
    "/v1/campaigns/{cmp}": {"name": "x"}, "/v1/campaigns/{cmp}/targets": {"targets": []},
    "/v1/campaigns/{cmp}/targets/skip": {"ids": []}, "/v1/agents/{agt}": {"name": "x"},
    "/v1/numbers/{num}": {"calls_per_minute": 5}, "/v1/trunks/{trk}": {"name": "x"},
    "/v1/webhook-endpoints/{whk}": {"description": "x"},
    "/v1/webhook-endpoints/{whk}/replay": {"since": "2026-01-01T00:00:00Z"},
}


def fill(path, ids):
    for prefix in PREFIXES:
        path = path.replace("{%s}" % prefix, ids[prefix])
    return path
