"""Receivers that refuse, fail, wait, lie or hang: each has its metric, its log line and its next try,
and none holds up another."""

import datetime
import json
import socket
import ssl
import sqlite3
import threading
import time
from email.utils import formatdate

from receiver import Receiver, Response
from service import ISSUER, Service, until
from sets import Keys

DEAD, TRIED_AGAIN = "refused", "failed"
# Bytes that a response may have and that nobody reads to their end.
LONG = 10 * 1024 * 1024


def once(response):
    """That response to the first request, then acceptance."""
    return lambda number: response if number == 0 else Response()


def table(name, url, more=""):
    return f'[[receiver]]\nname = "{name}"\naudience = "https://{name}.example.com"\nurl = "{url}"\ntimeout_seconds = 2\n{more}\n'


def service_with(binary, folder, tables, more=""):
    return Service(binary, folder, f'[signals]\nissuer = "{ISSUER}"\n{more}\n' + "\n".join(tables))


def listed(service, *more):
    """What `keyfob signals list` shows."""
    return [json.loads(line) for line in service.command("signals", "list", "--json", *more).splitlines()]


def ids(service, receiver, name):
    """The identifiers of all that a receiver got, in order, once their signatures are checked."""
    keys = Keys(service.keys())
    return [keys.check(text, ISSUER, f"https://{name}.example.com")[1]["jti"] for text in receiver.got]


def write_long(status):
    """A response of 10 MB, of which `sent` gets the bytes that were taken."""
    sent = []

    def write(handler):
        count = 0
        try:
            handler.wfile.write(f"HTTP/1.1 {status} long\r\nContent-Length: {LONG}\r\n\r\n".encode())
            while count < LONG:
                count += handler.connection.send(b"x" * min(1 << 16, LONG - count))
        except OSError:
            pass
        sent.append(count)
    return Response(write=write), sent


def refusals(binary, folder):
    """Each response to the first SET, and what comes of it."""
    elsewhere = Receiver()
    long_refusal, sent = write_long(500)
    long_acceptance, taken = write_long(202)
    cases = {
        "request": (Response.refusal("invalid_request", "no such event"), DEAD, "no such event"),
        "unknown": (Response.refusal("made_up"), DEAD, "made_up"),
        "large": (Response(413), DEAD, "413"),
        "key": (Response.refusal("invalid_key"), TRIED_AGAIN, "invalid_key"),
        "issuer": (Response.refusal("invalid_issuer"), TRIED_AGAIN, "invalid_issuer"),
        "audience": (Response.refusal("invalid_audience"), TRIED_AGAIN, "invalid_audience"),
        "authentication": (Response.refusal("authentication_failed"), TRIED_AGAIN, "authentication_failed"),
        "access": (Response.refusal("access_denied"), TRIED_AGAIN, "access_denied"),
        "unauthorized": (Response(401), TRIED_AGAIN, "401"),
        "forbidden": (Response(403), TRIED_AGAIN, "403"),
        "missing": (Response(404), TRIED_AGAIN, "404"),
        "moved": (Response(302, headers={"Location": elsewhere.url}), TRIED_AGAIN, "302"),
        "moved-for-ever": (Response(308, headers={"Location": elsewhere.url}), TRIED_AGAIN, "308"),
        "error": (Response(500), TRIED_AGAIN, "500"),
        "long": (long_refusal, TRIED_AGAIN, "500"),
        "hangs": (Response(write=lambda _: threading.Event().wait(10)), TRIED_AGAIN, ""),
        "closes": (Response(write=lambda _: None), TRIED_AGAIN, ""),
        "nonsense": (Response(write=lambda handler: handler.wfile.write(b"no HTTP at all\r\n\r\n")), TRIED_AGAIN, ""),
        "good": (Response(), None, ""),
        "accepted": (Response(200, b"ignored"), None, ""),
        "long-acceptance": (long_acceptance, None, ""),
    }
    receivers = {name: Receiver(once(response)) for name, (response, *_) in cases.items()}
    with service_with(binary, folder, [table(name, receiver.url) for name, receiver in receivers.items()]) as service:
        service.create({"type": "HOTP", "user": "alice", "status": "V"})
        service.wait_until_sent(*cases)
        for name, (_, outcome, text) in cases.items():
            got = ids(service, receivers[name], name)
            count = lambda outcome: service.metric("keyfob_signals_total", receiver=name, outcome=outcome)
            dead = listed(service, "--receiver", name, "--dead")
            if outcome == DEAD:
                assert len(got) == 1 and count(DEAD) == 1 and count("accepted") == 0, name
                assert len(dead) == 1 and text in dead[0]["error"] and dead[0]["jti"] == got[0], (name, dead)
                assert service.metric("keyfob_signals_dead", receiver=name) == 1, name
            else:
                tries = 2 if outcome else 1
                assert len(got) == tries and len(set(got)) == 1, (name, got)
                assert count("accepted") == 1 and count(TRIED_AGAIN) == tries - 1 and not dead, name
            lines = [line for line in service.log().splitlines() if f" {name} " in line or f"={name} " in line or f'"{name}"' in line]
            if outcome == TRIED_AGAIN:
                assert any(text in line for line in lines), (name, text, lines)
        assert not elsewhere.got, "a redirect was followed"
        assert sent[0] < LONG and taken[0] < LONG, (sent, taken)
        service.stop()
    print(f"{len(cases)} responses")


