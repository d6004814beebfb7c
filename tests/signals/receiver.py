"""A receiver of SETs by push (RFC 8935).

    receiver.py PORT FILE

is one in a process of its own: it appends each SET to the file before it accepts it."""

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Response:
    """What a receiver responds. `write` replaces all of it, and gets the handler."""

    def __init__(self, status=202, body=b"", headers=(), write=None):
        self.status, self.body, self.headers, self.write = status, body, dict(headers), write

    @classmethod
    def refusal(cls, error, description="a test", status=400):
        """RFC 8935, section 2.3."""
        return cls(status, json.dumps({"err": error, "description": description}).encode(), {"Content-Type": "application/json"})


class Receiver:
    """Keeps what it gets. `manner` gets the number of a request and makes its response."""

    def __init__(self, manner=lambda _: Response(), port=0, tls=None):
        self.manner, self.got, self.times, self.fields, self.lock = manner, [], [], [], threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                self.connection.setsockopt(6, 1, 1)  # TCP_NODELAY

            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                with receiver.lock:
                    number = len(receiver.got)
                    receiver.got.append(text)
                    receiver.times.append(time.monotonic())
                    receiver.fields.append((self.path, self.headers))
                response = receiver.manner(number)
                if response.write:
                    self.close_connection = True
                    return response.write(self)
                self.send_response(response.status)
                for name, value in response.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(response.body)))
                self.end_headers()
                return self.wfile.write(response.body)

            def do_GET(self):
                self.do_POST()

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Clients that go away are the subject of a test."""

        self.server = Server(("127.0.0.1", port), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/events"


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    receiver = Receiver(port=port)

    def keep(number):
        # One write, so that a kill leaves whole lines.
        os.write(file, receiver.got[number].encode() + b"\n")
        return Response()

    receiver.manner = keep
    print(receiver.port, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
