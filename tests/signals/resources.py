"""The events of RFC 9967: what changed of a device, without values."""

import re
import time

from receiver import Receiver
from scenarios import Run
from service import ISSUER, Service, hotp
from sets import Keys

AUDIENCE = "https://receiver.example.com"
EVENT = "urn:ietf:params:scim:event:prov:"


def main(binary, folder):
    receivers = {name: Receiver() for name in ("one", "two")}
    config = f'[signals]\nissuer = "{ISSUER}"\nprofile = "caep"\nscim_events = true\ncredential_events = false\n' + "".join(
        f'[[receiver]]\nname = "{name}"\naudience = "{AUDIENCE}"\nurl = "{receiver.url}"\n' for name, receiver in receivers.items())
    began = int(time.time())
    with Service(binary, folder / "service", config) as service:
        run = Run(service, "alice").create("SMS", externalId="e-1")
        run.patch(phone="+34600445566").put(status="V").challenge().patch(externalId=None).delete()
        token = Run(service, "bob").create("HOTP")
        token.answer(hotp(0), True).fail(3)
        service.wait_until_sent(*receivers)
        keys, now = Keys(service.keys()), int(time.time())
        named = {"format": "scim", "uri": f"/OtpDevice/{run.id}", "externalId": "e-1"}
        unnamed = {"format": "scim", "uri": f"/OtpDevice/{run.id}"}
        expected = [
            (named, "create:notice", {"id", "externalId", "name", "type", "user", "status", "phone"}),
            (named, "patch:notice", {"phone", "name"}),
            (named, "put:notice", {"status"}),
            (unnamed, "patch:notice", {"externalId"}),
            (unnamed, "delete", None),
            ({"format": "scim", "uri": f"/OtpDevice/{token.id}"}, "create:notice", {"id", "name", "type", "user", "status"}),
        ]
        transactions = []
        for receiver in receivers.values():
            all_claims = [keys.check(text, ISSUER, AUDIENCE)[1] for text in receiver.got]
            for device in (run, token):
                mine = [claims for claims in all_claims if claims["sub_id"]["uri"].endswith(str(device.id))]
                wanted = [each for each in expected if each[0]["uri"].endswith(str(device.id))]
                assert len(mine) == len(wanted), mine
                for claims, (subject, name, attributes) in zip(mine, wanted):
                    (kind, event), = claims["events"].items()
                    assert kind == EVENT + name and claims["sub_id"] == subject, claims
                    assert attributes is None and event == {} or set(event.pop("attributes")) == attributes and not event, claims
                    assert set(claims) == {"iss", "aud", "iat", "jti", "sub_id", "txn", "events"}, claims
                    assert began <= claims["iat"] <= now, claims
                    assert re.fullmatch(r"[0-9a-f]+-[0-9a-f]{32}", claims["jti"]), claims
            transactions.append([claims["txn"] for claims in sorted(all_claims, key=lambda claims: claims["txn"])])
        # One of a change for both receivers, and another for each change.
        assert transactions[0] == transactions[1] and len(set(transactions[0])) == len(expected), transactions
        service.stop()
    print(f"{len(expected)} changes")
