#!/usr/bin/env bash
# scim2-parse-filter 0.2.10 (npm): dates are compared as text.
#
# Expected: RFC 7644, table 3: `gt` and its like compare dates chronologically, so that a time with
# an offset, which RFC 7643 section 2.3.5 allows, is the moment that it names.
# Seen: 22:30 UTC is not after midnight at +02:00, which is 22:00 UTC, and fractions of a second
# come before the second that they follow, since "." sorts before "Z".
# Who meets it: a client that polls for changes with `meta.lastModified gt` and its local offset,
# or with fractions: it misses resources, or gets those that it has.
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
for (const [modified, than] of [
  ['2025-12-31T22:30:00Z', '2026-01-01T00:00:00+02:00'],
  ['2026-01-01T00:00:00.500Z', '2026-01-01T00:00:00Z'],
]) {
  const found = filter(parse(`modified gt "${than}"`))({ modified });
  const is = Date.parse(modified) > Date.parse(than);
  console.log(`${modified} gt ${than}: ${found}; as moments: ${is}`);
  assert.strictEqual(is, true);
  assert.strictEqual(found, false, 'dates are compared as moments now');
}
JS
node check.cjs
