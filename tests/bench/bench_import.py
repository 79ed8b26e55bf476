#!/usr/bin/python3
"""A CSV file of 1,000,000 rows through the API: how long until all are targets, and what the gateway
takes for it; then searches among them, and the export of all, read as fast as it comes."""
import http.client
import random
import time

import bench
import belfry

ROWS = 1_000_000
BATCH = 5000
FIRST = ("Ada", "Bert", "Chandra", "Dilip", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas")
LAST = ("Lovelace", "Meyer", "Patel", "Okafor", "Silva", "Novak", "Tanaka", "Smith", "Kumar", "Weiss")
SEARCHES = 400


def file(rows):
    """The file in pieces: a number, a name, an id and a variable in each row."""
    yield b"to_number,name,external_id,company\n"
    for at in range(0, rows, BATCH):
        yield "".join(f"+1{2000000000 + n},{FIRST[n % 10]} {LAST[n // 10 % 10]} {n % 9973},"
                      f"crm-{n},Acme {n % 100}\n"
                      for n in range(at, min(rows, at + BATCH))).encode()


def upload(stack, campaign, pieces):
    connection = http.client.HTTPConnection(stack.api.host, stack.api.port, timeout=600)
    connection.request("POST", f"/v1/campaigns/{campaign}/imports", body=iter(pieces),
                       headers={"Authorization": f"Bearer {stack.api.key}",
                                "Content-Type": "text/csv", "Transfer-Encoding": "chunked"},
                       encode_chunked=True)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    bench.fail_unless(response.status == 202, f"{response.status} {body[:300]}")
    return belfry.Answer(response.status, response.headers, body).json["id"]


def completed(stack, import_id):
    def over():
        got = stack.api.get("/v1/imports/" + import_id)
        return got if got["status"] != "running" else None
    return belfry.wait_until(over, 600, "the import is over", interval_s=0.1)


def memory_mb(stack, what):
    with open(f"/proc/{stack.pid('api-gateway.0')}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what)) / 1024


def imported(stack, report):
    rows = bench.scaled(ROWS)
    pieces = list(file(rows))  # made before, so that Python is no part of the figure
    campaign = stack.campaign()
    began = time.monotonic()
    import_id = upload(stack, campaign, pieces)
    sent_s = time.monotonic() - began
    got = completed(stack, import_id)
    took_s = time.monotonic() - began
    bench.fail_unless((got["status"], got["inserted"]) == ("completed", rows), str(got))
    report.section(f"{rows} rows, {sum(map(len, pieces)) / 1e6:.0f} MB, chunked")
    report.row("until the file was in", f"{sent_s:.1f} s")
    report.bar("until all were targets", f"{took_s:.1f} s", "60 s", took_s <= 60)
    report.row("rows a second", f"{rows / took_s:.0f}")
    peak = memory_mb(stack, "VmHWM")
    report.bar("peak memory of the gateway", f"{peak:.1f} MB", "64 MB", peak <= 64)
    return campaign, rows


def search(stack, campaign, rows, count):
    chance, took = random.Random(7), []
    for n in range(count):
        k = chance.randrange(rows)
        q = ("crm" if n % 40 == 39 else  # what nobody has
             f"{2000000000 + k}"[-7:] if n % 4 == 0 else
             f"{LAST[k % 10]}%20{k % 9973}" if n % 4 == 1 else
             f"{2000000000 + k}"[-4:] if n % 4 == 2 else LAST[k % 10].lower())
        status = ("", "&status=pending", "&status=failed")[n % 3]
        began = time.monotonic()
        answer = stack.api.request("GET", f"/v1/campaigns/{campaign}/targets?q={q}{status}")
        took.append(time.monotonic() - began)
        bench.fail_unless(answer.status == 200, str(answer))
    return took


def searched(stack, report, campaign, rows):
    report.section("searches with q and status among them")
    took = search(stack, campaign, rows, 20)
    report.row("p50 of the first 20, at once", f"{bench.quantile(took, 0.5) * 1000:.1f} ms")
    # a table that was empty a moment ago has no statistics before autovacuum has been there
    belfry.wait_until(lambda: stack.value("SELECT last_autoanalyze > now() - interval '1 hour' FROM "
                                          "pg_stat_user_tables WHERE relname = 'target'") == "t",
                      150, "autovacuum has analyzed the table", interval_s=1)
    took = search(stack, campaign, rows, bench.scaled(SEARCHES, 40))
    report.row("p50", f"{bench.quantile(took, 0.5) * 1000:.1f} ms")
    p99 = bench.quantile(took, 0.99) * 1000
    report.bar("p99", f"{p99:.1f} ms", "50 ms", p99 <= 50)


def searched_rare(stack, report, campaign, rows):
    """The dearest question: a name that a tenth has, a status that a hundredth has. No index may
    name the status, which changes."""
    stack.run_psql("-c", "UPDATE target SET status = 'failed' WHERE position % 101 = 0", "-c",
                   "UPDATE campaign_count k SET failed = x.n, pending = k.pending - x.n FROM (SELECT "
                   "campaign_id, count(*) AS n FROM target WHERE status = 'failed' GROUP BY 1) x "
                   "WHERE k.campaign_id = x.campaign_id")
    took = []
    for n in range(bench.scaled(100, 10)):
        began = time.monotonic()
        answer = stack.api.request("GET", f"/v1/campaigns/{campaign}/targets?q={LAST[n % 10]}"
                                          "&status=failed")
        took.append(time.monotonic() - began)
        bench.fail_unless(len(answer.json["data"]) >= min(50, rows // 1500), str(answer))
    report.row("a tenth's name, a hundredth's status, p99",
               f"{bench.quantile(took, 0.99) * 1000:.1f} ms")


def exported(stack, report, campaign, rows):
    connection = http.client.HTTPConnection(stack.api.host, stack.api.port, timeout=600)
    began = time.monotonic()
    connection.request("GET", f"/v1/campaigns/{campaign}/export.csv",
                       headers={"Authorization": f"Bearer {stack.api.key}"})
    response = connection.getresponse()
    lines = size = 0
    while data := response.read(1 << 20):
        lines += data.count(b"\n")
        size += len(data)
    took_s = time.monotonic() - began
    connection.close()
    bench.fail_unless(lines == rows + 1, f"{lines} lines of {rows} targets")
    report.section(f"the export, {size / 1e6:.0f} MB")
    report.row("rows a second", f"{rows / took_s:.0f}")
    report.row("peak memory of the gateway", f"{memory_mb(stack, 'VmHWM'):.1f} MB")


def measure(report):
    with bench.Stack() as stack:
        campaign, rows = imported(stack, report)
        searched(stack, report, campaign, rows)
        searched_rare(stack, report, campaign, rows)
        exported(stack, report, campaign, rows)


if __name__ == "__main__":
    raise SystemExit(bench.main("import", "CSV imports, searches, exports", measure))
