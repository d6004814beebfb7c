#!/usr/bin/env bash
# scim-patch 0.8.3 (npm): `replace` without a path drops the sub-attributes that it does not name.
#
# Expected: sub-attributes of a complex attribute that a `replace` does not specify stay unchanged
# (RFC 7644 section 3.5.2.3), whether the attribute is named by `path` or in the value.
# Seen: with `path: "name"` the family name stays. The same change without a path puts the new
# object in place of the old one, and the family name is gone. `name.givenName` as a key keeps it.
# Who meets it: providers of users whose clients leave the path out, as Entra ID and Okta do.
#
# Seen on 2026-11-30. Needs: node with npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit scim-patch@0.8.3 > /dev/null
cat > run.mjs <<'JS'
import assert from "node:assert";
import { scimPatch } from "scim-patch";

const user = () => ({
  schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
  meta: { resourceType: "User" },
  userName: "alice",
  name: { givenName: "Alice", familyName: "Liddell" },
});
const after = (operation) => scimPatch(user(), [{ op: "replace", ...operation }]).name;
const withPath = after({ path: "name", value: { givenName: "Alicia" } });
const dotted = after({ value: { "name.givenName": "Alicia" } });
const without = after({ value: { name: { givenName: "Alicia" } } });
console.log("scim-patch 0.8.3");
console.log("with a path:", withPath, "dotted:", dotted, "without a path:", without);
assert.deepStrictEqual(withPath, { givenName: "Alicia", familyName: "Liddell" });
assert.deepStrictEqual(dotted, { givenName: "Alicia", familyName: "Liddell" });
assert.deepStrictEqual(without, { givenName: "Alicia" }, "the family name stays now");
JS
node run.mjs
