#!/usr/bin/env bash
# otplib 12.0.1 (npm) does not use a TOTP key as it is.
#
# Expected: RFC 6238 with HMAC (RFC 2104), which takes a key of any length, so that every
# implementation makes the same code of the same key.
# Seen: otplib repeats a key that is shorter than the hash's output (20, 32 or 64 bytes) until it
# has that length. Its HOTP does not. `authenticator` compares the length of the hexadecimal text,
# so there a key of 20 bytes is kept for SHA-256 and repeated for SHA-512.
# Who meets it: a site that moves from otplib with keys of 16 bytes, or with 20 bytes and SHA-512.
# Right codes of otplib are wrong elsewhere, and codes of other authenticators are wrong there.
# A token that works with otplib only has to be moved with the repeated key.
#
# Seen on 2026-11-29. Needs: node, npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund otplib@12.0.1 > npm.log 2>&1 || { cat npm.log; exit 1; }
cat > check.cjs <<'JS'
const assert = require('node:assert');
const { createHmac } = require('node:crypto');
const { version } = require('otplib/package.json');
const { authenticator, hotp, totp } = require('otplib');

/** HOTP of RFC 4226, section 5.3, with the hashes of RFC 6238; 8 digits. */
function code(key, counter, hash) {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const mac = createHmac(hash, key).update(message).digest();
  const truncated = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
  return String(truncated % 1e8).padStart(8, '0');
}

const at = (algorithm) => ({ algorithm, digits: 8, epoch: 59_000, encoding: 'ascii' });
function row(what, seen, standard, repeated) {
  console.log(`${what.padEnd(42)} otplib ${seen}  RFC ${standard}  repeated key ${repeated}`);
  assert.notStrictEqual(seen, standard, 'otplib follows the RFC here now');
  assert.strictEqual(seen, repeated, 'otplib does something else now');
}

console.log(`otplib ${version}, node ${process.version}`);
const short = '1234567890123456';
const rfc = '12345678901234567890';

totp.options = at('sha1');
row('totp, SHA-1, key of 16 bytes', totp.generate(short), code(short, 1, 'sha1'),
  code(short.repeat(2).slice(0, 20), 1, 'sha1'));
totp.options = at('sha256');
row('totp, SHA-256, key of 20 bytes', totp.generate(rfc), code(rfc, 1, 'sha256'),
  code(rfc.repeat(2).slice(0, 32), 1, 'sha256'));
authenticator.options = { algorithm: 'sha512', digits: 8, epoch: 59_000 };
row('authenticator, SHA-512, key of 20 bytes', authenticator.generate('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'),
  code(rfc, 1, 'sha512'), code(rfc.repeat(4).slice(0, 64), 1, 'sha512'));

// HOTP of the same key is as the RFC says.
hotp.options = { algorithm: 'sha1', digits: 8 };
assert.strictEqual(hotp.generate(short, 1), code(short, 1, 'sha1'));
console.log(`hotp, SHA-1, key of 16 bytes: ${hotp.generate(short, 1)}, as the RFC says`);
JS
node check.cjs
