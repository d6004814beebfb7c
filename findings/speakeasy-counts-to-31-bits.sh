#!/usr/bin/env bash
# speakeasy 2.0.0 and notp 2.0.3 (npm) make wrong HOTP codes from counter 2^31 on.
#
# Expected: the moving factor of RFC 4226, section 5.1, has 8 bytes, and JavaScript's numbers are
# exact up to 2^53.
# Seen: both write the counter by shifts of 32 bits. Counter 2^32 gives the code of counter 0, and
# 2^32 + 5 that of counter 5; 2^31 gives neither of the two that one would guess.
# Who meets it: tokens whose factory counter does not begin at 0 (large counters by the maker's
# rule), and a HOTP counter that is a time in milliseconds. TOTP with a period of a second or more
# stays below 2^31 until 2038.
#
# Seen on 2026-11-29. Needs: node, npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund speakeasy@2.0.0 notp@2.0.3 > npm.log 2>&1 || { cat npm.log; exit 1; }
cat > check.cjs <<'JS'
const assert = require('node:assert');
const { createHmac } = require('node:crypto');
const notp = require('notp');
const speakeasy = require('speakeasy');

/** HOTP of RFC 4226, section 5.3; 6 digits. */
function code(key, counter) {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const mac = createHmac('sha1', key).update(message).digest();
  return String((mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}

const key = '12345678901234567890';
console.log(`speakeasy ${require('speakeasy/package.json').version}, notp ${require('notp/package.json').version}, node ${process.version}`);
for (const [counter, as] of [[7, 7], [2 ** 31, null], [2 ** 32, 0], [2 ** 32 + 5, 5]]) {
  const seen = [speakeasy.hotp({ secret: key, encoding: 'ascii', counter }), notp.hotp.gen(key, { counter })];
  console.log(`counter ${counter}: RFC ${code(key, counter)}, speakeasy ${seen[0]}, notp ${seen[1]}`);
  for (const it of seen) {
    if (counter < 2 ** 31) assert.strictEqual(it, code(key, counter));
    else assert.notStrictEqual(it, code(key, counter), 'it counts further now');
    if (as !== null) assert.strictEqual(it, code(key, as));
  }
}
JS
node check.cjs
