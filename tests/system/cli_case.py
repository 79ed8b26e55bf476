"""What the tests of the command line share: belfry with a tenant's key against a running stack, in pipes
and on terminals, and its exit codes."""
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import tempfile
import termios
import time

import belfry
from api_case import ApiCase

BIN = os.path.join(os.environ.get("BELFRY_BIN", os.path.join(belfry.ROOT, "build/bin")), "belfry")
DONE, REFUSED, USAGE, ACCESS, ABSENT, CONFLICT, AWAY = range(7)
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def environment(**more):
    """Nothing of Belfry's and no proxy: what a test does not give is not there."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith("BELFRY_") and not k.lower().endswith("_proxy") and
            k not in ("NO_COLOR", "XDG_CONFIG_HOME", "COLUMNS")}
    return {**kept, "HOME": "/nonexistent", "TERM": "xterm",
            **{k: v for k, v in more.items() if v is not None}}


class Terminal:
    """belfry on a terminal of its own."""

    def __init__(self, args, env, columns=100):
        # the width is there before the program is: it may ask at once
        primary, secondary = pty.openpty()
        fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.fd = primary
        self.process = subprocess.Popen([BIN, *args], env=env, stdin=secondary, stdout=secondary,
                                        stderr=secondary, start_new_session=True)
        os.close(secondary)
        self.seen = b""

    def read(self, until=None, deadline_s=60):
        """What was printed until a text comes, or the end."""
        end = time.monotonic() + deadline_s
        while until is None or until.encode() not in self.seen:
            left = end - time.monotonic()
            if left <= 0:
                self.process.kill()
                raise AssertionError(f"no {until!r} in {self.seen!r}")
            if not select.select([self.fd], [], [], left)[0]:
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # the other end is closed
                data = b""
            if not data:
                break
            self.seen += data
        return self.seen.decode()

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """(exit code, all that was printed)"""
        text = self.read()
        code = self.process.wait(timeout=30)
        os.close(self.fd)
        return code, text


class Cli(ApiCase):
    """Runs belfry with the first tenant's key."""

    def env(self, **more):
        api = self.one.api
        return environment(**{"BELFRY_URL": f"http://{api.host}:{api.port}",
                              "BELFRY_API_KEY": api.key, **more})

    def run_cli(self, *args, stdin=None, env=None, timeout_s=60):
        return subprocess.run([BIN, *args], env=self.env() if env is None else env,
                              input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                              capture_output=True, text=True, timeout=timeout_s, check=False)

    def ok(self, *args, **options):
        """What a command that must succeed printed."""
        done = self.run_cli(*args, **options)
        self.assertEqual(done.returncode, DONE, f"belfry {args}: {done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *args, **options):
        return json.loads(self.ok(*args, "--json", **options))

    def fails(self, code, *args, **options):
        """What a command that must fail says on standard error."""
        done = self.run_cli(*args, **options)
        self.assertEqual(done.returncode, code, f"belfry {args}: {done.stdout}{done.stderr}")
        return done.stderr

    def draft_args(self, **more):
        given = {"name": "test", "agent": self.one.agent, "from": self.one.e164, "rate": 60000,
                 **more}
        return [word for key, value in given.items()
                for word in (f"--{key.replace('_', '-')}", str(value))]

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def file(self, text, name="targets.csv"):
        path = os.path.join(self.folder(), name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path
