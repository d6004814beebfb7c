"""kill -9 of the service and of its receiver at random moments: no signal is lost, those of a device
keep their order, and a SET that comes twice has the same `jti`.

Each device is a token that goes from one user to the next, so the subjects of its events count on.
Several stores run at once, since a service waits half a minute for the lease of a killed one."""

import http.client
import json
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from service import ISSUER, Service, until
from sets import Keys

STORES, KILLS, DEVICES = 25, 2, 3
AUDIENCE = "https://receiver.example.com"


class Sink:
    """The receiver in a process of its own."""

    def __init__(self, path):
        self.path, self.port, self.process = path, 0, None
        self.start()

    def start(self):
        script = Path(__file__).with_name("receiver.py")
        self.process = subprocess.Popen([sys.executable, script, str(self.port), self.path], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def sets(self):
        """What came, also before a kill."""
        return self.path.read_text(encoding="ascii").splitlines() if self.path.exists() else []


class Token:
    """A device that goes from user to user."""

    def __init__(self, service, number):
        created = service.create({"type": "HOTP", "name": f"FTK{number}", "status": "V", "user": f"{number}-0",
                                  "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"})
        self.service, self.number, self.id, self.turn = service, number, created["id"], 1
        # What the service has confirmed.
        self.confirmed = [("create", f"{number}-0")]

    def hand_on(self, is_over):
        """Changes its user until the service dies or all is over."""
        while not is_over.is_set():
            try:
                owner = self.service.admin("GET", f"/{self.id}").get("user")
                if owner:
                    self.service.patch(self.id, user=None)
                    self.confirmed.append(("delete", owner))
                else:
                    # A number is used once, whether or not its request gets a response.
                    self.turn += 1
                    self.service.patch(self.id, user=f"{self.number}-{self.turn}")
                    self.confirmed.append(("create", f"{self.number}-{self.turn}"))
            except (OSError, http.client.HTTPException):
                assert is_over.wait(60), "the service lives and does not respond"
            time.sleep(0.1)


def check(store, sets, tokens, trails):
    """All that came against what was confirmed and what the trail has."""
    first, twice = {}, 0
    keys = Keys(store.keys())
    for text in sets:
        claims = keys.check(text, ISSUER, AUDIENCE)[1]
        twice += claims["jti"] in first
        assert first.setdefault(claims["jti"], claims) == claims, "a SET that came twice differs"
    for token, lines in zip(tokens, trails):
        mine = [claims for claims in first.values() if claims["sub_id"]["sub"].startswith(f"{token.number}-")]
        (events,) = zip(*(claims["events"].values() for claims in mine))
        got = [(event["change_type"], claims["sub_id"]["sub"]) for event, claims in zip(events, mine)]
        assert got[0::2] == [("create", user) for _, user in got[0::2]], got
        assert got[1::2] == [("delete", user) for _, user in got[0::2]][:len(got) // 2], got
        turns = [int(user.split("-")[1]) for _, user in got[0::2]]
        assert turns == sorted(set(turns)), turns
        remaining = iter(got)
        assert all(event in remaining for event in token.confirmed), "a confirmed change has no SET"
        assert len(got) == len(lines), f"{len(got)} SETs for {len(lines)} lines of the trail"
    return len(first), twice


def run(binary, folder, number):
    rand = random.Random(number)
    sink = Sink(folder / "sets")
    config = (f'[signals]\nissuer = "{ISSUER}"\nprofile = "caep"\n[[receiver]]\nname = "receiver"\naudience = "{AUDIENCE}"\n'
              f'url = "http://127.0.0.1:{sink.port}/"\n')
    service = Service(binary, folder / "service", config, 'log = "warn"')
    try:
        service.start()
        tokens = [Token(service, number) for number in range(DEVICES)]
        for kill in range(KILLS + 1):
            is_over = threading.Event()
            with ThreadPoolExecutor(DEVICES) as pool:
                changes = [pool.submit(token.hand_on, is_over) for token in tokens]
                try:
                    before = len(sink.sets())
                    until(lambda: len(sink.sets()) > before + DEVICES, f"kill {kill}: nothing is sent: {service.log()[-2000:]}")
                    time.sleep(rand.random() / 4)
                    victims = rand.choice([(service,), (sink,), (service, sink)]) if kill < KILLS else ()
                    for victim in victims:
                        victim.kill()
                finally:
                    is_over.set()
                for each in changes:
                    each.result()
            for victim in victims:
                victim.start()
        service.wait_until_sent("receiver")
        trails = [trail(service, token) for token in tokens]
        counts = check(service, sink.sets(), tokens, trails)
        service.stop()
        return counts
    finally:
        sink.kill()
        if service.process:
            service.kill()


def trail(service, token):
    """The lines of the trail that have an event: those of another user."""
    lines = service.command("audit", "--json", "--limit", "1000000", "--device", str(token.id)).splitlines()
    return [line for line in map(json.loads, lines) if line["event"].startswith("credential-change")]


def main(binary, folder):
    folder.mkdir()
    with ThreadPoolExecutor(STORES) as pool:
        stores = [folder / str(number) for number in range(STORES)]
        for store in stores:
            store.mkdir()
        counts = list(pool.map(lambda number: run(binary, stores[number], number), range(STORES)))
    sent, twice = (sum(column) for column in zip(*counts))
    print(f"{STORES * KILLS} kills: {sent} SETs, {twice} of them again")
