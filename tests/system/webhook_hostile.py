"""A receiver of webhooks that does harm: what the path of a request asks for, at the level of the
socket, with a thread for each connection. Everything that reaches it is kept with its moment.

Certificates are made by openssl for one run: an authority of one's own, and under it a good one, one
that has expired and one of another host; and one that signed itself.
"""
import collections
import fcntl
import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import termios
import threading
import time

import belfry

Request = collections.namedtuple("Request", "at path headers body")
HUGE = 200 * 1024 * 1024


# What lets OpenSSL speak TLS 1.1 by itself: so what refuses it is the program's own rule.
OLD_TLS = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = old
[old]
MinProtocol = TLSv1
CipherString = ALL:@SECLEVEL=0
"""


def old_tls(context):
    """A side that knows TLS 1.1 and nothing newer."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def answer(status, body=b"", **headers):
    lines = [f"HTTP/1.1 {status} Any"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"content-length: {len(body)}", "connection: close", "", ""]
    return "\r\n".join(lines).encode() + body


class Certificates:
    """Files <name>.pem, certificate and key, and ca.pem; valid for the name `localhost`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="certificates-")
        day, year = 24 * 3600, 365 * 24 * 3600
        now = int(time.time())
        self._make("ca", "authority", None, (now - day, now + year))
        self._make("good", "localhost", "ca", (now - day, now + year))
        self._make("expired", "localhost", "ca", (now - year, now - day))
        self._make("other", "elsewhere.example", "ca", (now - day, now + year))
        self._make("self", "localhost", None, (now - day, now + year))

    def path(self, name):
        return os.path.join(self.folder, name + ".pem")

    def close(self):
        shutil.rmtree(self.folder)

    def _make(self, name, host, issuer, span):
        """`openssl ca` is the one command that sets both ends of the validity."""
        def run(*args):
            subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True,
                           stdin=subprocess.DEVNULL, timeout=60)

        def stamp(at):
            return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(at))

        is_ca = host == "authority"
        with open(os.path.join(self.folder, "conf"), "w", encoding="ascii") as file:
            file.write("[ca]\ndefault_ca=here\n[here]\ndatabase=index\nrand_serial=yes\n"
                       "new_certs_dir=.\ndefault_md=sha256\npolicy=any\nunique_subject=no\n"
                       "x509_extensions=ext\n[any]\ncommonName=supplied\n[ext]\n"
                       f"basicConstraints=critical,CA:{'true' if is_ca else 'false'}\n"
                       f"subjectAltName=DNS:{host}\n[req]\ndistinguished_name=dn\n[dn]\n")
        with open(os.path.join(self.folder, "index"), "w", encoding="ascii"):
            pass
        run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-config", "conf", "-subj", f"/CN={host}", "-keyout", f"{name}.key", "-out", "request")
        signer = ["-cert", f"{issuer}.crt", "-keyfile", f"{issuer}.key"] if issuer else \
            ["-selfsign", "-keyfile", f"{name}.key"]
        run("ca", "-batch", "-notext", "-config", "conf", "-startdate", stamp(span[0]), "-enddate",
            stamp(span[1]), "-in", "request", "-out", f"{name}.crt", *signer)
        with open(self.path(name), "wb") as file:
            for part in (f"{name}.crt", f"{name}.key"):
                with open(os.path.join(self.folder, part), "rb") as source:
                    file.write(source.read())


class Hostile:
    """answers: path -> bytes, or a function (server, peer, request) that does as it likes; greeting:
    bytes that are said at once, and nothing else."""

    def __init__(self, answers=None, certificate=None, greeting=None, is_old=False):
        self.answers = {**BEHAVIOURS, **(answers or {})}
        self.requests, self.connections, self.failed_handshakes = [], 0, 0
        self.sent = collections.Counter()  # bytes of answers that were taken, by path
        self.context, self.greeting = None, greeting
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
            if is_old:
                old_tls(self.context)
        self.is_open = True
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def url(self, path, host="127.0.0.1"):
        return f"{'https' if self.context else 'http'}://{host}:{self.port}{path}"

    def of(self, path):
        return [request for request in list(self.requests) if request.path == path]

    def close(self):
        """The thread ends before its descriptor is another's."""
        self.is_open = False
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(timeout=10)
        self.listener.close()

    def _accept(self):
        while self.is_open:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        peer.settimeout(30)
        try:
            if self.context:
                try:
                    peer = self.context.wrap_socket(peer, server_side=True)
                except OSError:
                    self.failed_handshakes += 1
                    raise
            if self.greeting:
                peer.sendall(self.greeting)
                wait_for_end(peer)
                return
            request = read_request(peer)
            if request is None:
                return
            self.requests.append(request)
            act = self.answers[request.path.split("?")[0]]
            if callable(act):
                act = act(self, peer, request)
            if act:
                peer.sendall(act)
        except OSError:  # the sender had enough
            pass
        finally:
            peer.close()

    def keep_sending(self, peer, path, part, pause_s):
        """Until the peer goes."""
        try:
            while self.is_open:
                self.sent[path] += peer.send(part)
                time.sleep(pause_s)
        except OSError:
            pass


