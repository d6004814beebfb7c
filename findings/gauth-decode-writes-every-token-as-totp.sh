#!/usr/bin/env bash
# gauth-decode 0.1.1 (npm) loses what a token is on the way from Google Authenticator's export.
#
# Expected: the export (`otpauth-migration://`) says kind, hash, digits and counter of each token,
# and a URI made of it says them again.
# Seen: `makeOtpAuthKey` writes `otpauth://totp/...` with secret and issuer only. A HOTP token
# becomes TOTP, a token of 8 digits one of 6, and SHA-256 becomes SHA-1, without an error.
# `digits` in the decoded token is the export's enumeration: 1 means six digits, 2 eight.
# Who meets it: a person who moves HOTP, 8-digit or SHA-256 tokens with it; no code is right then.
#
# Seen on 2026-11-29. Needs: node, npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund gauth-decode@0.1.1 > npm.log 2>&1 || { cat npm.log; exit 1; }
cat > check.cjs <<'JS'
const assert = require('node:assert');
const { decodeMigrationUri, makeOtpAuthKey } = require('gauth-decode');
const { version } = require('gauth-decode/package.json');

// The export is Protocol Buffers: a key of field number and wire type, then the value.
function varint(number) {
  return number < 128 ? [number] : [(number & 127) | 128, ...varint(number >> 7)];
}
function field(number, value) {
  if (typeof value === 'number') return [...varint(number << 3), ...varint(value)];
  const bytes = [...Buffer.from(value)];
  return [...varint((number << 3) | 2), ...varint(bytes.length), ...bytes];
}
/** One token: algorithm 1 SHA-1, 2 SHA-256; digits 1 six, 2 eight; type 1 HOTP, 2 TOTP. */
function exported({ algorithm, digits, type, counter }) {
  const token = [
    ...field(1, '12345678901234567890'), ...field(2, 'ACME:alice'), ...field(3, 'ACME'),
    ...field(4, algorithm), ...field(5, digits), ...field(6, type), ...field(7, counter),
  ];
  const batch = Buffer.from([...field(1, token), ...field(2, 1), ...field(3, 1), ...field(4, 0), ...field(5, 1)]);
  return `otpauth-migration://offline?data=${encodeURIComponent(batch.toString('base64'))}`;
}

(async () => {
  console.log(`gauth-decode ${version}, node ${process.version}`);
  const plain = 'otpauth://totp/ACME:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ACME';
  for (const [what, token] of [
    ['HOTP, SHA-1, 6 digits, counter 7', { algorithm: 1, digits: 1, type: 1, counter: 7 }],
    ['TOTP, SHA-1, 8 digits', { algorithm: 1, digits: 2, type: 2, counter: 0 }],
    ['TOTP, SHA-256, 6 digits', { algorithm: 2, digits: 1, type: 2, counter: 0 }],
  ]) {
    const [decoded] = await decodeMigrationUri(exported(token));
    const uri = makeOtpAuthKey(decoded, true);
    console.log(`${what}: digits ${decoded.digits}, ${uri}`);
    assert.strictEqual(decoded.digits, token.digits, 'digits are a number of digits now');
    assert.strictEqual(uri, plain, 'the URI says more now');
  }
})();
JS
node check.cjs
