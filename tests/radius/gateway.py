"""A gateway for text messages: writes the text of each to the file, and its port to standard output."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit


class Gateway(BaseHTTPRequestHandler):
    def do_POST(self):
        text = parse_qs(urlsplit(self.path).query)["text"][0]
        with open(sys.argv[1], "w", encoding="ascii") as file:
            file.write(text)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Gateway)
print(server.server_port, flush=True)
server.serve_forever()
