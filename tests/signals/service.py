"""A service in a folder of its own, and a client of it."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

BASE = "/soffid/webservice/scim2/v1/OtpDevice"
ISSUER = "https://otp.example.com"
PASSWORD = "not a secret, but a test"
# Of HOTP devices, as in appendix D of RFC 4226.
SECRET = b"12345678901234567890"
# Seconds that only a service that hangs takes.
PATIENCE = 120


def hotp(counter):
    """The code of six digits of SECRET."""
    digest = hmac.new(SECRET, counter.to_bytes(8, "big"), hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(int.from_bytes(digest[place:place + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def until(condition, what, patience=PATIENCE):
    """Waits until the condition holds, and returns its value."""
    end = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.02)
    return value


class Service:
    """The binary, with its store, keys and log in the folder. `config` follows keys of TOML."""

    def __init__(self, binary, folder, config, keys=""):
        self.binary, self.folder, self.process = binary, Path(folder), None
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "keyfob.toml").write_text(
            f'listen = "127.0.0.1:0"\nadmin_password = "{PASSWORD}"\notp.kinds = ["TOTP", "HOTP", "SMS", "EMAIL", "PIN", "RECOVERY"]\n'
            f'policy.max_fails = 3\n{keys}\n{config}\n', encoding="utf-8")
        # Nothing of the environment's own configuration.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("KEYFOB_")}

    def start(self, *more):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([self.binary, "serve", "--config", "keyfob.toml", *more], cwd=self.folder,
                                            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        first = self.process.stdout.readline().decode()
        assert "listens on http://" in first, f"{first!r}: {self.log()}"
        self.address = first.split("listens on http://")[1].split("/")[0].strip()
        self.greeting = [first]
        threading.Thread(target=lambda out: self.greeting.extend(line.decode() for line in out), args=(self.process.stdout,),
                         daemon=True).start()
        return self

    def stop(self):
        """Ends it as an operator does."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log()
        self.process = None

    def kill(self):
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process:
            self.kill()

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def command(self, *args, status=0):
        """The standard output of a command on the store."""
        run = subprocess.run([self.binary, *args, "--config", "keyfob.toml"], cwd=self.folder, env=self.environment,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert run.returncode == status, f"{args}: {run}"
        return run.stdout

    def call(self, method, path, body=None, authorization=None, headers=()):
        """A request on a connection of its own: status, headers, and the body, as JSON where it is."""
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        fields = dict(headers)
        if authorization:
            fields["Authorization"] = authorization
        if body is not None:
            fields.setdefault("Content-Type", "application/json")
            body = json.dumps(body) if not isinstance(body, (str, bytes)) else body
        connection.request(method, path, body, fields)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        is_json = "json" in (response.headers["Content-Type"] or "") and text
        return response.status, response.headers, json.loads(text) if is_json else text

    def admin(self, method, path="", body=None, expected=200):
        """A request for a device by the administrator."""
        credentials = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        status, _, value = self.call(method, BASE + path, body, f"Basic {credentials}")
        assert status == expected, f"{method} {path} {body}: {status} {value}"
        return value

    def create(self, body):
        return self.admin("POST", "", body, 201)

    def patch(self, device, **values):
        """Replaces attributes; None removes one."""
        operations = [{"op": "remove", "path": name} if value is None else {"op": "replace", "path": name, "value": value}
                      for name, value in values.items()]
        return self.admin("PATCH", f"/{device}", {"Operations": operations})

    def answer(self, device, code):
        """Whether a code is right."""
        return self.admin("POST", f"/{device}/responseChallenge", {"pin": code})["success"]

    def metric(self, name, **labels):
        """A value of /metrics: 0 where it has none."""
        text = self.call("GET", "/metrics")[2].decode()
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        for line in text.splitlines():
            begin, _, value = line.rpartition(" ")
            known, _, rest = begin.partition("{")
            if known == name and wanted <= set(rest.rstrip("}").split(",")):
                return float(value)
        return 0

    def keys(self):
        """What /.well-known/jwks.json publishes."""
        status, _, keys = self.call("GET", "/.well-known/jwks.json")
        assert status == 200, keys
        return keys

    def wait_until_sent(self, *receivers):
        """Waits until no signal waits for these receivers."""
        def is_sent():
            return all(self.metric("keyfob_signals_waiting", receiver=receiver) == 0 for receiver in receivers)
        until(is_sent, f"signals still wait: {self.log()[-3000:]}")
