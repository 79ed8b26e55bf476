"""Several hosts on one machine: a network namespace for each, a switch between them in another, and a
cable that can be pulled. Addresses are of the block for benchmarks (198.18.0.0/15), which is nobody's.
Needs root, as containers do."""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile

import belfry

BIN = os.path.abspath(os.environ.get("BELFRY_BIN", os.path.join(belfry.ROOT, "build/bin")))
SECRETS = {"BELFRY_SECRET_KEYS": "k1:ZGV2ZWxvcG1lbnQgb25seSwgbm90IGEgc2VjcmV0ISE=",
           "BELFRY_KEY_PEPPER": "ZGV2ZWxvcG1lbnQgb25seSwgbm90IGEgc2VjcmV0ISE="}
HOSTS = ("test", "db", "api", "plan", "calls1", "calls2", "hooks")


def clean_environment():
    """Without what the test itself was told."""
    return {key: value for key, value in os.environ.items() if not key.startswith("BELFRY_")}


def ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True, text=True, timeout=20)


class Network:
    """The test itself is the host `test`: it stays in its own namespace and has a cable too."""

    def __init__(self):
        self.tag, self.block = f"b{os.getpid()}", f"198.18.{os.getpid() % 254 + 1}"
        self.switch, self.made = self.tag + "sw", []
        self.own = f"{self.tag}h0"
        try:
            self._make()
        except Exception:
            self.close()
            raise

    def _make(self):
        self._namespace(self.switch)
        self._in(self.switch, "link", "add", "name", "sw0", "type", "bridge", "forward_delay", "0")
        self._in(self.switch, "link", "set", "sw0", "up")
        for n, host in enumerate(HOSTS):
            self._connect(n, host)

    def _namespace(self, name):
        ip("netns", "add", name)
        self.made.append(name)

    def _in(self, namespace, *args):
        ip("netns", "exec", namespace, "ip", *args)

    def _connect(self, n, host):
        ours, theirs = f"{self.tag}h{n}", f"{self.tag}s{n}"
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs)
        ip("link", "set", theirs, "netns", self.switch)
        self._in(self.switch, "link", "set", theirs, "master", "sw0", "up")
        address = f"{self.address(host)}/24"
        if host == "test":
            ip("address", "add", address, "dev", ours)
            ip("link", "set", ours, "up")
            return
        self._namespace(self.namespace(host))
        ip("link", "set", ours, "netns", self.namespace(host))
        self._in(self.namespace(host), "address", "add", address, "dev", ours)
        self._in(self.namespace(host), "link", "set", ours, "up")
        self._in(self.namespace(host), "link", "set", "lo", "up")

    def namespace(self, host):
        return self.tag + host

    def address(self, host):
        return f"{self.block}.{HOSTS.index(host) + 1}"

    def cut(self, host):
        self._in(self.switch, "link", "set", f"{self.tag}s{HOSTS.index(host)}", "down")

    def heal(self, host):
        self._in(self.switch, "link", "set", f"{self.tag}s{HOSTS.index(host)}", "up")

    def close(self):
        subprocess.run(["ip", "link", "del", self.own], capture_output=True, timeout=20, check=False)
        for name in reversed(self.made):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, timeout=20, check=False)


