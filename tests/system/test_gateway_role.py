"""The gateway's role in Postgres: what its statements need, and nothing else."""
import re
import unittest

import api_case
import rights



class GatewayRole(api_case.ApiCase):
    def as_gateway(self, sql):
        """psql's words about a statement of the gateway's role; "" when it could be done."""
        with open(f"{self.it.home}/gateway.password", encoding="utf-8") as file:
            url = self.it.env["BELFRY_DATABASE_URL"].replace(
                "//belfry:", f"//{rights.ROLE}:").replace(self.owner_password(), file.read().strip())
        # The stack's psql is the owner's; the last database named is the one that counts.
        done = self.it.call("psql", "-d", url, "-qAtXc", sql, check=False)
        return done.stderr if done.returncode else ""

    def owner_password(self):
        return re.search(r"//belfry:([^@]*)@", self.it.env["BELFRY_DATABASE_URL"]).group(1)

    def test_the_file_says_what_the_statements_need(self):
        self.assertEqual(rights.read(rights.FILE), rights.grants(self.it),
                         "the gateway's statements have changed: make rights")

    def test_every_connection_of_the_gateway_is_the_roles(self):
        roles = self.it.psql("SELECT DISTINCT application_name, usename FROM pg_stat_activity "
                             "WHERE application_name LIKE 'api-gateway%' ORDER BY 1")
        self.assertEqual(roles, [["api-gateway", rights.ROLE], ["api-gateway-bulk", rights.ROLE]])
        self.assertEqual(self.it.psql(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, "
            "(SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid) FROM pg_roles r "
            f"WHERE rolname = '{rights.ROLE}'"), [["f", "f", "f", "f", "f", "0"]])

    def test_the_role_has_the_rights_of_the_file_and_no_others(self):
        found = rights.needs(self.it)
        named = rights.columns(self.it)
        self.assertGreater(len(named), 30)
        bits = {"INSERT": rights.INSERT, "UPDATE": rights.UPDATE}
        wanted = set()
        for (table, bit), numbers in found.items():
            if bit == rights.SELECT:
                wanted |= {(table, name, "SELECT") for name in named[table].values()}
            elif bit == rights.DELETE:
                wanted.add((table, "", "DELETE"))
            else:
                right = next(name for name, value in bits.items() if value == bit)
                wanted |= {(table, named[table][n], right) for n in numbers or {1}}
        sql = ("SELECT c.relname, a.attname, p FROM pg_class c JOIN pg_attribute a ON a.attrelid = "
               "c.oid AND a.attnum > 0 AND NOT a.attisdropped, unnest(ARRAY['SELECT', 'INSERT', "
               "'UPDATE', 'REFERENCES']) p WHERE c.relnamespace = 'public'::regnamespace "
               f"AND c.relkind IN ('r', 'p') AND has_column_privilege('{rights.ROLE}', c.oid, "
               "a.attnum, p) UNION ALL SELECT c.relname, '', p FROM pg_class c, unnest(ARRAY["
               "'DELETE', 'TRUNCATE', 'TRIGGER']) p WHERE c.relnamespace = 'public'::regnamespace "
               "AND c.relkind IN ('r', 'p') "
               f"AND has_table_privilege('{rights.ROLE}', c.oid, p)")
        self.assertEqual({tuple(row) for row in self.it.psql(sql)}, wanted)

    def test_what_no_statement_does_is_refused(self):
        for sql in ("DELETE FROM audit", "UPDATE audit SET action = 'x'", "TRUNCATE campaign",
                    "DELETE FROM target", "DELETE FROM workspace", "DELETE FROM api_key",
                    "UPDATE api_key SET scopes = '{operator}'", "UPDATE api_key SET hash = ''",
                    "INSERT INTO workspace (id, name) VALUES (gen_random_uuid(), 'x')",
                    "UPDATE scheduled_call SET to_number = '+15550000000'",
                    "UPDATE scheduled_call SET workspace_id = gen_random_uuid()",
                    "INSERT INTO attempt_done DEFAULT VALUES", "DELETE FROM event",
                    "UPDATE conversation SET billed_s = 0",
                    "UPDATE leader SET epoch = 0", "DELETE FROM dispatcher",
                    "UPDATE session SET expires_at = now()", "DELETE FROM schema_migration",
                    "CREATE TABLE x ()", "CREATE TEMP TABLE x ()",
                    "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                    "ALTER TABLE audit ADD COLUMN x int", "DROP TABLE audit", "SET ROLE belfry",
                    "COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('/etc/passwd')",
                    "CREATE ROLE x", "SELECT rolpassword FROM pg_authid"):
            self.assertRegex(self.as_gateway(sql), "permission denied|must be", sql)
        self.assertEqual(self.as_gateway("SELECT FROM campaign LIMIT 0"), "")

    def test_migrating_again_takes_away_what_was_given_besides(self):
        self.it.psql(f"GRANT DELETE ON audit TO {rights.ROLE}; "
                     f"GRANT UPDATE (hash) ON api_key TO {rights.ROLE}")
        self.assertEqual(self.as_gateway("DELETE FROM audit WHERE false"), "")
        self.admin("migrate")
        for sql in ("DELETE FROM audit WHERE false", "UPDATE api_key SET hash = '' WHERE false"):
            self.assertRegex(self.as_gateway(sql), "permission denied", sql)
        self.assertEqual(self.one.api.get("/v1/workspace")["id"], self.one.workspace)


if __name__ == "__main__":
    unittest.main()
