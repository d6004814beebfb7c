#!/usr/bin/env bash
# jsonwebtoken 12.0.0 (Rust): a token without `aud` or `iss` passes although both are expected.
#
# Expected: `Validation` with `set_audience` and `set_issuer` accepts only tokens of that issuer for
# that audience, so one that names neither is refused, as PyJWT does.
# Seen: each is compared where a token has it. Without it the token is right. `exp`, which no
# security event token should have, is required unless the caller says otherwise.
# Who meets it: a receiver of several transmitters under one key, or of tokens of other kinds. The
# fields belong into `set_required_spec_claims` as well, which also frees it from `exp`.
#
# Seen on 2026-12-01. Needs: cargo.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "findings"
version = "0.0.0"
edition = "2021"

[dependencies]
jsonwebtoken = { version = "=12.0.0", default-features = false, features = ["rust_crypto"] }
serde_json = "1"
TOML
cat > src/main.rs <<'RS'
use jsonwebtoken::{decode, encode, Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{json, Value};

fn main() {
    println!("jsonwebtoken 12.0.0, with an expected audience and an expected issuer");
    let secret = b"0123456789abcdef0123456789abcdef";
    let accepts = |claims: &Value, required: &[&str]| {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&["https://receiver.example.com"]);
        validation.set_issuer(&["https://otp.example.com"]);
        validation.set_required_spec_claims(required);
        let token = encode(&Header::default(), claims, &EncodingKey::from_secret(secret).unwrap()).unwrap();
        decode::<Value>(&token, &DecodingKey::from_secret(secret).unwrap(), &validation).is_ok()
    };
    let (exp, aud, iss) = (4_102_444_800_u64, "https://receiver.example.com", "https://otp.example.com");
    for (what, claims, by_default, if_required) in [
        ("both right", json!({"exp": exp, "aud": aud, "iss": iss}), true, true),
        ("another aud", json!({"exp": exp, "aud": "https://other.example.com", "iss": iss}), false, false),
        ("no aud", json!({"exp": exp, "iss": iss}), true, false),
        ("no iss", json!({"exp": exp, "aud": aud}), true, false),
        ("neither", json!({"exp": exp}), true, false),
        ("both, and no exp", json!({"aud": aud, "iss": iss}), false, true),
    ] {
        // The default requires exp only.
        let seen = (accepts(&claims, &["exp"]), accepts(&claims, &["aud", "iss"]));
        println!("{what}: accepted by default {}, with aud and iss required {}", seen.0, seen.1);
        assert_eq!(seen, (by_default, if_required), "{what}: the outcome is another now");
    }
    assert!(Validation::new(Algorithm::HS256).required_spec_claims.iter().eq(["exp"]), "the default is another now");
}
RS
cargo run --quiet
