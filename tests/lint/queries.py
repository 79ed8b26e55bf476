"""usage: queries.py EXCEPTIONS <paths

Each file has its header (a purpose, its parameters in order; the build checks their types). No
SELECT *; who claims work with SKIP LOCKED says in which order and how much. A statement of the
gateway (api_*.sql) names the workspace: it takes workspace_id, and binds it to a column of that
name, and so does each table of tenants that it reads or changes, so that no request can reach
another tenant's rows.
"""
import functools
import glob
import os
import re
import sys

import source


def split(text):
    header = [line[2:].strip() for line in text.splitlines() if line.startswith("--")]
    body = re.sub(r"--[^\n]*", "", text)
    body = re.sub(r"(\$\w*\$).*?\1", "''", body, flags=re.DOTALL)  # the body of a function
    return header, re.sub(r"\s+", " ", body).strip()


def names_workspace(header, body):
    """Whether the parameter workspace_id meets a column workspace_id."""
    for line in header:
        param = re.match(r"\$(\d+) workspace_id uuid$", line)
        if not param:
            continue
        value = rf"\${param.group(1)}(?:::uuid)?\b"
        compared = rf"workspace_id\s*=\s*{value}|{value}\s*=\s*(?:\w+\.)?workspace_id"
        if re.search(r"\b(?:FROM|UPDATE) workspace\b", body, re.IGNORECASE):
            compared += rf"|\bid\s*=\s*{value}|{value}\s*=\s*(?:\w+\.)?id\b"
        # Or hands it to a function of the schema that takes the workspace first.
        compared += rf"|\b(?:FROM|JOIN|LATERAL) (?:{'|'.join(workspace_functions())})\({value}"
        inserted = rf"INSERT INTO \w+\s*\([^)]*\bworkspace_id\b[^)]*\).*{value}"
        return bool(re.search(compared, body) or re.search(inserted, body, re.IGNORECASE) or
                    re.search(rf"\(workspace_id, \w+\)\s*=\s*\({value}", body))
    return False


# A statement that is excepted for this reason is of all tenants together.
WHOLE = "the installation"


@functools.cache
def workspace_functions():
    """The functions of the schema whose first parameter is the workspace."""
    return sorted({name for path in glob.glob("proto/schema/*.sql") for name in re.findall(
        r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\(workspace uuid", source.read(path))})


def tenant_tables():
    """The tables of the schema whose rows belong to a workspace."""
    tables = set()
    for path in sorted(glob.glob("proto/schema/*.sql")):
        text = source.read(path)
        for name, columns in re.findall(r"CREATE TABLE (\w+) \((?!LIKE)(.*?)\n\)", text, re.DOTALL):
            if re.search(r"^\tworkspace_id uuid", columns, re.MULTILINE):
                tables.add(name)
        tables.update(new for new, old in re.findall(r"CREATE TABLE (\w+) \(LIKE (\w+)", text)
                      if old in tables)
    return tables


NO_ALIAS = ("(?!(?:WHERE|SET|ON|LEFT|JOIN|CROSS|USING|ORDER|GROUP|LIMIT|FOR|RETURNING|VALUES|UNION|INNER|"
            r"FROM|AND|OR|THEN|END|DO|AS)\b)")


def unbound_tables(body, tables):
    """Tables of tenants whose workspace_id the statement does not name, by alias where there is one."""
    plain = 0
    names = len(re.findall(r"(?<![\w.])workspace_id\b", body))
    place = rf"(?<![\w.])({'|'.join(sorted(tables))})(?:\s+(?:AS\s+)?{NO_ALIAS}(\w+))?(?![\w.(])"
    for found in re.finditer(place, body):
        table, alias = found.groups()
        before = body[:found.start()].rstrip()
        # After a comma a table has an alias; what has none is a column or a part of WITH.
        if not re.search(r"\b(?:FROM|JOIN|UPDATE|INTO)$" + ("|,$" if alias else ""), before):
            continue
        if alias and not re.search(rf"\b{alias}\.workspace_id\b", body):
            yield f"{table} {alias}"
        elif not alias:
            plain += 1
            names += len(re.findall(rf"\b{table}\.workspace_id\b", body))
    if plain > names:
        yield "a table without alias"


def own_relations(body):
    """Relations whose columns the statement itself names: WITH parts, value lists, their aliases."""
    own = set(re.findall(r"(?:\bWITH|,)\s+(\w+)\s+AS\b", body, re.IGNORECASE))
    for part in list(own):
        own.update(re.findall(rf"\b{part}\s+(?:AS\s+)?(\w+)\b", body))
    own.update(re.findall(r"\)\s+(?:AS\s+)?(\w+)\s*\(", body))
    return own


def faults(path, excepted, tables):
    name = os.path.splitext(os.path.basename(path))[0]
    header, body = split(source.read(path))
    if not header or header[0].startswith(("$", "rows:")):
        yield "the header lacks a sentence of purpose"
    for star in re.finditer(r"\bSELECT\s+(?:(\w+)\.)?\*(?:\s+FROM\s+(\w+))?", body, re.IGNORECASE):
        if (star.group(1) or star.group(2)) not in own_relations(body):
            yield "SELECT * (name the columns)"
    if re.search(r"\bSKIP\s+LOCKED\b", body, re.IGNORECASE):
        if not re.search(r"\bORDER\s+BY\b.*\bLIMIT\b.*\bSKIP\s+LOCKED\b", body, re.IGNORECASE):
            yield "claims work without ORDER BY … LIMIT"
    if re.sub(r"'(?:[^']|'')*'", "''", body).rstrip(";").count(";"):
        yield "more than one statement"
    if name.startswith("api_") and name not in excepted and not names_workspace(header, body):
        yield "a statement of the gateway names the workspace ($n workspace_id uuid, in a condition)"
    if name.startswith("api_") and not excepted.get(name, "").startswith(WHOLE):
        for table in unbound_tables(body, tables - own_relations(body)):
            yield f"{table}: its workspace_id is not named"


def main():
    excepted, count, seen, tables = {}, 0, set(), tenant_tables()
    for line in source.read(sys.argv[1]).splitlines():
        if line and not line.startswith("#"):
            name, reason = line.split(None, 1)
            excepted[name] = reason
    for path in sys.stdin.read().split():
        seen.add(os.path.splitext(os.path.basename(path))[0])
        for what in faults(path, excepted, tables):
            count += 1
            print(f"{path}: {what}")
    for name in excepted:
        if name not in seen:
            count += 1
            print(f"{sys.argv[1]}: {name} is excepted but does not exist")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
