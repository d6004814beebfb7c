#!/usr/bin/env bash
# django-otp 1.7.5 (PyPI): learned drift has no bound, and shuts out a clock that was put right.
#
# Expected: a TOTP device with `tolerance` 1 accepts codes one step away from the server's time;
# what it learns of a slow or fast clock stays near zero, and the true time's code is always right.
# Seen: with OTP_TOTP_SYNC, which is on unless set, each success moves `drift` to the step that
# matched, and the next search lies around it only. Six logins of a clock that gains one step
# between them move it to 6. After the phone has set its clock, each code of the true time is wrong,
# for good.
# Who meets it: users whose telephone was minutes off and then took the network's time.
#
# Seen on 2026-11-30. Needs: python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check django==5.2.19 django-otp==1.7.5
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
from unittest import mock

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_otp", "django_otp.plugins.otp_totp"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
)
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

call_command("migrate", verbosity=0)
key = b"12345678901234567890"
device = TOTPDevice.objects.create(user=User.objects.create(username="alice"), key=key.hex())


def login(now, ahead):
    """A login at `now` with an authenticator whose clock is `ahead` seconds ahead."""
    authenticator = TOTP(key)
    authenticator.time = now + ahead
    with mock.patch("time.time", lambda: now):
        device.refresh_from_db()
        device.throttle_reset()  # not what this is about
        return device.verify_token(authenticator.token()), device.drift


start = 1_700_000_010
print(f"django-otp {version('django-otp')}: tolerance {device.tolerance}, drift {device.drift}")
gaining = [login(start + 3600 * hour, 30 * hour) for hour in range(1, 7)]
print(f"a clock that gains a step an hour: {gaining}")
true = [login(start + 3600 * hour, 0) for hour in range(7, 12)]
print(f"the clock was put right: {true}")
assert gaining == [(True, steps) for steps in range(1, 7)], "drift is learned in another way now"
assert true == [(False, 6)] * 5, "codes of the true time are right now"
PY
