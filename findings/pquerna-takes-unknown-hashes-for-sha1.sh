#!/usr/bin/env bash
# github.com/pquerna/otp v1.5.0 (Go): a hash that it does not know becomes SHA-1 without an error.
#
# Expected: `algorithm=SHA-256`, as several exporters spell it, is read as SHA-256 or refused.
# Seen: `NewKeyFromURL` succeeds and `Algorithm()` says SHA1; `HmacSHA256` becomes SHA1, too.
# `sha256` in lower case is read.
# Who meets it: whoever imports URIs of another system: every code is wrong, and nothing says why.
#
# Seen on 2026-11-29. Needs: go.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
export GOPATH="$folder/go" GOFLAGS=-mod=mod
cat > go.mod <<'MOD'
module findings

go 1.21

require github.com/pquerna/otp v1.5.0
MOD
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/pquerna/otp"
)

func main() {
	want := map[string]string{"SHA256": "SHA256", "sha256": "SHA256", "SHA-256": "SHA1", "HmacSHA256": "SHA1"}
	for _, name := range []string{"SHA256", "sha256", "SHA-256", "HmacSHA256"} {
		key, err := otp.NewKeyFromURL("otpauth://totp/ACME:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ACME&algorithm=" + name)
		if err != nil {
			fmt.Printf("%s is refused now: %v\n", name, err)
			os.Exit(1)
		}
		fmt.Printf("algorithm=%s is read as %s\n", name, key.Algorithm())
		if key.Algorithm().String() != want[name] {
			fmt.Println("it is read otherwise now")
			os.Exit(1)
		}
	}
}
GO
echo "pquerna/otp v1.5.0, $(go version)"
go run . 2> go.log || { cat go.log; exit 1; }
