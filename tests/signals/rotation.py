"""The signing key changes while a receiver checks each SET with keys that it fetched before."""

from receiver import Receiver
from service import ISSUER, Service, until
from sets import Keys

AUDIENCE = "https://receiver.example.com"


def more_keys(service, before):
    """The published keys, if there is one more."""
    keys = Keys(service.keys())
    return keys if len(keys.keys) == len(before.keys) + 1 else None


def main(binary, folder):
    receiver = Receiver()
    config = f'[signals]\nissuer = "{ISSUER}"\n[[receiver]]\nname = "receiver"\naudience = "{AUDIENCE}"\nurl = "{receiver.url}"\n'
    service = Service(binary, folder / "service", config)
    signers, count = [], 0

    def change(keys):
        """Ten signals, all checked with these keys. Returns the last one that signed."""
        nonlocal count
        for _ in range(10):
            service.create({"type": "HOTP", "user": f"user{count}", "status": "V"})
            count += 1
        service.wait_until_sent("receiver")
        new, receiver.got = receiver.got, []
        assert len(new) == 10
        signer = [keys.check(text, ISSUER, AUDIENCE)[0]["kid"] for text in new][-1]
        signers.append(signer)
        return signer

    with service:
        change(Keys(service.keys()))
        for _ in range(2):
            before = Keys(service.keys())
            service.command("rotate-signing-key", "--algorithm", "ES256")
            published = until(lambda: more_keys(service, before), "the new key is published")
            # A receiver that has not fetched the keys since still checks all.
            change(before)
            (new,) = set(published.keys) - set(before.keys)
            service.command("rotate-signing-key", "--promote", new)
            until(lambda: change(published) == new, "the new key signs")
            assert set(Keys(service.keys()).keys) == set(published.keys), "the old key is still published"
            # A restart changes nothing.
            service.stop()
            service.start()
            assert change(published) == new
        service.stop()
    assert len(set(signers)) == 3, signers
    print(f"{count} SETs over two rotations")
