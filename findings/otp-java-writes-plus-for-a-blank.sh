#!/usr/bin/env bash
# otp-java 2.1.0 (Maven): issuers with a blank get a plus sign, and its reader keeps it.
#
# Expected: a provisioning URI is percent-encoded, as the Key URI format says: `ACME%20Corp`. A plus
# sign in a path is a plus sign (RFC 3986 section 3.3).
# Seen: issuer and label are encoded as an HTML form, in the path as well:
# `otpauth://totp/ACME+Corp:...`. A reader that follows the RFC, such as npm's otpauth 9.5.2, names
# the account `ACME+Corp`.
# Who meets it: users whose authenticator shows `ACME+Corp`, and importers that compare issuers.
#
# Seen on 2026-11-30. Needs: java 11 or later, mvn, node with npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for artifact in com.github.bastiaanjansen:otp-java:2.1.0 commons-codec:commons-codec:1.17.1; do
    mvn -q -B dependency:copy -Dartifact="$artifact" -DoutputDirectory="$folder" > /dev/null
done
npm install --silent --no-fund --no-audit otpauth@9.5.2 > /dev/null
cat > Write.java <<'JAVA'
import com.bastiaanjansen.otp.TOTPGenerator;

public class Write {
    public static void main(String[] args) throws Exception {
        byte[] secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".getBytes("US-ASCII");
        System.out.println(new TOTPGenerator.Builder(secret).build().getURI("ACME Corp", "alice"));
    }
}
JAVA
uri=$(java -cp "$folder/*" Write.java)
issuer=$(node --input-type=module -e 'import { URI } from "otpauth"; console.log(URI.parse(process.argv[1]).issuer)' "$uri")
echo "otp-java 2.1.0 writes: $uri"
echo "otpauth 9.5.2 reads the issuer: $issuer"
case "$uri" in otpauth://totp/ACME+Corp:alice\?*issuer=ACME+Corp*) ;; *) echo "the URI is another now" >&2; exit 1 ;; esac
test "$issuer" = "ACME+Corp" || { echo "the issuer is read in another way now" >&2; exit 1; }
