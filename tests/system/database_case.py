"""Servers that a test runs beside its stack: certificates, Redis with Sentinels, Postgres with a
standby behind PgBouncer. All on free ports of this machine, in a directory of their own."""
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import belfry

PASSWORD = "p@ss/word"  # asks to be encoded in a URL
ENCODED = "p%40ss%2Fword"


def free_ports(count):
    listeners = []
    for _ in range(count):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listeners.append(listener)
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


class Servers:
    """Processes in a directory; all gone on close()."""

    def __init__(self, user=None):
        self.dir = tempfile.mkdtemp(prefix="servers-")
        self.as_user = []
        if user and os.getuid() == 0:
            entry = pwd.getpwnam(user)
            os.chown(self.dir, entry.pw_uid, entry.pw_gid)
            self.as_user = ["setpriv", "--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid),
                            "--clear-groups"]
        os.chmod(self.dir, 0o755)
        self.processes = {}

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        if self.as_user:
            os.chown(self.path(name), int(self.as_user[2]), int(self.as_user[4]))
        return self.path(name)

    def run(self, *args, **options):
        done = subprocess.run([*self.as_user, *args], cwd=self.dir, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=60, check=False,
                              env={**os.environ, "HOME": self.dir}, **options)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, name, *args):
        with open(self.path(f"{name}.log"), "ab") as log:
            self.processes[name] = subprocess.Popen([*self.as_user, *args], cwd=self.dir, stdout=log,
                                                    stderr=log, stdin=subprocess.DEVNULL,
                                                    env={**os.environ, "HOME": self.dir})

    def kill(self, name, signal_number=signal.SIGKILL):
        process = self.processes.pop(name)
        process.send_signal(signal_number)
        process.wait(timeout=30)

    def certificates(self):
        """ca.pem, and server.pem with server.key for 127.0.0.1 and localhost."""
        self.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                 "/CN=A test's own authority", "-keyout", "ca.key", "-out", "ca.pem")
        self.run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout",
                 "server.key", "-out", "server.csr")
        self.write("names", "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self.run("openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                 "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem")
        os.chmod(self.path("server.key"), 0o600)

    def logs(self):
        parts = []
        for path in sorted(glob.glob(self.path("*.log"))):
            with open(path, encoding="utf-8", errors="replace") as file:
                parts.append(f"--- {os.path.basename(path)}\n{''.join(file.readlines()[-15:])}")
        return "\n".join(parts)

    def close(self):
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait(timeout=30)
        self.processes = {}
        shutil.rmtree(self.dir, ignore_errors=True)


class SentinelRedis(Servers):
    """Two Redis and three Sentinels, by TLS and password."""

    def __init__(self):
        super().__init__()
        self.certificates()
        ports = free_ports(5)
        self.redis_ports, self.sentinel_ports = ports[:2], ports[2:]
        tls = (f"port 0\ntls-cert-file {self.path('server.pem')}\ntls-key-file {self.path('server.key')}\n"
               f"tls-ca-cert-file {self.path('ca.pem')}\ntls-auth-clients no\ntls-replication yes\n"
               "bind 127.0.0.1\nsave \"\"\nprotected-mode no\n")
        for n, port in enumerate(self.redis_ports):
            follow = f"replicaof 127.0.0.1 {self.redis_ports[0]}\n" if n else ""
            os.mkdir(self.path(f"redis{n}"))
            self.write(f"redis{n}.conf", f"{tls}tls-port {port}\nrequirepass {PASSWORD}\nmasterauth {PASSWORD}\n"
                       f"dir {self.path(f'redis{n}')}\nrepl-diskless-sync-delay 0\n{follow}")
            self.start(f"redis{n}", "redis-server", self.path(f"redis{n}.conf"))
        for n, port in enumerate(self.sentinel_ports):
            os.mkdir(self.path(f"sentinel{n}"))
            self.write(f"sentinel{n}.conf",
                       f"{tls}tls-port {port}\nrequirepass sentinels\nsentinel sentinel-pass sentinels\n"
                       f"dir {self.path(f'sentinel{n}')}\n"
                       f"sentinel monitor calls 127.0.0.1 {self.redis_ports[0]} 2\n"
                       f"sentinel auth-pass calls {PASSWORD}\nsentinel down-after-milliseconds calls 500\n"
                       "sentinel failover-timeout calls 3000\n")
            self.start(f"sentinel{n}", "redis-server", self.path(f"sentinel{n}.conf"), "--sentinel")
        belfry.wait_until(self.is_ready, 30, self.logs)

    def url(self):
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinel_ports)
        return (f"rediss+sentinel://:{ENCODED}@{hosts}/calls?ca={self.path('ca.pem')}"
                "&sentinel_password=sentinels")

    def ask(self, port, password, *words):
        done = subprocess.run(["redis-cli", "--tls", "--cacert", self.path("ca.pem"), "-h", "127.0.0.1", "-p",
                               str(port), "--no-auth-warning", "-a", password, *words], text=True,
                              capture_output=True, timeout=10, check=False)
        return done.stdout.split()

    def is_ready(self):
        return (self.ask(self.redis_ports[1], PASSWORD, "ROLE")[3:4] == ["connected"] and
                all(self.ask(port, "sentinels", "SENTINEL", "CKQUORUM", "calls")[:1] == ["OK"] and
                    self.knows_the_replica(port) for port in self.sentinel_ports))

    def knows_the_replica(self, port):
        """Without one that it has seen in order a Sentinel starts no failover."""
        words = self.ask(port, "sentinels", "SENTINEL", "REPLICAS", "calls")
        fields = dict(zip(words[::2], words[1::2]))
        return (fields.get("flags") == "slave" and fields.get("master-link-status") == "ok" and
                fields.get("role-reported") == "slave")

    def master_port(self):
        answer = self.ask(self.sentinel_ports[1], "sentinels", "SENTINEL", "get-master-addr-by-name", "calls")
        return int(answer[1]) if len(answer) == 2 else None


