"""The signing key changes while a receiver checks each SET with keys that it fetched before."""

from receiver import Receiver
from service import ISSUER, Service
from sets import Keys

AUDIENCE = "https://receiver.example.com"


def main(binary, folder):
    receiver = Receiver()
    config = f'[signals]\nissuer = "{ISSUER}"\n[[receiver]]\nname = "receiver"\naudience = "{AUDIENCE}"\nurl = "{receiver.url}"\n'
    service = Service(binary, folder / "service", config)
    signers, count = [], 0

    def change(keys):
        """Ten signals. All are checked with these keys; returns the one that signed them."""
        nonlocal count
        for _ in range(10):
            service.create({"type": "HOTP", "user": f"user{count}", "status": "V"})
            count += 1
        service.wait_until_sent("receiver")
        new, receiver.got = receiver.got, []
        assert len(new) == 10
        (signer,) = {keys.check(text, ISSUER, AUDIENCE)[0]["kid"] for text in new}
        signers.append(signer)

    with service:
        first = Keys(service.keys())
        change(first)
        for algorithm in ("EdDSA", "ES256"):
            before = Keys(service.keys())
            service.command("rotate-signing-key", "--algorithm", algorithm)
            # A key that is only in the file signs nothing yet.
            change(before)
            service.stop()
            service.start()
            published = Keys(service.keys())
            assert len(published.keys) == len(before.keys) + 1
            # A receiver that has not fetched the keys since still checks all.
            change(before)
            service.command("rotate-signing-key", "--promote")
            service.stop()
            service.start()
            change(published)
            assert signers[-1] not in before.keys
            assert set(Keys(service.keys()).keys) == set(published.keys), "the old key is still published"
        service.stop()
    assert len(set(signers)) == 3, signers
    print(f"{count} SETs over two rotations")
