#!/usr/bin/env bash
# scim2-parse-filter 0.2.10 (npm): of the escapes in a filter's text only `\"` is undone.
#
# Expected: RFC 7644, section 3.4.2.2: a value is a JSON string, so `"\u00e9"` is é and `"a\\b"`
# is a\b.
# Seen: `\\`, `\/`, `\t` and `\u....` stay as they are written, so the value is never equal.
# Who meets it: clients that build filters with a JSON encoder. A user DOMAIN\name is not found, nor
# is any name beyond ASCII if the encoder escapes it, as Python's does by default.
#
# Seen on 2026-11-29. Needs: node, npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund scim2-parse-filter@0.2.10 > npm.log 2>&1 || { cat npm.log; exit 1; }
cat > check.cjs <<'JS'
const assert = require('node:assert');
const { filter, parse } = require('scim2-parse-filter');
console.log(`scim2-parse-filter 0.2.10, node ${process.version}`);
for (const [text, expected] of [['"a\\"b"', true], ['"ACME\\\\alice"', false], ['"Jos\\u00e9"', false], ['"a\\/b"', false]]) {
  const userName = JSON.parse(text);
  const found = filter(parse(`userName eq ${text}`))({ userName });
  console.log(`userName eq ${text} finds ${userName}: ${found}`);
  assert.strictEqual(found, expected, 'the escape is read otherwise now');
}
JS
node check.cjs
