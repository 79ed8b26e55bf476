"""What programs beside Belfry need to work with it: an API client, a reader of the simulated
carrier's ledger, and a webhook receiver that verifies signatures. The demonstration and the system
tests are made of these. Standard library only.
"""
import base64
import calendar
import hashlib
import hmac
import http.client
import json
import re
import selectors
import socket
import threading
import time
import urllib.parse


def now_us():
    return time.time_ns() // 1000


def wait_until(condition, deadline_s, what, interval_s=0.05):
    """Returns the first true answer of the condition; fails once the deadline has passed. What a nap
    takes too long, because the machine stood still, comes on top."""
    end = time.monotonic() + deadline_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= end:
            raise AssertionError(f"not within {deadline_s} s: {what() if callable(what) else what}")
        begun = time.monotonic()
        time.sleep(interval_s)
        end += time.monotonic() - begun - interval_s


def parse_time_us(text):
    """Microseconds of an API time such as 2026-03-29T08:30:00.000Z."""
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?Z", text)
    if not match:
        raise AssertionError(f"not a time of the API: {text!r}")
    fields = [int(part) for part in match.groups()[:6]]
    return calendar.timegm(tuple(fields)) * 1000000 + int((match.group(7) or "").ljust(6, "0"))


# --- the API -----------------------------------------------------------------------------------


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


class ApiError(AssertionError):
    def __init__(self, method, path, answer):
        super().__init__(f"{method} {path}: {answer}")
        self.answer = answer


class Api:
    """One kept connection; not for use by several threads at once."""

    def __init__(self, url, key, timeout_s=30):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.key, self.timeout_s = parts.hostname, parts.port, key, timeout_s
        self.connection, self.used_at = None, 0.0

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def request(self, method, path, body=None, headers=None):
        """Sends one request and returns the answer, whatever its status. A body that is no bytes
        goes as JSON. Raises OSError or HTTPException when there is no answer: then nobody knows
        whether it was carried out, and nothing is sent twice."""
        if time.monotonic() - self.used_at > 15:
            self.close()  # the server closes idle connections, which must not hit a request
        if not self.connection:
            self.connection = http.client.HTTPConnection(self.host, self.port,
                                                         timeout=self.timeout_s)
        sent = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        try:
            self.connection.request(method, path, body=body, headers=sent)
            response = self.connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        self.used_at = time.monotonic()
        if response.will_close:
            self.close()
        return Answer(response.status, response.headers, data)

    def call(self, method, path, body=None, headers=None):
        """The decoded answer of a request that must succeed."""
        answer = self.request(method, path, body, headers)
        if not 200 <= answer.status < 300:
            raise ApiError(method, path, answer)
        return answer.json if answer.body else None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None, headers=None):
        return self.call("POST", path, body, headers)

    def patch(self, path, body, headers=None):
        return self.call("PATCH", path, body, headers)

    def delete(self, path):
        return self.call("DELETE", path)

    def pages(self, path, limit=200):
        """All items of a list, page by page."""
        cursor = None
        while True:
            query = f"limit={limit}" + (f"&cursor={urllib.parse.quote(cursor)}" if cursor else "")
            page = self.get(path + ("&" if "?" in path else "?") + query)
            yield from page["data"]
            if not page["has_more"]:
                return
            cursor = page["next_cursor"]


# --- the carrier's ledger ----------------------------------------------------------------------


class Ledger:
    """Reads what was appended since the last time; a line still being written waits."""

    def __init__(self, path):
        self.path, self.at, self.entries, self.lock = path, 0, [], threading.Lock()

    def read(self):
        with self.lock, open(self.path, "rb") as file:
            file.seek(self.at)
            data = file.read()
            whole = data[:data.rfind(b"\n") + 1]
            self.at += len(whole)
            self.entries += [json.loads(line) for line in whole.splitlines()]
        return self.entries

    def dials(self, campaign=None):
        return [entry for entry in self.read() if entry["ev"] == "dial" and
                (campaign is None or entry["campaign"] == campaign)]


# --- the webhook receiver ----------------------------------------------------------------------


