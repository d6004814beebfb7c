"""Stands between FreeRADIUS and the service, over TLS. Passes each request on, apart from those
whose path ends as the file says, which get the file's response: `ENDING STATUS [BODY]`.

    stub.py FILE CERTIFICATE KEY AUTHORITY ORIGIN

Writes its port to standard output."""

import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen

FILE, CERTIFICATE, KEY, AUTHORITY, ORIGIN = sys.argv[1:]
UPSTREAM = ssl.create_default_context(cafile=AUTHORITY)


class Stub(BaseHTTPRequestHandler):
    def do_GET(self):
        self.respond()

    def do_POST(self):
        self.respond()

    def respond(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        with open(FILE, encoding="ascii") as file:
            ending, status, text = (file.read().strip() + "  ").split(" ", 2)
        if self.path.split("?")[0].endswith(ending):
            status, text = int(status), text.strip().encode()
        else:
            status, text = self.upstream(body)
        self.send_response(status)
        if text:
            self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def upstream(self, body):
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
        try:
            response = urlopen(Request(ORIGIN + self.path, body, headers, method=self.command), context=UPSTREAM)
        except HTTPError as error:
            response = error
        with response:
            return response.status, response.read()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
