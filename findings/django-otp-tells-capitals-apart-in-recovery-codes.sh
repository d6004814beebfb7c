#!/usr/bin/env bash
# django-otp 1.7.5 (PyPI): a recovery code that begins with a capital letter is wrong.
#
# Expected: codes of a StaticDevice are of base32, an alphabet that people can copy: it has each
# letter in one case only, so the case of what is typed says nothing. Blanks and hyphens between
# groups are not in it either.
# Seen: `random_token` makes eight characters in lower case, and `verify_token` looks for the very
# text in the database. With SQLite `Abcdefgh`, `ABCDEFGH`, `abcd efgh` and
# `abcd-efgh` are wrong for `abcdefgh`. Each is a failure that doubles the wait, and in the wait the
# right spelling is refused like a wrong code.
# Who meets it: users who lost their telephone and type a code into another one, whose keyboard
# begins with a capital letter, and users of a printed list in groups of four.
#
# Seen on 2026-11-30. Needs: python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check django==5.2.19 django-otp==1.7.5
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_otp", "django_otp.plugins.otp_static"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
)
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken

call_command("migrate", verbosity=0)
print(f"django-otp {version('django-otp')}")
made = [StaticToken.random_token() for _ in range(200)]
assert all(len(code) == 8 and set(code) <= set("abcdefghijklmnopqrstuvwxyz234567") for code in made), "codes are of another form now"
device = StaticDevice.objects.create(user=User.objects.create(username="alice"), name="recovery")
device.token_set.create(token="abcdefgh")


def enter(code, waits):
    """Whether a code is right, and how many failures there are then."""
    if waits:
        device.throttling_failure_timestamp = None  # as if the wait were over
    is_right = device.verify_token(code)
    print(f"{code}: {'right' if is_right else 'wrong'}, failures {device.throttling_failure_count}")
    return is_right, device.throttling_failure_count


spellings = ["Abcdefgh", "ABCDEFGH", "abcd efgh", "abcd-efgh"]
seen = [enter(code, waits=True) for code in spellings]
assert seen == [(False, failures) for failures in range(1, 5)], "spellings are read otherwise now"
assert enter("abcdefgh", waits=False) == (False, 4), "the right spelling does not have to wait now"
assert enter("abcdefgh", waits=True) == (True, 0), "the right spelling is wrong now"
PY
