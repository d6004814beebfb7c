#!/usr/bin/env bash
# pskctool 2.6.7 (Debian 12): signing a file changes a TimeDrift below 0.
#
# Expected: signing adds a signature and keeps the values. TimeDrift is an xs:int in the schema of
# RFC 6030, and a clock that is slow has a drift below 0.
# Seen: -7 is written as 4294967289, and signed so. The signature verifies, and the file is no
# longer valid by the schema. `--info` shows 4294967289 for both files, so the two look alike.
# Who meets it: a site that signs its token file before it moves. Its slow tokens are then 8,000
# years ahead.
#
# Seen on 2026-11-30. Needs: the Debian packages pskctool and openssl.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/file.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc"><KeyPackage>
<DeviceInfo><Manufacturer>oath.Example</Manufacturer><SerialNo>1</SerialNo></DeviceInfo>
<Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp"><Data>
<Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>
<Time><PlainValue>0</PlainValue></Time><TimeInterval><PlainValue>60</PlainValue></TimeInterval>
<TimeDrift><PlainValue>-7</PlainValue></TimeDrift></Data></Key></KeyPackage></KeyContainer>
XML
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -keyout "$folder/key.pem" -out "$folder/certificate.pem" 2> /dev/null
pskctool --sign --sign-key "$folder/key.pem" --sign-crt "$folder/certificate.pem" "$folder/file.xml" > "$folder/signed.xml"
drift() {
	tr -d ' \n' < "$1" | sed -n 's/.*<\([a-z]*:\)*TimeDrift><\([a-z]*:\)*PlainValue>\([^<]*\)<.*/\3/p'
}
pskctool --version | head -n 1
for name in file signed; do
	echo "$name.xml: TimeDrift $(drift "$folder/$name.xml"), schema $(pskctool --validate "$folder/$name.xml" 2> /dev/null)"
	pskctool --info "$folder/$name.xml" | sed -n 's/^[[:space:]]*\(Key Time *Drift.*\)/  --info: \1/p'
done
pskctool --verify --verify-crt "$folder/certificate.pem" "$folder/signed.xml"
test "$(drift "$folder/file.xml")" = -7
test "$(drift "$folder/signed.xml")" = 4294967289 || { echo "the drift is kept now" >&2; exit 1; }
