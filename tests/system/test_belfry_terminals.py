"""The command line on a terminal: widths, colours, bars, one line redrawn, a key that is not shown."""
import os
import re
import stat
import termios
import unittest

from cli_case import ACCESS, DONE, ESCAPE, USAGE, Cli, Terminal, environment


class TerminalTest(Cli):
    frozen = False

    def lines(self, text):
        return ESCAPE.sub("", text).replace("\r\n", "\n").split("\n")

    def test_a_table_is_no_wider_than_its_terminal(self):
        self.one.campaign(name="a name that is much longer than a column of a table may be")
        for columns in (80, 100, 140):
            code, text = Terminal(["campaigns", "list"], self.env(), columns).end()
            self.assertEqual(code, DONE)
            self.assertEqual([line for line in self.lines(text) if len(line) > columns], [])
            self.assertIn("\u2026", text)
        self.assertIn("a name that is much longer than a column of a table may be",
                      self.ok("campaigns", "list"))

    def test_colours_are_for_terminals(self):
        self.one.campaign()
        self.json("suppressions", "add", self.fresh_number())
        _, text = Terminal(["keys", "list"], self.env()).end()
        self.assertIn("\x1b[32mactive\x1b[0m", text)
        for env in (self.env(NO_COLOR="1"), self.env(TERM="dumb")):
            _, text = Terminal(["keys", "list"], env).end()
            self.assertIn("active", text)
            self.assertNotIn("\x1b", text)
        self.assertNotIn("\x1b", self.ok("keys", "list"))

    def test_names_move_no_cursor(self):
        campaign = self.one.campaign(name="a\x1b[2J\u202eb")["id"]
        for args in (["campaigns", "list"], ["campaigns", "show", campaign]):
            _, text = Terminal(args, self.env(NO_COLOR="1"), 200).end()
            self.assertIn("a\ufffd[2J\ufffdb", text)
            self.assertNotIn("\x1b", text)

    def test_a_bar_grows_while_a_file_is_sent(self):
        path = self.file("to_number,text\n" + "".join(
            f"+1{3000000000 + n},{'x' * 1000}\n" for n in range(20000)))
        terminal = Terminal(["campaigns", "create", *self.draft_args(), "--csv", path], self.env(),
                            80)
        code, text = terminal.end()
        self.assertEqual(code, DONE, text)
        frames = [ESCAPE.sub("", frame) for frame in text.split("\r")]
        sending = [int(re.search(r"(\d+) %", f).group(1)) for f in frames if "sending" in f]
        rows = [int(re.search(r"(\d+) %", f).group(1)) for f in frames if "rows  " in f]
        self.assertGreater(len(sending), 2)
        self.assertEqual(sending, sorted(sending))
        self.assertEqual(sending[-1], 100)
        self.assertEqual(rows, sorted(rows))
        self.assertTrue(rows)
        self.assertTrue(all(len(f) < 80 for f in frames if " % " in f), frames)
        self.assertIn("[=", text)
        self.assertIn("20000 rows, 20000 new, 0 known, 0 rejected", text)

    def test_a_watch_on_a_terminal_redraws_one_line(self):
        campaign = self.one.campaign(targets=["+14155550123", "+14155550001"])["id"]
        terminal = Terminal(["campaigns", "watch", campaign], self.env(NO_COLOR="1"), 90)
        terminal.read("draft")
        self.ok("campaigns", "start", campaign)
        code, text = terminal.end()
        self.assertEqual(code, DONE)
        last = self.lines(text)[-2].split("\r")[-1]
        self.assertRegex(last, r"Z  completed  2 in all, .* 1 answered, 1 failed, 0 skipped$")
        frames = ESCAPE.sub("", text).split("\r")
        self.assertTrue(all(len(frame.strip()) < 90 for frame in frames[:-2]), frames)
        self.assertTrue(any("[" in frame and "2 in all" in frame for frame in frames), frames)

    # --- logging in

    def test_login_on_a_terminal_hides_the_key(self):
        home = self.folder()
        api, env = self.one.api, environment(HOME=home)
        terminal = Terminal(["login", "--url", f"http://{api.host}:{api.port}/"], env)
        terminal.read("API key: ")
        terminal.type(api.key + "\n")
        code, text = terminal.end()
        self.assertEqual(code, DONE, text)
        self.assertNotIn(api.key, text)
        path = os.path.join(home, ".config/belfry/session")
        self.assertIn(path, text)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o700)
        self.assertEqual(self.json("workspace", "show", env=env)["id"], self.one.workspace)
        # the stored key is for the stored URL
        said = self.fails(ACCESS, "workspace", "show",
                          env={**env, "BELFRY_URL": "http://127.0.0.1:9"})
        self.assertIn("there is no key for http://127.0.0.1:9", said)
        # the environment goes before it
        self.fails(ACCESS, "workspace", "show", env={**env, "BELFRY_API_KEY": "bf_live_wrong"})
        os.chmod(path, 0o640)
        self.assertIn("chmod 600", self.fails(USAGE, "workspace", "show", env=env))
        os.chmod(path, 0o600)
        self.assertEqual(self.ok("logout", env=env), "forgotten\n")
        self.assertEqual(self.ok("logout", env=env), "there was nothing to forget\n")
        self.assertIn("nobody has logged in", self.fails(ACCESS, "workspace", "show", env=env))

    def test_login_from_a_pipe_tries_the_key(self):
        config = self.folder()
        api, env = self.one.api, environment(XDG_CONFIG_HOME=config)
        env["BELFRY_URL"] = f"http://{api.host}:{api.port}"
        self.fails(ACCESS, "login", env=env, stdin="bf_live_wrong\n")
        self.assertFalse(os.path.exists(os.path.join(config, "belfry/session")))
        self.fails(USAGE, "login", env=env, stdin="\n")
        self.ok("login", env=env, stdin=api.key + "\n")
        narrow = self.key(self.one.workspace, scopes="control")
        self.ok("login", env=env, stdin=narrow)  # a good key, if not for reading
        with open(os.path.join(config, "belfry/session"), encoding="ascii") as file:
            self.assertEqual(file.read(), f"BELFRY_URL={env['BELFRY_URL']}\nBELFRY_API_KEY={narrow}\n")

    def test_ctrl_c_at_the_question_leaves_the_terminal_as_it_was(self):
        terminal = Terminal(["login", "--url", "http://127.0.0.1:9"],
                            environment(HOME=self.folder()))
        terminal.read("API key: ")
        self.assertFalse(termios.tcgetattr(terminal.fd)[3] & termios.ECHO)
        terminal.type("\x03")
        terminal.read("nothing was entered")
        self.assertTrue(termios.tcgetattr(terminal.fd)[3] & termios.ECHO)
        self.assertEqual(terminal.end()[0], USAGE)


if __name__ == "__main__":
    unittest.main()
