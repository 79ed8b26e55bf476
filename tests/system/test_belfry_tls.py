"""The command line belfry by TLS: the API's certificate is checked against BELFRY_CA_FILE."""
import http.server
import ssl
import threading
import unittest

import belfry
import database_case
from cli_case import AWAY, Cli


class TlsTest(Cli):
    def test_an_api_behind_tls_is_held_to_its_certificate(self):
        servers, strangers = database_case.Servers(), database_case.Servers()
        for made in (servers, strangers):
            self.addCleanup(made.close)
            made.certificates()
        api = self.one.api

        class Proxy(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                behind = belfry.belfry_client.Api(f"http://{api.host}:{api.port}", api.key)
                answer = behind.request("GET", self.path)
                behind.close()
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(servers.path("server.pem"), servers.path("server.key"))
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        proxy.socket = context.wrap_socket(proxy.socket, server_side=True)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        self.addCleanup(proxy.server_close)
        self.addCleanup(proxy.shutdown)
        url = f"https://127.0.0.1:{proxy.server_address[1]}"
        good = self.env(BELFRY_URL=url, BELFRY_CA_FILE=servers.path("ca.pem"))
        self.assertEqual(self.json("workspace", "show", env=good)["id"], self.one.workspace)
        for wrong in ({"BELFRY_CA_FILE": strangers.path("ca.pem")}, {}):
            said = self.fails(AWAY, "workspace", "show", env=self.env(BELFRY_URL=url, **wrong))
            self.assertRegex(said, "(?i)certificate|SSL")
        said = self.fails(AWAY, "workspace", "show", env=self.env(BELFRY_URL=url, BELFRY_CA_FILE="/nonexistent"))
        self.assertRegex(said, "(?i)certificate|SSL|CA")


if __name__ == "__main__":
    unittest.main()
