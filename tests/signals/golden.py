"""Each line of the tables, over HTTP and through every format of subject and algorithm: the SETs are
compared field by field."""

import re
import time

from receiver import Receiver
from scenarios import SCENARIOS, TYPES, Run
from service import ISSUER, PASSWORD, Service
from sets import Keys

CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
COMPROMISE = "https://schemas.openid.net/secevent/risc/event-type/credential-compromise"
# Each receiver: its name, algorithm, format of subject, template, and the subject of a user.
RECEIVERS = [
    ("es256", "ES256", "iss_sub", "${USER}", lambda user: {"format": "iss_sub", "iss": ISSUER, "sub": user}),
    ("eddsa", "EdDSA", "email", "${USER}@example.org", lambda user: {"format": "email", "email": f"{user}@example.org"}),
    ("rs256", "RS256", "opaque", "id-${USER}", lambda user: {"format": "opaque", "id": f"id-{user}"}),
    ("account", "ES256", "account", "acct:${USER}@example.org", lambda user: {"format": "account", "uri": f"acct:{user}@example.org"}),
    ("uri", "ES256", "uri", "https://example.org/users/${USER}",
     lambda user: {"format": "uri", "uri": f"https://example.org/users/{user}"}),
]
BEARER = "tests-only-bearer"


def configuration(receivers, profile, more=""):
    parts = [f'[signals]\nissuer = "{ISSUER}"\nprofile = "{profile}"\n{more}']
    for (name, algorithm, form, template, _), receiver in zip(RECEIVERS, receivers):
        parts.append(f'[[receiver]]\nname = "{name}"\naudience = "https://{name}.example.com"\nurl = "{receiver.url}"\n'
                     f'token = "{BEARER}"\nalgorithm = "{algorithm}"\nsubject = "{form}"\nsubject_value = "{template}"\n')
    return "\n".join(parts)


def expected_event(profile, event, kind, name, subject, seconds):
    """The member of `events` for an event of a scenario. `seconds` is when it happened."""
    credential = TYPES[kind][profile == "soffid"]
    if profile == "soffid":
        fields = {"subject": subject, "credential_type": credential, "event_timestamp": seconds * 1000}
        if event[0] == "compromise":
            return {COMPROMISE: fields}
        return {CHANGE: {**fields, "change_type": event[1], "friendly_name": name}}
    what, change_type, entity, reason = event
    fields = {"credential_type": credential, "event_timestamp": seconds, "initiating_entity": entity, "reason_admin": {"en": reason}}
    if what == "compromise":
        return {COMPROMISE: fields}
    return {CHANGE: {**fields, "change_type": change_type, "friendly_name": name}}


def run_scenarios(service):
    """Runs each scenario as the user whose number it has, and returns the runs."""
    runs = []
    for number, (what, action, *_) in enumerate(SCENARIOS):
        run = Run(service, f"user{number}")
        try:
            action(run)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
        runs.append(run)
    return runs


def check_receiver(receiver, settings, profile, keys, runs, began, now):
    """Compares all that a receiver got with the table."""
    name, algorithm, _, _, subject_of = settings
    audience = f"https://{name}.example.com"
    got, ids = {}, set()
    for (path, fields), text in zip(receiver.fields, receiver.got):
        assert path == "/events" and fields["Content-Type"] == "application/secevent+jwt", fields
        assert fields["Accept"] == "application/json" and fields["Authorization"] == f"Bearer {BEARER}", fields
        header, claims = keys.check(text, ISSUER, audience)
        assert header["alg"] == algorithm, header
        assert re.fullmatch("[0-9a-f]+-[0-9a-f]{32}", claims["jti"]) and claims["jti"] not in ids, claims
        ids.add(claims["jti"])
        (event,) = claims["events"].values()
        subject = event["subject"] if profile == "soffid" else claims["sub_id"]
        got.setdefault(str(sorted(subject.items())), []).append(claims)
    count = 0
    for run, (what, _, *tables) in zip(runs, SCENARIOS):
        subject = subject_of(run.user)
        events = got.pop(str(sorted(subject.items())), [])
        expected = tables[profile == "soffid"]
        assert len(events) == len(expected), f"{what}: {profile}: {events}, expected {expected}"
        for number, (claims, event) in enumerate(zip(events, expected)):
            at = claims["iat"]
            assert began <= at <= now, claims
            # The name after the change. No scenario renames a device but in its second event.
            friendly_name = run.names[min(number, len(run.names) - 1)]
            right = {"iss": ISSUER, "aud": audience, "jti": claims["jti"], "iat": at,
                     "events": expected_event(profile, event, run.kind, friendly_name, subject, at)}
            if profile != "soffid":
                right["sub_id"] = subject
            assert claims == right, f"{what}: {profile}:\n{claims}\nexpected\n{right}"
            count += 1
    assert not got, f"events about nobody of the test: {got}"
    return count


def main(binary, folder):
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    for profile in ("caep", "soffid"):
        receivers = [Receiver() for _ in RECEIVERS]
        service = Service(binary, folder / profile, configuration(receivers, profile))
        pem = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (service.folder / "rsa.pem").write_bytes(pem)
        service.command("make-signing-key", "--algorithm", "ES256")
        service.command("rotate-signing-key", "--algorithm", "EdDSA")
        service.command("rotate-signing-key", "--import", "rsa.pem")
        began = int(time.time())
        with service:
            runs = run_scenarios(service)
            service.wait_until_sent(*(name for name, *_ in RECEIVERS))
            keys, now = Keys(service.keys()), int(time.time())
            assert len(keys.keys) == 3, keys.keys
            counts = [check_receiver(receiver, settings, profile, keys, runs, began, now)
                      for receiver, settings in zip(receivers, RECEIVERS)]
            assert PASSWORD not in service.log() and BEARER not in service.log()
            service.stop()
        print(f"{profile}: {len(SCENARIOS)} scenarios, {counts} SETs")
