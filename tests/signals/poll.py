"""A receiver that polls (RFC 8936), and what the Shared Signals Framework has beside: metadata, stream,
status, verification."""

import threading

from service import ISSUER, PASSWORD, Service, until
from sets import Keys

AUDIENCE = "https://poller.example.com"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"


class Poller:
    """The receiver `poller`, with its account."""

    def __init__(self, service, token):
        self.service, self.authorization = service, f"Bearer {token}"

    def ask(self, method, path, body=None, expected=200):
        status, _, value = self.service.call(method, path, body, self.authorization)
        assert status == expected, f"{method} {path} {body}: {status} {value}"
        return value

    def poll(self, **body):
        """The claims that are due, by their identifier, and whether there are more."""
        value = self.ask("POST", "/ssf/poll/poller", {"returnImmediately": True, **body})
        keys = Keys(self.service.keys())
        claims = {jti: keys.check(text, ISSUER, AUDIENCE)[1] for jti, text in value["sets"].items()}
        assert all(jti == each["jti"] for jti, each in claims.items()), claims
        return claims, value.get("moreAvailable", False)


def users(claims):
    return [each["sub_id"]["sub"] for each in claims.values()]


def create(service, *names):
    for name in names:
        service.create({"type": "HOTP", "user": name, "status": "V"})


def polls(service, poller):
    """Events come until they are acknowledged, oldest first."""
    assert poller.poll() == ({}, False)
    create(service, "a", "b", "c", "d", "e")
    first, more = poller.poll(maxEvents=2)
    assert users(first) == ["a", "b"] and more
    assert poller.poll(maxEvents=2) == (first, True), "what is not acknowledged comes again"
    second, more = poller.poll(maxEvents=2, ack=list(first))
    assert users(second) == ["c", "d"] and more
    # One is acknowledged, the other one refused.
    refused, accepted = list(second)
    error = {refused: {"err": "invalid_audience", "description": "not for us"}}
    third, more = poller.poll(ack=[accepted], setErrs=error)
    assert users(third) == ["e"] and not more
    assert poller.poll(maxEvents=0, ack=[*third, "0" * 32]) == ({}, False)
    assert poller.poll() == ({}, False)
    assert "not for us" in service.command("signals", "list", "--receiver", "poller", "--dead")
    assert service.metric("keyfob_signals_total", receiver="poller", outcome="accepted") == 4
    assert service.metric("keyfob_signals_total", receiver="poller", outcome="refused") == 1


def waits(service, poller):
    """A request without `returnImmediately` waits for the next event."""
    got = []
    waiting = threading.Thread(target=lambda: got.append(poller.poll(returnImmediately=False)))
    waiting.start()
    create(service, "f")
    waiting.join(60)
    assert got and users(got[0][0]) == ["f"], got
    poller.poll(ack=list(got[0][0]), maxEvents=0)


def survives(service, poller):
    """What was not acknowledged is there after a kill, with the same identifier."""
    create(service, "g")
    before, _ = poller.poll()
    service.kill()
    service.start()
    assert poller.poll()[0] == before and users(before) == ["g"]
    poller.poll(ack=list(before), maxEvents=0)


def verifies(service, poller, stream):
    """A verification event carries the receiver's own text."""
    poller.ask("POST", "/ssf/verify", {"stream_id": stream, "state": "VGhpcyBpcyBhIHRlc3Q"}, 204)
    (claims,) = until(lambda: poller.poll()[0], "a verification event").values()
    assert claims["sub_id"] == {"format": "opaque", "id": stream}, claims
    assert claims["events"] == {VERIFICATION: {"state": "VGhpcyBpcyBhIHRlc3Q"}}, claims
    poller.poll(ack=[claims["jti"]], maxEvents=0)