def read_request(peer):
    data = b""
    while b"\r\n\r\n" not in data:
        part = peer.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip()
               for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += peer.recv(65536)
    return Request(time.time(), first.split(" ")[1], headers, body)


# --- what it does ------------------------------------------------------------------------------


def wait_for_end(peer):
    """Says nothing until the peer has gone."""
    while peer.recv(4096):
        pass


def hang(_server, peer, _request):
    wait_for_end(peer)


def drip_headers(server, peer, request):
    peer.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
    server.keep_sending(peer, request.path, b"y", 0.25)


def drip_body(server, peer, request):
    peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    server.keep_sending(peer, request.path, b"z", 0.25)


def reset(_server, peer, _request):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def is_taken(peer):
    """Whether all that was sent has arrived and was read, by a program of this machine."""
    if struct.unpack("i", fcntl.ioctl(peer, termios.TIOCOUTQ, bytes(4)))[0] > 0:  # not acknowledged yet
        return False
    ends = [f":{end[1]:04X}" for end in (peer.getpeername(), peer.getsockname())]
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file:
            _, local, remote, _, queues, *_ = line.split()
            if local.endswith(ends[0]) and remote.endswith(ends[1]):
                return int(queues.split(":")[1], 16) == 0
    return True  # it has gone


def reset_after_headers(_server, peer, _request):
    peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\npart")
    belfry.wait_until(lambda: is_taken(peer), 10, "the sender has read them", 0.005)  # before the reset
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half_close(_server, peer, _request):
    peer.shutdown(socket.SHUT_WR)
    wait_for_end(peer)


def half_close_after_headers(_server, peer, _request):
    peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\npart")
    peer.shutdown(socket.SHUT_WR)
    wait_for_end(peer)


def huge(server, peer, request):
    peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % HUGE)
    while server.sent[request.path] < HUGE:
        server.sent[request.path] += peer.send(b"z" * 65536)


def huge_failure(server, peer, request):
    peer.sendall(b"HTTP/1.1 500 No\r\ncontent-length: %d\r\n\r\n" % HUGE)
    while server.sent[request.path] < HUGE:
        server.sent[request.path] += peer.send(b"z" * 65536)


def endless_interim(server, peer, request):
    server.keep_sending(peer, request.path, b"HTTP/1.1 100 Continue\r\n\r\n" * 40, 0)


BEHAVIOURS = {
    "/hang": hang,
    "/drip": drip_headers,
    "/drip-body": drip_body,
    "/reset": reset,
    "/reset-body": reset_after_headers,
    "/half-close": half_close,
    "/half-close-body": half_close_after_headers,
    "/huge": huge,
    "/huge-500": huge_failure,
    "/interim": endless_interim,
    "/header60k": b"HTTP/1.1 200 OK\r\nx-big: " + b"y" * 60000 + b"\r\ncontent-length: 0\r\n\r\n",
    "/headers60k": b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: %s\r\n" % (n, b"y" * 1000)
                                                      for n in range(60)) + b"\r\n",
    "/http09": b"<html>an old one</html>",
    "/307": answer(307, location="http://169.254.169.254/latest/meta-data/"),
    "/301": answer(301, location="/ok"),
    "/204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/100": b"HTTP/1.1 100 Continue\r\n\r\n" + answer(201),
    "/404": answer(404, b"nobody here"),
    "/503": answer(503),
    "/ok": answer(200, b"thanks"),
}
