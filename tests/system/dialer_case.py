"""A dialer as a process without a stack, and a dispatcher of few words that talks to it."""
import os
import shutil
import signal
import subprocess
import tempfile
import time

import nn

BIN = os.path.abspath(os.environ.get("BELFRY_BIN", "build/bin"))
DEADLINE = 20.0


class DialerProcess:
    """A dialer on a private directory. It can be killed and started again; who derives from it adds
    its settings to `env` and starts it."""

    def __init__(self, program, slots):
        self.program = program
        self.dir = tempfile.mkdtemp(prefix="belfry-dialer-")
        self.addresses = ["ipc://%s/s%d" % (self.dir, i) for i in range(slots)]
        self.env = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "LSAN_OPTIONS")
                    if name in os.environ}
        self.env.update({"BELFRY_DIALER_LISTEN": ",".join(self.addresses),
                         "BELFRY_DIALER_JOURNAL": self.dir + "/journal",
                         "BELFRY_READY_FILE": self.dir + "/ready"})
        self.log = open(self.dir + "/log", "ab")
        self.process = None
        self.clients = []

    def start(self):
        self.process = subprocess.Popen([os.path.join(BIN, self.program)], env=self.env,
                                        stderr=self.log)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE)

    def restart(self):
        self.kill()
        self.start()

    def text(self):
        """What it logged."""
        with open(self.dir + "/log", encoding="utf-8") as file:
            return file.read()

    def end(self):
        for client in self.clients:
            client.socket.close()
        if self.process.poll() is None:
            self.kill()

    def close(self):
        self.end()
        self.log.close()
        shutil.rmtree(self.dir)


class DialerClient:
    """A dispatcher of few words."""

    def __init__(self, address):
        self.socket = nn.Pair(address)

    def send(self, op, **members):
        self.socket.send(dict(op=op, **members))

    def recv(self, timeout=DEADLINE):
        return self.socket.recv(timeout)

    def hello(self):
        """Greets until it is answered: while a predecessor's connection is not quite gone, a
        message may be lost (proto/dialer.md)."""
        until = time.monotonic() + DEADLINE
        while True:
            self.send("hello", v=1, dispatcher="test", incarnation="dsp_test")
            try:
                while True:
                    event = self.recv(4)
                    if event["ev"] == "hello":
                        return event
            except TimeoutError:
                if time.monotonic() > until:
                    raise