def pauses(service, poller, stream):
    """A paused stream keeps its events."""
    status = f"/ssf/status?stream_id={stream}"
    assert poller.ask("GET", status)["status"] == "enabled"
    paused = poller.ask("POST", "/ssf/status", {"stream_id": stream, "status": "paused"})
    assert (paused["stream_id"], paused["status"]) == (stream, "paused"), paused
    create(service, "h")
    assert poller.poll() == ({}, False)
    assert poller.ask("GET", status)["status"] == "paused"
    poller.ask("POST", "/ssf/status", {"stream_id": stream, "status": "enabled"})
    claims, _ = poller.poll()
    assert users(claims) == ["h"]
    poller.poll(ack=list(claims), maxEvents=0)


def describes(service, poller):
    """The metadata, and the stream of the receiver."""
    status, fields, metadata = service.call("GET", "/.well-known/ssf-configuration")
    assert status == 200 and fields["Content-Type"].startswith("application/json"), fields
    assert metadata["issuer"] == ISSUER and metadata["jwks_uri"].endswith("/.well-known/jwks.json"), metadata
    assert metadata["spec_version"] == "1_0" and metadata["default_subjects"] == "ALL", metadata
    assert set(metadata["delivery_methods_supported"]) == {"urn:ietf:rfc:8935", "urn:ietf:rfc:8936"}, metadata
    for name, path in (("configuration_endpoint", "streams"), ("status_endpoint", "status"), ("verification_endpoint", "verify")):
        assert metadata[name].endswith(f"/ssf/{path}"), metadata
    assert "add_subject_endpoint" not in metadata and "remove_subject_endpoint" not in metadata, metadata
    streams = poller.ask("GET", "/ssf/streams")
    assert len(streams) == 1, streams
    (stream,) = streams
    assert (stream["iss"], stream["aud"], stream["delivery"]["method"]) == (ISSUER, AUDIENCE, "urn:ietf:rfc:8936"), stream
    assert stream["delivery"]["endpoint_url"].endswith("/ssf/poll/poller"), stream
    assert all("credential" in event for event in stream["events_delivered"]) and stream["events_delivered"], stream
    assert poller.ask("GET", f"/ssf/streams?stream_id={stream['stream_id']}") == stream
    return stream["stream_id"]


def refuses(service, poller, stranger, stream):
    """Requests of others, and wrong ones."""
    for path in ("/ssf/streams?stream_id=none", "/ssf/status?stream_id=none"):
        poller.ask("GET", path, expected=404)
    for path in ("/ssf/subjects:add", "/ssf/subjects:remove"):
        poller.ask("POST", path, {"stream_id": stream, "subject": {"format": "opaque", "id": "a"}}, 501)
    for body in ("[]", "no JSON", '{"maxEvents": -1}', '{"maxEvents": "2"}', '{"ack": "a"}', '{"ack": [1]}', '{"setErrs": []}'):
        poller.ask("POST", "/ssf/poll/poller", body, 400)
    poller.ask("POST", "/ssf/status", {"stream_id": stream, "status": "asleep"}, 400)
    for path in ("/ssf/poll/poller", "/ssf/verify", "/ssf/status"):
        assert service.call("POST", path, {"stream_id": stream, "status": "paused"})[0] == 401, path
        stranger.ask("POST", path, {"stream_id": stream, "status": "paused"}, 403)
    assert PASSWORD not in service.log()


def main(binary, folder):
    config = (f'[signals]\nissuer = "{ISSUER}"\nprofile = "caep"\n[[receiver]]\nname = "poller"\naudience = "{AUDIENCE}"\naccount = "poller"\n')
    with Service(binary, folder / "service", config) as service:
        tokens = [service.command("account", "add", name, "--roles", "query", "--token").strip() for name in ("poller", "stranger")]
        poller, stranger = (Poller(service, token) for token in tokens)
        stream = describes(service, poller)
        polls(service, poller)
        waits(service, poller)
        survives(service, poller)
        verifies(service, poller, stream)
        pauses(service, poller, stream)
        refuses(service, poller, stranger, stream)
        service.stop()
    print("poll, stream, status, verification")
