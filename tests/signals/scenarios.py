"""What happens to devices, and the events of each profile for it: the tables of server/SIGNALS.md.

Each scenario has a user of its own, so that its events are found by their subject."""

from service import hotp

# The credential types of each kind: those of the profile caep, and of soffid.
TYPES = {
    "TOTP": ("app", "app"),
    "HOTP": ("app", "app"),
    "SMS": ("phone-sms", "phone-sms"),
    "EMAIL": ("email", "verifiable-credential"),
    "PIN": ("pin", "pin"),
    "RECOVERY": ("recovery-code", "recovery-code"),
}
BODIES = {
    "TOTP": {},
    "HOTP": {"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},
    "SMS": {"phone": "+34600112233"},
    "EMAIL": {"email": "someone@example.net"},
    "PIN": {"pin": "83520417"},
    "RECOVERY": {},
}


def change(kind, reason, entity="admin"):
    """A credential-change. The profile soffid has neither reason nor entity."""
    return ("change", kind, entity, reason)


ENROLLED = change("create", "enrolled")
FIRST_CODE = change("create", "first right answer", "user")
VALIDATED = change("create", "validated by an administrator")
DISABLED = change("revoke", "disabled")
ENABLED = change("update", "enabled")
REVOKED = change("revoke", "locked by an administrator")
UNLOCKED = change("update", "unlocked")
DELETED = change("delete", "deleted")
COMPROMISE = ("compromise", None, "user", "locked after 3 wrong answers in a row")
# Those of the profile soffid.
CREATE, REVOKE, DELETE = (change(kind, None) for kind in ("create", "revoke", "delete"))


class Run:
    """A scenario's user and device on a service."""

    def __init__(self, service, user):
        self.service, self.user, self.kind, self.id = service, user, None, None
        # One after the other: a new address or number renames the device.
        self.names = []

    def create(self, kind="HOTP", status=None, **more):
        body = {"type": kind, "user": self.user, **BODIES[kind], **more}
        if status:
            body["status"] = status
        device = self.service.create({name: value for name, value in body.items() if value is not None})
        self.kind, self.id = kind, device["id"]
        return self.note_name(device)

    def note_name(self, device):
        """Keeps the name, if it is another one."""
        if device["name"] not in self.names[-1:]:
            self.names.append(device["name"])
        return self

    def import_token(self):
        """By a file of one token, whose account is the user."""
        path = self.service.folder / "tokens.uri"
        # A secret of its own: an import takes none that a device of another user has.
        path.write_text(f"otpauth://hotp/{self.user}?secret=MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U&counter=0\n", encoding="ascii")
        self.service.command("import", "tokens.uri", "--assign-accounts", "--write")
        (device,) = self.service.admin("GET", f"?filter=user%20eq%20%22{self.user}%22")["Resources"]
        self.kind, self.id = "HOTP", device["id"]
        return self.note_name(device)

    def patch(self, **values):
        return self.note_name(self.service.patch(self.id, **values))

    def put(self, **values):
        device = self.service.admin("GET", f"/{self.id}")
        return self.note_name(self.service.admin("PUT", f"/{self.id}", {**device, **values}))

    def delete(self):
        self.service.admin("DELETE", f"/{self.id}", expected=204)
        return self

    def answer(self, code, expected=False):
        assert self.service.answer(self.id, code) is expected, (self.user, code)
        return self

    def fail(self, times):
        for _ in range(times):
            self.answer("000000")
        return self

    def challenge(self):
        self.service.admin("POST", f"/{self.id}/requestChallenge")
        return self

    def renew(self):
        self.service.admin("POST", f"/{self.id}/renewCodes", {"recoveryCodeCount": 4})
        return self


def token(run):
    """A token of the inventory, which gets its user and loses it."""
    run.create(user=None, name="FTK200-7", status="V").patch(user=run.user)
    return run.patch(user=None)


def spare_token(run):
    """A token that stays in the inventory, so that no event can be about it."""
    return run.create(user=None, name="FTK200-8", status="V").patch(status="L").patch(status="V")


# What happens, the events of the profile caep, those of soffid.
SCENARIOS = [
    *((f"{kind} registered with status V", lambda run, kind=kind: run.create(kind, "V"), [ENROLLED], [CREATE]) for kind in TYPES),
    ("registered", lambda run: run.create(), [], []),
    ("registered with status L", lambda run: run.create(status="L"), [ENROLLED], []),
    ("registered with status D", lambda run: run.create(status="D"), [], []),
    ("imported", lambda run: run.import_token(), [], [CREATE]),
    ("a first right code", lambda run: run.create().answer(hotp(0), True), [FIRST_CODE], []),
    ("a second right code", lambda run: run.create(status="V").answer(hotp(0), True).answer(hotp(1), True), [ENROLLED], [CREATE]),
    ("V by an administrator", lambda run: run.create().patch(status="V"), [VALIDATED], [CREATE]),
    ("V by a PUT", lambda run: run.create().put(status="V"), [VALIDATED], [CREATE]),
    ("L from C", lambda run: run.create().patch(status="L"), [REVOKED], [REVOKE]),
    ("L from V", lambda run: run.create(status="V").patch(status="L"), [ENROLLED, REVOKED], [CREATE, REVOKE]),
    ("L from D", lambda run: run.create(status="D").patch(status="L"), [ENABLED], [REVOKE]),
    ("V from L", lambda run: run.create(status="L").patch(status="V"), [ENROLLED, UNLOCKED], [CREATE]),
    ("C from L", lambda run: run.create(status="L").patch(status="C"), [ENROLLED, UNLOCKED], []),
    ("C from V", lambda run: run.create(status="V").patch(status="C"), [ENROLLED, change("update", "to be validated once more")],
     [CREATE]),
    ("V from D", lambda run: run.create(status="D").patch(status="V"), [ENABLED], [CREATE]),
    ("C from D", lambda run: run.create(status="D").patch(status="C"), [ENABLED], []),
    ("D from C", lambda run: run.create().patch(status="D"), [DISABLED], [DELETE]),
    ("D from V", lambda run: run.create(status="V").patch(status="D"), [ENROLLED, DISABLED], [CREATE, DELETE]),
    ("D from L", lambda run: run.create(status="L").patch(status="D"), [ENROLLED, DISABLED], [DELETE]),
    ("D by a PUT", lambda run: run.create(status="V").put(status="D"), [ENROLLED, DISABLED], [CREATE, DELETE]),
    ("the status that it has", lambda run: run.create(status="V").patch(status="V"), [ENROLLED], [CREATE]),
    ("deleted", lambda run: run.create(status="V").delete(), [ENROLLED, DELETED], [CREATE]),
    ("deleted and made valid", lambda run: run.create(status="V").delete().patch(status="V"),
     [ENROLLED, DELETED, change("create", "restored after its deletion")], [CREATE, CREATE]),
    ("wrong codes before the lock", lambda run: run.create(status="V").fail(2), [ENROLLED], [CREATE]),
    ("the wrong code that locks", lambda run: run.create(status="V").fail(3), [ENROLLED, COMPROMISE], [CREATE, COMPROMISE]),
    ("wrong codes after the lock", lambda run: run.create(status="V").fail(6), [ENROLLED, COMPROMISE], [CREATE, COMPROMISE]),
    *((f"{kind} locked by its first codes", lambda run, kind=kind: run.create(kind).challenge().fail(3), [COMPROMISE], [COMPROMISE])
      for kind in ("TOTP", "SMS", "EMAIL", "PIN", "RECOVERY")),
    ("locked and unlocked", lambda run: run.create(status="V").fail(3).patch(status="V"), [ENROLLED, COMPROMISE, UNLOCKED],
     [CREATE, COMPROMISE, CREATE]),
    ("a new address", lambda run: run.create("EMAIL", "V").patch(email="another@example.net"),
     [ENROLLED, change("update", "new address")], [CREATE]),
    ("a new number", lambda run: run.create("SMS", "V").patch(phone="+34600445566"),
     [ENROLLED, change("update", "new telephone number")], [CREATE]),
    ("a new number, and disabled", lambda run: run.create("SMS", "V").patch(phone="+34600445566", status="D"), [ENROLLED, DISABLED],
     [CREATE, DELETE]),
    ("a new PIN", lambda run: run.create("PIN", "V").patch(pin="92631528"), [ENROLLED, change("update", "new PIN")], [CREATE]),
    ("codes renewed", lambda run: run.create("RECOVERY", "V").renew(), [ENROLLED, change("update", "new recovery codes")], [CREATE]),
    ("another validity", lambda run: run.create(status="V").patch(notAfter="2060-06-30 23:59:59"),
     [ENROLLED, change("update", "another time of validity")], [CREATE]),
    ("a token assigned and taken back", token,
     [change("create", "assigned to the user"), change("delete", "taken back from the user")], []),
    ("a token of the inventory", spare_token, [], []),
    ("another externalId", lambda run: run.create(status="V").patch(externalId="e-1"), [ENROLLED], [CREATE]),
    ("challenges and a code sent again", lambda run: run.create("SMS", "V").challenge().challenge(), [ENROLLED], [CREATE]),
]