def pauses(binary, folder):
    """Retry-After, in both forms, is a lower bound of the pause."""
    cases = {
        "seconds": lambda: Response(429, headers={"Retry-After": "3"}),
        "date": lambda: Response(503, headers={"Retry-After": formatdate(time.time() + 4, usegmt=True)}),
    }
    receivers = {name: Receiver(lambda number, make=make: make() if number == 0 else Response()) for name, make in cases.items()}
    with service_with(binary, folder, [table(name, receiver.url) for name, receiver in receivers.items()]) as service:
        service.create({"type": "HOTP", "user": "alice", "status": "V"})
        service.wait_until_sent(*cases)
        for name, receiver in receivers.items():
            assert len(receiver.got) == 2 and receiver.times[1] - receiver.times[0] >= 2.9, (name, receiver.times)
            assert len(set(ids(service, receiver, name))) == 1, name
        service.stop()
    print(f"{len(cases)} pauses")


def certificate(folder, ends_in_days):
    """A certificate of localhost, which is its own authority, and its key. Its name is one that no
    authority of a machine has: with that, the error would be about the other one's key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a receiver of the tests of keyfob")])
    now = datetime.datetime.utcnow()
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1 + ends_in_days % 1000, now - datetime.timedelta(9),
                                      now + datetime.timedelta(ends_in_days))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
    made = builder.sign(key, hashes.SHA256())
    path = folder / f"certificate{ends_in_days}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context


def encryption(binary, folder):
    """A certificate of a given authority is accepted; one that ended, or of an unknown one, is not."""
    folder.mkdir()
    good, ended = certificate(folder, 30), certificate(folder, -2)
    receivers = {"good": (Receiver(tls=good[1]), good[0]), "ended": (Receiver(tls=ended[1]), ended[0]),
                 "unknown": (Receiver(tls=good[1]), None)}
    tables = []
    for name, (receiver, authorities) in receivers.items():
        more = f'ca_file = "{authorities}"' if authorities else ""
        tables.append(table(name, f"https://localhost:{receiver.port}/events", more))
    with service_with(binary, folder / "service", tables) as service:
        service.create({"type": "HOTP", "user": "alice", "status": "V"})
        service.wait_until_sent("good")
        for name in ("ended", "unknown"):
            until(lambda: service.metric("keyfob_signals_total", receiver=name, outcome="failed") >= 1, name)
            assert not receivers[name][0].got and service.metric("keyfob_signals_waiting", receiver=name) == 1, name
        assert "xpired" in service.log() and "UnknownIssuer" in service.log(), service.log()
        assert len(receivers["good"][0].got) == 1
        service.stop()
    print("3 certificates")


def silence(binary, folder):
    """A receiver that takes connections and never responds holds up neither requests nor other receivers."""
    deaf = socket.create_server(("127.0.0.1", 0))
    good = Receiver()
    tables = [table("deaf", f"http://127.0.0.1:{deaf.getsockname()[1]}/"), table("good", good.url)]
    with service_with(binary, folder, tables) as service:
        for number in range(30):
            service.create({"type": "SMS", "user": f"user{number}", "phone": "+34600112233", "status": "V"})
        service.wait_until_sent("good")
        assert len(good.got) == 30
        assert service.metric("keyfob_signals_waiting", receiver="deaf") == 30
        until(lambda: service.metric("keyfob_signals_total", receiver="deaf", outcome="failed") >= 1, "the deaf one fails")
        service.stop()
    deaf.close()
    print("30 SETs beside a receiver that hangs")


def letters(binary, folder):
    """Signals that wait too long are dead letters, which an operator retries or drops. A full outbox says so."""
    receiver = Receiver(lambda _: Response(503))
    tables = [table("late", receiver.url)]
    with service_with(binary, folder, tables, "max_waiting = 10\ngive_up_hours = 1") as service:
        for number in range(15):
            service.create({"type": "SMS", "user": f"user{number}", "phone": "+34600112233", "status": "V"})
        assert service.metric("keyfob_signals_waiting", receiver="late") == 10
        until(lambda: service.metric("keyfob_signals_total", receiver="late", outcome="lost") == 5, "five are lost")
        until(lambda: "late" in service.log() and "full" in service.log(), "the log says that the outbox is full")
        service.stop()
        # As old as they would be after two hours.
        with sqlite3.connect(service.folder / "keyfob.db") as store:
            store.execute("UPDATE outbox SET at = at - 7200 WHERE id <= (SELECT id FROM outbox ORDER BY id LIMIT 1 OFFSET 3)")
        store.close()
        service.start()
        until(lambda: service.metric("keyfob_signals_dead", receiver="late") == 4, "four are given up")
        assert service.metric("keyfob_signals_waiting", receiver="late") == 6
        assert service.metric("keyfob_signals_total", receiver="late", outcome="given_up") == 4
        dead = listed(service, "--dead")
        assert len(dead) == 4 and all("503" in letter["error"] for letter in dead), dead
        assert len(listed(service)) == 10
        service.command("signals", "drop", "--receiver", "late", "--dead", "--device", str(dead[0]["device"]))
        assert len(listed(service, "--dead")) == 3
        receiver.manner = lambda _: Response()
        service.command("signals", "retry", "--receiver", "late")
        service.wait_until_sent("late")
        until(lambda: service.metric("keyfob_signals_dead", receiver="late") == 0, "they are no dead letters any more")
        accepted = ids(service, receiver, "late")
        assert {letter["jti"] for letter in dead[1:]} <= set(accepted) and len(set(accepted)) >= 9
        service.stop()
    print("4 dead letters, 5 lost signals")


def main(binary, folder):
    for part in (refusals, pauses, encryption, silence, letters):
        part(binary, folder / part.__name__)