def sign(secret, message_id, timestamp, body):
    """The Standard Webhooks signature, from the words of its specification."""
    key = base64.b64decode(secret[len("whsec_"):])
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class Hook:
    """One webhook request as it came over the wire."""

    def __init__(self, path, headers, body):
        self.at_us = now_us()
        self.path, self.headers, self.body = path, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def id(self):
        return self.headers.get("webhook-id")

    @property
    def attempt(self):
        return int(self.headers["belfry-attempt"])

    def is_signed(self, secret):
        stamp = self.headers.get("webhook-timestamp", "")
        if not stamp.isdigit() or abs(int(stamp) - self.at_us // 1000000) > 300:
            return False
        wanted = sign(secret, self.id, stamp, self.body)
        return any(hmac.compare_digest(given, wanted)
                   for given in self.headers.get("webhook-signature", "").split(" "))


class Receiver:
    """An HTTP server in a thread that keeps every request.

    respond(hook) decides on the answer: a status, or (status, {header: value}), or a float, the
    seconds after which 200 is answered, or None, for never. The default is 200 at once.
    """

    def __init__(self, respond=None, bind="127.0.0.1"):
        self.respond = respond or (lambda hook: 200)
        self.hooks, self.secrets = [], {}
        self.listener = socket.create_server((bind, 0), backlog=1024)
        self.listener.setblocking(False)
        self.bind, self.port = self.listener.getsockname()[:2]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.wake_in, self.wake_out = socket.socketpair()
        self.selector.register(self.wake_out, selectors.EVENT_READ, None)
        self.delayed, self.is_open, self.fault = [], True, None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def url(self, path="/hook"):
        return f"http://{self.bind}:{self.port}{path}"

    def close(self):
        if not self.is_open:
            return
        self.is_open = False
        self.wake_in.send(b"x")
        self.thread.join(timeout=10)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.wake_in.close()
        self.selector.close()

    def bodies(self, path="/hook"):
        """The event of each request to a path, in the order of arrival."""
        return [hook.json for hook in list(self.hooks) if hook.path == path]

    def unsigned(self):
        """The requests whose signature does not verify."""
        return [hook for hook in list(self.hooks)
                if not hook.is_signed(self.secrets.get(hook.path, "whsec_"))]

    def _serve(self):
        try:
            while self.is_open:
                timeout = 0.5
                if self.delayed:
                    timeout = max(0.0, min(entry[0] for entry in self.delayed) - time.monotonic())
                for key, _ in self.selector.select(timeout):
                    if key.fileobj is self.listener:
                        self._accept()
                    elif key.fileobj is self.wake_out:
                        self.wake_out.recv(64)
                    else:
                        self._read(key.fileobj, key.data)
                self._send_due()
        except Exception as fault:  # shown by whoever waits for a hook in vain
            self.fault = fault
            raise

    def _accept(self):
        for _ in range(64):
            try:
                peer, _ = self.listener.accept()
            except BlockingIOError:
                return
            peer.setblocking(False)
            self.selector.register(peer, selectors.EVENT_READ, bytearray())

    def _drop(self, peer):
        self.delayed = [entry for entry in self.delayed if entry[1] is not peer]
        self.selector.unregister(peer)
        peer.close()

    def _read(self, peer, data):
        try:
            part = peer.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            self._drop(peer)
            return
        data += part
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = bytes(data[:end]).decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        if len(data) < end + 4 + length:
            return
        hook = Hook(first.split(" ")[1], headers, bytes(data[end + 4:end + 4 + length]))
        del data[:end + 4 + length]
        self.hooks.append(hook)
        self._answer(peer, self.respond(hook))

    def _answer(self, peer, answer):
        if answer is None:
            return
        if isinstance(answer, float):
            self.delayed.append((time.monotonic() + answer, peer))
            return
        status, extra = answer if isinstance(answer, tuple) else (answer, {})
        text = f"HTTP/1.1 {status} {http.client.responses.get(status, 'Other')}\r\n"
        text += "".join(f"{name}: {value}\r\n" for name, value in extra.items())
        try:
            peer.sendall((text + "content-length: 0\r\n\r\n").encode())
        except OSError:
            self._drop(peer)

    def _send_due(self):
        due = [entry for entry in self.delayed if entry[0] <= time.monotonic()]
        for entry in due:
            self.delayed.remove(entry)
            self._answer(entry[1], 200)
