"""The SIP dialer's way to its peers: TLS with certificates good, wrong and unknown, names with several
servers, and media that never passes by it."""
import array
import math
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest
import wave

import sip_case
import sip_scenarios
import stopwatch
from webhook_hostile import OLD_TLS

NAME = "sip.example.test"


def openssl(directory, *args):
    subprocess.run(["openssl", *args], cwd=directory, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def authority(directory, name):
    """A CA: its certificate's PEM."""
    openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout", name + ".key", "-out",
            name + ".pem")
    with open(os.path.join(directory, name + ".pem"), encoding="ascii") as f:
        return f.read()


def certificate(directory, ca, host):
    """Key and certificate for a host in one file."""
    base = ca + "-" + host
    with open(os.path.join(directory, base + ".ext"), "w", encoding="ascii") as f:
        f.write("subjectAltName=DNS:%s\n" % host)
    openssl(directory, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=" + host, "-keyout", base + ".key", "-out", base + ".csr")
    openssl(directory, "x509", "-req", "-in", base + ".csr", "-CA", ca + ".pem", "-CAkey",
            ca + ".key", "-CAcreateserial", "-days", "2", "-extfile", base + ".ext", "-out",
            base + ".crt")
    path = os.path.join(directory, base + ".both")
    with open(path, "w", encoding="ascii") as out:
        for part in (".key", ".crt"):
            with open(os.path.join(directory, base + part), encoding="ascii") as f:
                out.write(f.read())
    return path


class Peers(sip_case.SipCase):
    def run_beside(self, *command):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)

        def end():
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(sip_case.DEADLINE)

        self.addCleanup(end)
        return process

    # --- TLS

    def test_tls_takes_the_right_certificate_only(self):
        dialer = self.dialer()
        ca = authority(dialer.dir, "ca")
        authority(dialer.dir, "stranger")
        chains = {"good": certificate(dialer.dir, "ca", NAME),
                  "wrong": certificate(dialer.dir, "ca", "other.example.test"),
                  "unknown": certificate(dialer.dir, "stranger", NAME)}
        client = dialer.connect()
        for which, expected in (("good", "answered"), ("wrong", "carrier_error"),
                                ("unknown", "carrier_error")):
            with self.subTest(which):
                port = sip_case.free_ports(1)[0]
                scenario = sip_scenarios.carrier_scenario().replace(
                    "[local_ip]:[local_port];transport=[transport]",
                    "127.0.0.1:%d;transport=tls" % port)
                carrier = dialer.sipp("carrier-" + which, scenario, transport="t1")
                agent = dialer.sipp("agent-" + which, sip_scenarios.agent_scenario())
                self.run_beside("socat", "OPENSSL-LISTEN:%d,bind=127.0.0.1,reuseaddr,fork,verify=0,"
                                "cert=%s" % (port, chains[which]),
                                "TCP:127.0.0.1:%d" % carrier.port)
                self.eventually(lambda port=port: sip_case.is_bound(port, "tcp"))
                trunk = client.trunk("127.0.0.1:%d" % port, transport="tls", ca=ca,
                                     verify_host=NAME)
                id = client.dial("9103", trunk, "sip:agent@127.0.0.1:%d" % agent.port)
                self.assertEqual(client.ended(id)["outcome"], expected)
                self.assertEqual(bool(carrier.received("INVITE")), which == "good")

    def test_tls_before_1_2_is_refused(self):
        folder = tempfile.mkdtemp(prefix="belfry-tls-")
        self.addCleanup(shutil.rmtree, folder)
        with open(folder + "/old.cnf", "w", encoding="ascii") as file:
            file.write(OLD_TLS)
        ca, good = authority(folder, "ca"), certificate(folder, "ca", NAME)
        dialer = self.dialer(OPENSSL_CONF=folder + "/old.cnf")
        client = dialer.connect()
        for versions, expected in (("TLS1.2", "answered"), ("TLS1.1", "carrier_error")):
            with self.subTest(versions):
                port = sip_case.free_ports(1)[0]
                scenario = sip_scenarios.carrier_scenario().replace(
                    "[local_ip]:[local_port];transport=[transport]",
                    "127.0.0.1:%d;transport=tls" % port)
                carrier = dialer.sipp("carrier-" + versions, scenario, transport="t1")
                agent = dialer.sipp("agent-" + versions, sip_scenarios.agent_scenario())
                self.run_beside(
                    "socat", "OPENSSL-LISTEN:%d,bind=127.0.0.1,reuseaddr,fork,verify=0,cert=%s,"
                    "cipher=ALL:@SECLEVEL=0,openssl-min-proto-version=TLS1.0,"
                    "openssl-max-proto-version=%s" % (port, good, versions),
                    "TCP:127.0.0.1:%d" % carrier.port)
                self.eventually(lambda port=port: sip_case.is_bound(port, "tcp"))
                trunk = client.trunk("127.0.0.1:%d" % port, transport="tls", ca=ca, verify_host=NAME)
                id = client.dial("9103", trunk, "sip:agent@127.0.0.1:%d" % agent.port)
                self.assertEqual(client.ended(id)["outcome"], expected)
                self.assertEqual(bool(carrier.received("INVITE")), expected == "answered")
                # The other side speaks that version with whoever takes it.
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = ssl.TLSVersion.TLSv1
                with socket.create_connection(("127.0.0.1", port), timeout=10) as peer, \
                        context.wrap_socket(peer) as secure:
                    self.assertEqual(secure.version(), versions.replace("TLS", "TLSv"))

    def test_tls_of_agents_takes_the_right_certificate_only(self):
        dns = sip_case.free_ports(1)[0]
        folder = tempfile.mkdtemp(prefix="belfry-tls-")
        self.addCleanup(shutil.rmtree, folder)
        authority(folder, "ca")
        authority(folder, "stranger")
        # Agents are checked by the system's authorities; these are the system's of this dialer.
        dialer = self.dialer(BELFRY_SIP_DNS="127.0.0.1:%d" % dns, SSL_CERT_FILE=folder + "/ca.pem",
                             SSL_CERT_DIR=folder)
        cases = (("good.example.test", "ca", "good.example.test", "answered"),
                 ("wrong.example.test", "ca", "good.example.test", "agent_unavailable"),
                 ("unknown.example.test", "stranger", "unknown.example.test", "agent_unavailable"))
        self.serve_names(dialer, dns, *("--host-record=%s,127.0.0.1" % case[0] for case in cases))
        carrier = dialer.sipp("carrier", sip_scenarios.carrier_scenario())
        client = dialer.connect()
        trunk = client.trunk("127.0.0.1:%d" % carrier.port)
        for name, signer, named, expected in cases:
            with self.subTest(name):
                port = sip_case.free_ports(1)[0]
                agent = dialer.sipp(name, sip_scenarios.agent_scenario().replace(
                    "[local_ip]:[local_port];transport=[transport]",
                    "127.0.0.1:%d;transport=tls" % port), transport="t1")
                self.run_beside("socat", "OPENSSL-LISTEN:%d,bind=127.0.0.1,reuseaddr,fork,verify=0,"
                                "cert=%s" % (port, certificate(folder, signer, named)),
                                "TCP:127.0.0.1:%d" % agent.port)
                self.eventually(lambda port=port: sip_case.is_bound(port, "tcp"))
                id = client.dial("9103", trunk, "sips:agent@%s:%d" % (name, port))
                end = client.ended(id)
                self.assertEqual((end["outcome"], end["sip"]), (expected, 200))
                self.assertEqual(bool(agent.received("INVITE")), expected == "answered")

    # --- names

    def serve_names(self, dialer, port, *records):
        self.run_beside(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
            "--no-hosts", "--port=%d" % port, "--listen-address=127.0.0.1", "--bind-interfaces",
            "--pid-file=" + dialer.dir + "/dnsmasq.pid", "--user=root",
            "--host-record=a.carrier.test,127.0.0.1", "--host-record=b.carrier.test,127.0.0.1",
            *records)
        self.eventually(lambda: sip_case.is_bound(port))

    def test_a_silent_server_is_passed_over(self):
        dns, second = sip_case.free_ports(2)
        silent = SilentServer(self)
        dialer = self.dialer(BELFRY_SIP_DNS="127.0.0.1:%d" % dns)
        self.serve_names(dialer, dns,
                         "--srv-host=_sip._udp.carrier.test,a.carrier.test,%d,1" % silent.port,
                         "--srv-host=_sip._udp.carrier.test,b.carrier.test,%d,2" % second)
        takes = dialer.sipp("carrier", sip_scenarios.carrier_scenario(), port=second)
        agent = dialer.sipp("agent", sip_scenarios.agent_scenario())
        uri = "sip:agent@127.0.0.1:%d" % agent.port
        client = dialer.connect()
        trunk = client.trunk("carrier.test")
        watch = stopwatch.Stopwatch()
        id = client.dial("9103", trunk, uri)
        self.assertEqual(client.ended(id)["outcome"], "answered")
        self.assertLess(watch.s(), 8)
        sent = silent.received("INVITE")
        self.assertEqual({(m["call-id"], m["cseq"]) for m in sent}, {(id + ".c", "1 INVITE")})
        self.assertLessEqual(len(sent), 4)
        again = client.dial("9103", trunk, uri)
        self.assertEqual(client.ended(again)["outcome"], "answered")
        self.assertEqual(len(silent.received("INVITE")), len(sent))
        invites = takes.received("INVITE")
        self.assertEqual(set(invites), {id + ".c", again + ".c"})

    def test_what_a_silent_server_says_later_is_cancelled_or_hung_up(self):
        for status, answer_of_second in ((180, "0486"), (200, "9103"), (180, "9000")):
            with self.subTest((status, answer_of_second)):
                dns, second = sip_case.free_ports(2)
                silent = SilentServer(self)
                dialer = self.dialer(BELFRY_SIP_DNS="127.0.0.1:%d" % dns)
                self.serve_names(
                    dialer, dns,
                    "--srv-host=_sip._udp.carrier.test,a.carrier.test,%d,1" % silent.port,
                    "--srv-host=_sip._udp.carrier.test,b.carrier.test,%d,2" % second)
                takes = dialer.sipp("carrier", sip_scenarios.carrier_scenario(), port=second)
                agent = dialer.sipp("agent", sip_scenarios.agent_scenario())
                client = dialer.connect()
                id = client.dial(answer_of_second, client.trunk("carrier.test"),
                                 "sip:agent@127.0.0.1:%d" % agent.port, max_s=3)
                self.eventually(lambda: takes.received("INVITE"))
                invite = silent.received("INVITE")[0]
                silent.answer(invite, status)
                if status < 200:
                    self.eventually(lambda: silent.received("CANCEL"))
                    cancel = silent.received("CANCEL")[0]
                    self.assertEqual(cancel["via"], invite["via"])
                    silent.answer(invite, 487)
                    self.eventually(lambda: silent.received("ACK"))
                    self.assertEqual(silent.received("ACK")[0]["via"], invite["via"])
                else:
                    self.eventually(lambda: silent.received("ACK") and silent.received("BYE"))
                    silent.answer(silent.received("BYE")[0], 200)
                expected = "busy" if answer_of_second == "0486" else "answered"
                self.assertEqual(client.ended(id)["outcome"], expected)
                self.assertEqual({m["cseq"] for m in silent.received("INVITE")}, {"1 INVITE"})

    def test_a_name_may_say_the_transport(self):
        dns, port = sip_case.free_ports(2)
        dialer = self.dialer(BELFRY_SIP_DNS="127.0.0.1:%d" % dns)
        self.serve_names(dialer, dns,
                         "--naptr-record=carrier.test,10,10,s,SIP+D2T,,_sip._tcp.carrier.test",
                         "--srv-host=_sip._tcp.carrier.test,a.carrier.test,%d,1" % port)
        carrier = dialer.sipp("carrier", sip_scenarios.carrier_scenario(), port=port, transport="t1")
        agent = dialer.sipp("agent", sip_scenarios.agent_scenario())
        client = dialer.connect()
        id = client.dial("9103", client.trunk("carrier.test", transport="dns"),
                         "sip:agent@127.0.0.1:%d" % agent.port)
        self.assertEqual(client.ended(id)["outcome"], "answered")
        self.assertIn("Via: SIP/2.0/TCP", carrier.text())

    def test_the_next_server_of_a_name_is_tried(self):
        ports = sip_case.free_ports(4)
        dns, first, second, closed = ports
        dialer = self.dialer(BELFRY_SIP_DNS="127.0.0.1:%d" % dns)
        self.serve_names(
            dialer, dns,
            "--srv-host=_sip._udp.carrier.test,a.carrier.test,%d,1" % first,
            "--srv-host=_sip._udp.carrier.test,b.carrier.test,%d,2" % second,
            "--srv-host=_sip._tcp.gone.test,a.carrier.test,%d,1" % closed,
            "--srv-host=_sip._tcp.gone.test,b.carrier.test,%d,2" % second)
        refuses = dialer.sipp("refuses", sip_scenarios.slow_carrier_scenario(0, 503), port=first)
        takes = dialer.sipp("carrier", sip_scenarios.carrier_scenario(), port=second)
        agent = dialer.sipp("agent", sip_scenarios.agent_scenario())
        uri = "sip:agent@127.0.0.1:%d" % agent.port
        client = dialer.connect()
        id = client.dial("9103", client.trunk("carrier.test"), uri)
        self.assertEqual(client.ended(id)["outcome"], "answered")
        self.assertEqual(set(refuses.received("INVITE")), {id + ".c"})
        self.assertEqual(set(takes.received("INVITE")), {id + ".c"})
        takes.close()
        takes = dialer.sipp("carrier-tcp", sip_scenarios.carrier_scenario(), port=second,
                            transport="t1")
        id = client.dial("9103", client.trunk("gone.test", transport="tcp"), uri)
        self.assertEqual(client.ended(id)["outcome"], "answered")
        end = client.ended(client.dial("9103", client.trunk("nowhere.test"), uri))
        self.assertEqual(end["outcome"], "carrier_error")

    # --- media

    @staticmethod
    def ports_with_the_next(count):
        """A baresip takes the port after its own too, for TLS."""
        found = []
        while len(found) < count:
            port = sip_case.free_ports(1)[0]
            with socket.socket() as s:
                try:
                    s.bind(("127.0.0.1", port + 1))
                except OSError:
                    continue
            if not any(abs(port - other) < 2 for other in found):
                found.append(port)
        return found

    def test_two_phones_hear_each_other_and_nobody_else(self):
        dialer = self.dialer()
        ports = self.ports_with_the_next(2)
        phones = [Phone(self, dialer.dir, name, port, tone)
                  for name, port, tone in (("callee", ports[0], 440), ("agent", ports[1], 1000))]
        client = dialer.connect()
        trunk = client.trunk("127.0.0.1:%d" % ports[0])
        id = client.dial("9000", trunk, "sip:agent@127.0.0.1:%d" % ports[1], max_s=3)
        end = client.ended(id)
        self.assertIn("bridged", client.names(id))
        self.assertEqual((end["outcome"], end["by"]), ("answered", "us"))
        for phone, heard, own in ((phones[0], 1000, 440), (phones[1], 440, 1000)):
            self.eventually(lambda phone=phone: len(phone.recording()) > 8000)
            powers = phone.heard((heard, own))
            self.assertGreater(powers[heard], 100 * powers[own] + 1, (phone.name, powers))