class Installation:
    """Belfry over those hosts: databases on one, the API on one, schedulers on two, a dispatcher with
    its dialer on each of two, the sender on one."""

    def __init__(self, settings):
        self.settings = {f"BELFRY_{key}": str(value) for key, value in settings.items()}
        self.dir, self.processes = tempfile.mkdtemp(prefix="hosts-"), {}
        os.chmod(self.dir, 0o755)
        self.net = Network()
        self.database = f"host={self.net.address('db')} dbname=postgres user=belfry"
        self.redis = f"redis://{self.net.address('db')}:6379"
        self.ledgers = {}

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, name, host, command, env=None):
        with open(self.path(name + ".log"), "ab") as log:
            self.processes[name] = subprocess.Popen(
                ["ip", "netns", "exec", self.net.namespace(host), *command], cwd=self.dir, stdout=log,
                stderr=log, stdin=subprocess.DEVNULL, env={**clean_environment(), **(env or {})})

    def databases(self):
        user, bindir = pwd.getpwnam("postgres"), os.path.dirname(
            sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[-1])
        as_user = ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
        os.mkdir(self.path("pg"))
        os.chown(self.path("pg"), user.pw_uid, user.pw_gid)
        subprocess.run([*as_user, f"{bindir}/initdb", "-D", self.path("pg"), "-U", "belfry", "-A", "trust", "-E",
                        "UTF8", "--locale=C.UTF-8", "--no-sync"], cwd=self.dir, check=True, capture_output=True,
                       timeout=120)
        with open(self.path("pg/pg_hba.conf"), "a", encoding="utf-8") as file:
            file.write(f"host all all {self.net.block}.0/24 trust\n")
        self.start("postgres", "db", [*as_user, f"{bindir}/postgres", "-D", self.path("pg"), "-k", "",
                                      "-c", "listen_addresses=*", "-c", "max_connections=100"])
        os.mkdir(self.path("redis"))
        self.start("redis", "db", ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "",
                                   "--appendonly", "yes", "--dir", self.path("redis")])
        belfry.wait_until(lambda: subprocess.run([f"{bindir}/pg_isready", "-q", "-d", self.database],
                                                 check=False).returncode == 0, 60, self.logs)

    def admin(self, *args):
        env = {**clean_environment(), **SECRETS, "BELFRY_DATABASE_URL": self.database}
        return subprocess.run([os.path.join(BIN, "belfry-admin"), *args], env=env, check=True, text=True,
                              capture_output=True, timeout=120).stdout

    def service(self, name, host, env=None):
        program = name.split(".")[0]
        ready = self.path(name + ".ready")
        self.start(name, host, [os.path.join(BIN, program)], {
            "BELFRY_DATABASE_URL": self.database, "BELFRY_REDIS_URL": self.redis, "BELFRY_READY_FILE": ready,
            **SECRETS, **self.settings, **(env or {})})
        if program != "webhook-sender":  # which has no word for it before its first endpoint
            belfry.wait_until(lambda: os.path.exists(ready), 60, self.logs)

    def up(self):
        self.databases()
        self.admin("migrate")
        key = [line.partition("=")[2] for line in self.admin("bootstrap").splitlines()
               if line.startswith("BELFRY_API_KEY=")][0]
        for host in ("calls1", "calls2"):
            socket = f"ipc://{self.path(host + '.sock')}"
            self.ledgers[host] = belfry.Ledger(self.path(host + ".ledger"))
            self.service(f"dialer-sim.{host}", host, {
                "BELFRY_DIALER_LISTEN": socket, "BELFRY_DIALER_JOURNAL": self.path(host + ".journal"),
                "BELFRY_CARRIER_LEDGER": self.path(host + ".ledger")})
            self.service(f"dispatcher.{host}", host, {"BELFRY_DIALERS": f"sim={socket}", "BELFRY_HOST_NAME": host})
        self.service("scheduler.api", "api")
        self.service("scheduler.plan", "plan")
        special = {"BELFRY_WEBHOOK_ALLOW_HTTP": "1", "BELFRY_WEBHOOK_ALLOW_CIDRS": "198.18.0.0/15"}
        self.service("api-gateway.0", "api", {"BELFRY_HTTP_BIND": "0.0.0.0", "BELFRY_HTTP_PORT": "8080", **special})
        self.service("webhook-sender.0", "hooks", special)
        self.api = belfry.Api(f"http://{self.net.address('api')}:8080", key.strip())
        return self

    def dials(self):
        return sorted((entry for ledger in self.ledgers.values() for entry in ledger.dials()),
                      key=lambda entry: entry["t_us"])

    def logs(self):
        parts = []
        for path in sorted(glob.glob(self.path("*.log"))):
            with open(path, encoding="utf-8", errors="replace") as file:
                parts.append(f"--- {os.path.basename(path)}\n{''.join(file.readlines()[-15:])}")
        return "\n".join(parts)

    def close(self):
        for name in sorted(self.processes, key=lambda name: name in ("postgres", "redis")):
            self.processes[name].send_signal(signal.SIGTERM if name != "postgres" else signal.SIGINT)
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=20)
        self.net.close()
        shutil.rmtree(self.dir, ignore_errors=True)
