#!/usr/bin/env bash
# phonenumber 0.3.10 (Rust): a number with its country code loses digits to a national prefix.
#
# Expected: a number in E.164 stays as it is. The region given is for numbers without a country
# code; with `+` it has no say. A national prefix (trunk prefix) is no part of E.164.
# Seen: the parser strips the national prefix of the *default* region from the national part of any
# number. With US a German mobile number that starts with 15 loses the 1, with GB an Italian
# landline loses its 0. Without a region it strips the prefix of the number's own country, also
# where the number begins with the same digit: +7 800 becomes +7 00, as in +375 80 and +370 800.
# Of the 999 example numbers of 245 regions in libphonenumber's metadata, 7 change without a region,
# 108 with US, 19 with GB and 231 with RU. Up to 20 become another valid number. There is no error.
# rlibphonenumber 2.2.15 and Python's phonenumbers keep them all.
# Who meets it: a service that makes E.164 of its users' numbers and has a default country. Text
# messages go elsewhere.
#
# Seen on 2026-11-30. Needs: cargo 1.88 or later, python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check phonenumbers==9.0.33
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "findings"
version = "0.0.0"
edition = "2021"

[dependencies]
phonenumber = "=0.3.10"
rlibphonenumber = "=2.2.15"
TOML
cat > src/main.rs <<'RS'
use rlibphonenumber::{PhoneNumberFormat, Region, PHONE_NUMBER_UTIL};

/// Reads lines of a number and a default region. Writes E.164 as each library has it, or `-`.
fn main() {
    for line in std::io::stdin().lines().map(Result::unwrap) {
        let (number, default) = line.split_once(' ').unwrap();
        let country = (default != "-").then(|| default.parse().unwrap());
        let region = (default != "-").then(|| default.parse::<Region>().unwrap());
        let first = phonenumber::parse(country, number)
            .map_or("-".into(), |read| read.format().mode(phonenumber::Mode::E164).to_string());
        let second = PHONE_NUMBER_UTIL
            .parse(number, region)
            .map_or("-".into(), |read| read.format_as(PhoneNumberFormat::E164).into_owned());
        println!("{first} {second}");
    }
}
RS
cargo build --quiet
venv/bin/python - <<'PY'
import subprocess
from importlib.metadata import version

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

examples = {}  # a number in E.164, and its regions
for region in phonenumbers.SUPPORTED_REGIONS:
    for kind in PhoneNumberType.values():
        number = phonenumbers.example_number_for_type(region, kind)
        if number and phonenumbers.is_valid_number(number):
            text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            examples.setdefault(text, set()).add(region)
regions = set().union(*examples.values())
print(f"phonenumber 0.3.10, rlibphonenumber 2.2.15, phonenumbers {version('phonenumbers')}")
print(f"{len(examples)} valid example numbers of {len(regions)} regions")


def read(numbers, default):
    """E.164 of each number by phonenumber and by rlibphonenumber."""
    lines = "".join(f"{number} {default}\n" for number in numbers)
    done = subprocess.run(["target/debug/findings"], input=lines, capture_output=True, text=True, check=True)
    return [tuple(line.split()) for line in done.stdout.splitlines()]


def wrong(default):
    """How many examples phonenumber changes, of how many regions, and how many to valid numbers."""
    found = {}
    for number, (first, second) in zip(examples, read(examples, default)):
        assert second == number, f"rlibphonenumber makes {second} of {number}"
        assert phonenumbers.format_number(
            phonenumbers.parse(number, None if default == "-" else default), PhoneNumberFormat.E164
        ) == number
        if first != number:
            found[number] = first
    others = [text for text in found.values() if text != "-" and phonenumbers.is_valid_number(phonenumbers.parse(text))]
    touched = set().union(*(examples[number] for number in found))
    print(f"default {default}: {len(found)} numbers of {len(touched)} regions change, {len(others)} to valid others")
    return len(found), len(touched), len(others)


expected_counts = {"-": (7, 4, 0), "US": (108, 73, 20), "GB": (19, 17, 1), "RU": (231, 167, 5)}
counts = {default: wrong(default) for default in expected_counts}
for number, default, expected in [
    ("+78001234567", "-", "+7001234567"),  # Russia, free of charge
    ("+37080012345", "-", "+370012345"),  # Lithuania, free of charge
    ("+4915123456789", "US", "+495123456789"),  # Germany, mobile; the example of the metadata
    ("+390212345678", "GB", "+39212345678"),  # Italy, landline; its zero is part of E.164
]:
    first, second = read([number], default)[0]
    print(f"{number}, default {default}: {first} (phonenumber), {second} (rlibphonenumber)")
    assert (first, second) == (expected, number), "it is read otherwise now"
assert counts == expected_counts, "other numbers change now"
PY
