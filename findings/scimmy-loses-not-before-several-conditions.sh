#!/usr/bin/env bash
# SCIMMY 1.3.5 (npm): `not (...)` around several conditions joined by `or` negates nothing.
#
# Expected: `not (id eq "1" or id eq "2")` matches the resources that are neither (RFC 7644 section
# 3.4.2.2, figure 1: `not` is before a group).
# Seen: around one condition `not` works. Around two joined by `or` all three resources match, the
# two that are excluded with them.
# Who meets it: clients that reconcile "everyone but these" and get these, too.
#
# Seen on 2026-11-30. Needs: node with npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit scimmy@1.3.5 > /dev/null
cat > run.mjs <<'JS'
import assert from "node:assert";
import SCIMMY from "scimmy";

const resources = ["1", "2", "3"].map((id) => ({ id }));
const ids = (filter) => new SCIMMY.Types.Filter(filter).match(resources).map(({ id }) => id);
console.log("SCIMMY 1.3.5");
for (const filter of ['not (id eq "1")', 'id ne "1" and id ne "2"', 'not (id eq "1" or id eq "2")']) {
  console.log(filter, "=>", ids(filter).join(" "));
}
assert.deepStrictEqual(ids('not (id eq "1")'), ["2", "3"]);
assert.deepStrictEqual(ids('id ne "1" and id ne "2"'), ["3"]);
assert.deepStrictEqual(ids('not (id eq "1" or id eq "2")'), ["1", "2", "3"], "the group is negated in another way now");
JS
node run.mjs