class SilentServer:
    """A SIP server that says only what the test has it say."""

    def __init__(self, case):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.messages = []
        case.addCleanup(self.socket.close)

    def received(self, method):
        """Headers of the requests that came, by their names in lower case."""
        while True:
            try:
                data, source = self.socket.recvfrom(65536)
            except BlockingIOError:
                break
            lines = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:])
            headers = {name.lower(): value for name, value in headers.items()}
            self.messages.append(dict(headers, method=lines[0].split()[0], source=source))
        return [m for m in self.messages if m["method"] == method]

    def answer(self, request, status):
        is_2xx_to_invite = status == 200 and request["method"] == "INVITE"
        body = sip_scenarios.SDP.format(port=4000).replace("[local_ip]", "127.0.0.1").replace(
            "\n", "\r\n") if is_2xx_to_invite else ""
        to = request["to"] if ";tag=" in request["to"] else request["to"] + ";tag=late"
        text = ("SIP/2.0 %d Word\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
                "Contact: <sip:late@127.0.0.1:%d>\r\nContent-Type: application/sdp\r\n"
                "Content-Length: %d\r\n\r\n%s" % (
                    status, request["via"], request["from"], to, request["call-id"],
                    request["cseq"], self.port, len(body), body))
        self.socket.sendto(text.encode(), request["source"])


