"""What tests of the webhook-sender are made of: a private Postgres and Redis, senders of one's own,
endpoints put into the tables with secrets sealed by another implementation (libcrypto through
ctypes), events published with the schema's own function."""
import base64
import ctypes
import ctypes.util
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
import uuid

import belfry
from test_admin import Postgres

BIN = os.environ.get("BELFRY_BIN", os.path.join(belfry.ROOT, "build/bin"))
SENDER = os.path.join(BIN, "webhook-sender")
KEY = bytes(range(32))
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
DELAY_S, SCALE = 1, 0.3  # each retry waits DELAY_S * SCALE * 0.8..1.2


# --- the sealed secret -------------------------------------------------------------------------


def type_id(prefix, number):
    text = ""
    for _ in range(26):
        text = ALPHABET[number & 31] + text
        number >>= 5
    return f"{prefix}_{text}"


def seal(endpoint, secret):
    """Version, key id, nonce, tag, ciphertext: AES-256-GCM with the endpoint's id as extra data."""
    lib = ctypes.CDLL(ctypes.util.find_library("crypto"))
    for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
        getattr(lib, name).restype = ctypes.c_void_p
    cipher = ctypes.c_void_p(lib.EVP_aes_256_gcm())
    context = ctypes.c_void_p(lib.EVP_CIPHER_CTX_new())
    nonce, aad, plain = os.urandom(12), type_id("whk", endpoint.int).encode(), secret.encode()
    out, tag, n = ctypes.create_string_buffer(len(plain)), ctypes.create_string_buffer(16), ctypes.c_int()
    ok = lib.EVP_EncryptInit_ex(context, cipher, None, KEY, nonce)
    ok &= lib.EVP_EncryptUpdate(context, None, ctypes.byref(n), aad, len(aad))
    ok &= lib.EVP_EncryptUpdate(context, out, ctypes.byref(n), plain, len(plain))
    ok &= lib.EVP_EncryptFinal_ex(context, None, ctypes.byref(n))
    ok &= lib.EVP_CIPHER_CTX_ctrl(context, 0x10, 16, tag)
    lib.EVP_CIPHER_CTX_free(context)
    if ok != 1:
        raise AssertionError("libcrypto refused")
    return b"\x01\x02k1" + nonce + tag.raw + out.raw


def new_secret():
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


class WebhookCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres()
        cls.addClassCleanup(cls.pg.close)
        cls.pg.start()
        cls.pg.wait()
        folder = os.path.join(belfry.ROOT, "proto/schema")
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                cls.pg.sql(file.read())
        cls.home = tempfile.mkdtemp(prefix="webhooks-")
        cls.addClassCleanup(shutil.rmtree, cls.home)

    def setUp(self):
        self.senders, self.extra_env = [], {}
        self.redis = None
        self.workspace = uuid.uuid4()
        self.start_redis()
        self.addCleanup(self.stop_all)
        self.rows(f"INSERT INTO workspace (id, name) VALUES ('{self.workspace}', 'w')")
        self.rows(f"INSERT INTO workspace_sequence (workspace_id) VALUES ('{self.workspace}')")

    def stop_all(self):
        for sender, _ in self.senders:
            if sender.poll() is None:
                sender.send_signal(signal.SIGCONT)
                sender.kill()
            sender.wait(timeout=30)
            text = self.log_of(sender)
            self.assertIsNone(belfry.SANITIZER.search(text), text)
            if not self._outcome.success:
                print(f"--- a sender's log\n{text[-4000:]}", flush=True)
        self.redis.kill()
        self.redis.wait()
        self.rows("DELETE FROM webhook_sender; DELETE FROM delivery; DELETE FROM delivery_range")

    # --- what a test says

    def start_redis(self):
        path = self.home + "/redis.sock"
        if os.path.exists(path):  # of the one before, which was killed
            os.unlink(path)
        self.redis = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", path, "--save", "",
             "--dir", self.home], stdout=subprocess.DEVNULL)
        belfry.wait_until(lambda: os.path.exists(path), 10, "Redis")

    def sender(self, **settings):
        env = {"PATH": os.environ["PATH"], "BELFRY_DATABASE_URL": self.pg.url,
               "BELFRY_REDIS_URL": f"unix://{self.home}/redis.sock",
               "BELFRY_SECRET_KEYS": "k1:" + base64.b64encode(KEY).decode(),
               "BELFRY_WEBHOOK_ALLOW_CIDRS": "127.0.0.0/8", "BELFRY_WEBHOOK_ALLOW_HTTP": "1",
               "BELFRY_WEBHOOK_SCHEDULE": ",".join(["0"] + [str(DELAY_S)] * 5),
               "BELFRY_WEBHOOK_TIME_SCALE": str(SCALE)}
        env.update({f"BELFRY_{key}": value for key, value in settings.items()})
        env.update({key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")})
        env.update(self.extra_env)
        log = os.path.join(self.home, f"sender-{uuid.uuid4().hex}.log")
        with open(log, "wb") as file:
            process = subprocess.Popen([SENDER], env=env, stderr=file)
        self.senders.append((process, log))
        alive = len([1 for other, _ in self.senders if other.poll() is None])
        belfry.wait_until(
            lambda: process.poll() is not None or self.number("SELECT count(*) FROM webhook_sender")
            >= alive, 10, "the sender's row")
        self.assertIsNone(process.poll())
        return process

    def log_of(self, sender):
        log, = [log for process, log in self.senders if process is sender]
        with open(log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def receiver(self, respond=None):
        receiver = belfry.Receiver(respond)
        self.addCleanup(receiver.close)
        return receiver

    def rows(self, sql):
        text = self.pg.sql(sql)
        return [line.split("|") for line in text.splitlines()]

    def number(self, sql):
        return int(self.pg.sql(sql))

    def endpoint(self, url, secret=None, events="{*}"):
        made = uuid.uuid4()
        self.rows("INSERT INTO webhook_endpoint (workspace_id, id, url, events, secret) VALUES "
                  f"('{self.workspace}', '{made}', '{url}', '{events}', "
                  f"'\\x{seal(made, secret or new_secret()).hex()}')")
        return made

    def hook(self, receiver, path):
        """An endpoint at the receiver, which learns its secret."""
        receiver.secrets[path] = new_secret()
        return self.endpoint(receiver.url(path), receiver.secrets[path])

    def publish(self, count=1, event="scheduled_call.failed", wake=True):
        """Events of failed calls, each with its deliveries, in one transaction; wakes the senders."""
        self.rows(f"""
            SELECT publish(array_agg(ROW('{event}', '{self.workspace}', now(), 'bulk',
                jsonb_populate_record(NULL::scheduled_call, jsonb_build_object(
                    'workspace_id', '{self.workspace}', 'id', uuid7(now(), i),
                    'campaign_id', uuid7(now(), 1), 'target_id', uuid7(now(), i),
                    'agent_id', uuid7(now(), 2), 'to_number', '+1555' || (1000000 + i),
                    'from_number', '+15550100000', 'external_id', 'crm-' || i,
                    'variables', jsonb_build_object('name', 'Ada'), 'created_at', now(),
                    'scheduled_at', now(), 'status', 'failed', 'outcome', 'no_answer')),
                3, 'no_answer', 480, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::publishable))
            FROM generate_series(1, {count}) i""")
        if wake:
            subprocess.run(["redis-cli", "-s", self.home + "/redis.sock", "XADD", "bf:wake", "*", "e",
                            "1"], check=True, stdout=subprocess.DEVNULL)

    def as_rows(self, then="attempts = 0"):
        """What ranges owe becomes rows of `delivery`, as they were written before there were ranges and
        still are for what was tried."""
        self.rows(f"""
            INSERT INTO delivery (workspace_id, endpoint_id, id, sequence, event_type, created_at, due_at)
            SELECT *, created_at FROM delivery_owed;
            DELETE FROM delivery_range;
            UPDATE delivery SET {then}""")

    def waiting(self):
        """Deliveries that wait or are in hand."""
        return self.number(belfry.WAITING)

    def wait_done(self, count, deadline_s=20):
        done = f"SELECT count(*) FROM delivery_done WHERE workspace_id = '{self.workspace}'"
        belfry.wait_until(lambda: self.number(done) >= count, deadline_s,
                          lambda: f"{count} finished deliveries, there are {self.number(done)}")
        self.assertEqual(self.number(done), count)

    def done(self, endpoint, columns="status, coalesce(reason, '-'), attempts, result"):
        return self.rows(f"SELECT {columns} FROM delivery_done WHERE endpoint_id = '{endpoint}' "
                         "ORDER BY sequence")

    def stop(self, sender, deadline_s=20):
        sender.terminate()
        self.assertEqual(sender.wait(timeout=deadline_s), 0)