class PooledPostgres(Servers):
    """A Postgres with a synchronous standby, both by TLS, behind a PgBouncer in transaction mode."""

    def __init__(self):
        super().__init__("postgres")
        self.certificates()
        self.bin = os.path.dirname(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[-1])
        self.ports, (self.pooler_port,) = free_ports(2), free_ports(1)
        self.write("password", PASSWORD)
        self.run(f"{self.bin}/initdb", "-D", self.path("pg0"), "-U", "belfry", "-A", "scram-sha-256",
                 "--pwfile", self.path("password"), "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.write("pg0/pg_hba.conf", "hostssl all all 127.0.0.1/32 scram-sha-256\n"
                   "hostssl replication all 127.0.0.1/32 scram-sha-256\n")
        self.serve(0)
        self.sql(0, "CREATE DATABASE calls", database="postgres")
        self.run(f"{self.bin}/pg_basebackup", "-d", self.direct(0, "postgres") + " application_name=standby", "-D",
                 self.path("pg1"), "-R", "-c", "fast", "--no-sync")
        self.serve(1)
        self.sql(0, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.sql(0, "SELECT pg_reload_conf()")
        belfry.wait_until(lambda: self.sql(0, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
                          == "1", 30, self.logs)
        self.pool()

    def direct(self, n, database="calls"):
        return (f"host=127.0.0.1 port={self.ports[n]} dbname={database} user=belfry password={PASSWORD} "
                f"sslmode=verify-full sslrootcert={self.path('ca.pem')}")

    def serve(self, n):
        settings = {"port": self.ports[n], "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
                    "ssl": "on", "ssl_cert_file": self.path("server.pem"), "ssl_key_file": self.path("server.key"),
                    "fsync": "off", "max_connections": 60, "wal_receiver_timeout": "2s"}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        self.start(f"pg{n}", f"{self.bin}/postgres", "-D", self.path(f"pg{n}"), *options)
        belfry.wait_until(lambda: subprocess.run([f"{self.bin}/pg_isready", "-q", "-d", self.direct(n, "postgres")],
                                                 check=False).returncode == 0, 30, self.logs)

    def sql(self, n, text, database="calls"):
        return self.run(f"{self.bin}/psql", "-XAtq", "-d", self.direct(n, database), "-c", text).strip()

    def config(self, n):
        return (f"[databases]\ncalls = host=127.0.0.1 port={self.ports[n]}\n[pgbouncer]\n"
                f"listen_addr = 127.0.0.1\nlisten_port = {self.pooler_port}\nunix_socket_dir =\n"
                f"auth_type = scram-sha-256\nauth_file = {self.path('users')}\npool_mode = transaction\n"
                "default_pool_size = 12\nmax_client_conn = 200\nserver_login_retry = 1\nserver_connect_timeout = 2\n"
                "ignore_startup_parameters = extra_float_digits\nadmin_users = belfry\n"
                "client_tls_sslmode = require\n"
                f"client_tls_cert_file = {self.path('server.pem')}\nclient_tls_key_file = {self.path('server.key')}\n"
                f"server_tls_sslmode = verify-full\nserver_tls_ca_file = {self.path('ca.pem')}\n")

    def pool(self):
        self.write("users", f'"belfry" "{PASSWORD}"\n')
        self.write("pgbouncer.ini", self.config(0))
        self.start("pgbouncer", "pgbouncer", self.path("pgbouncer.ini"))
        belfry.wait_until(lambda: subprocess.run([f"{self.bin}/psql", "-XAtq", "-d", self.pooled(), "-c", "SELECT 1"],
                                                 capture_output=True, check=False).returncode == 0, 30, self.logs)

    def pooled(self):
        return (f"host=127.0.0.1 port={self.pooler_port} dbname=calls user=belfry password={PASSWORD} "
                f"sslmode=verify-full sslrootcert={self.path('ca.pem')}")

    def fail_over(self):
        """The primary dies, the standby takes its place, the pooler is told."""
        self.kill("pg0")
        self.run(f"{self.bin}/pg_ctl", "-D", self.path("pg1"), "-w", "promote")
        self.sql(1, "ALTER SYSTEM SET synchronous_standby_names = ''")
        self.sql(1, "SELECT pg_reload_conf()")
        self.write("pgbouncer.ini", self.config(1))
        self.run(f"{self.bin}/psql", "-XAtq", "-d", self.pooled().replace("dbname=calls", "dbname=pgbouncer"), "-c",
                 "RELOAD")
        return time.monotonic()