class Phone:
    """A baresip that answers, plays one tone and records what it hears."""

    def __init__(self, case, directory, name, port, tone):
        self.name = name
        self.home = os.path.join(directory, name)
        os.mkdir(self.home)
        with wave.open(self.home + "/tone.wav", "wb") as w:
            w.setnchannels(1)
            w.setsampwidth(2)
            w.setframerate(8000)
            w.writeframes(array.array("h", [int(12000 * math.sin(2 * math.pi * tone * n / 8000))
                                            for n in range(8000 * 20)]).tobytes())
        with open(self.home + "/accounts", "w", encoding="ascii") as f:
            user = sip_case.NUMBER + "9000" if name == "callee" else name
            f.write("<sip:%s@127.0.0.1>;regint=0;answermode=auto\n" % user)
        with open(self.home + "/config", "w", encoding="ascii") as f:
            f.write("sip_listen 127.0.0.1:%d\nnet_interface 127.0.0.1\n"
                    "audio_source aufile,%s/tone.wav\naudio_player aubridge,%s\n"
                    "audio_alert aubridge,%s\nausrc_srate 8000\nauplay_srate 8000\n"
                    "module_path %s\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\n"
                    "module_app account.so\nmodule_app menu.so\nmodule auloop.so\n"
                    "snd_path %s\nrtp_ports 20000-40000\n"
                    % (port, self.home, name, name, self.modules(), self.home))
        case.run_beside("baresip", "-f", self.home)
        case.eventually(lambda: sip_case.is_bound(port))

    @staticmethod
    def modules():
        for path in ("/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules"):
            if os.path.isdir(path):
                return path
        return "/usr/lib/baresip/modules"

    def recording(self):
        """What it heard; none while the file is still being written."""
        samples = array.array("h")
        for file in sorted(os.listdir(self.home)):
            if file.startswith("dump") and file.endswith("-dec.wav"):
                try:
                    with wave.open(os.path.join(self.home, file), "rb") as w:
                        samples.frombytes(w.readframes(w.getnframes()))
                except (wave.Error, EOFError):
                    return array.array("h")
        return samples

    def heard(self, tones):
        """Power of each tone in what was recorded, per sample."""
        samples = self.recording()
        powers = {}
        for tone in tones:
            k = 2 * math.pi * tone / 8000
            re = sum(s * math.cos(k * n) for n, s in enumerate(samples))
            im = sum(s * math.sin(k * n) for n, s in enumerate(samples))
            powers[tone] = math.hypot(re, im) / max(1, len(samples))
        return powers


if __name__ == "__main__":
    unittest.main()
