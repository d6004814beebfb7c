"""Security event tokens, checked by PyJWT with the published keys alone."""

import base64
import hashlib
import json

import jwt

ALGORITHMS = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519"), "RS256": ("RSA", None)}
THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}


def thumbprint(key):
    """RFC 7638's, as base64url."""
    members = {name: key[name] for name in THUMBPRINT_MEMBERS[key["kty"]]}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Keys:
    """A set of public keys, as a receiver keeps it."""

    def __init__(self, published):
        self.keys = {}
        for key in published["keys"]:
            kind, curve = ALGORITHMS[key["alg"]]
            assert (key["kty"], key.get("crv"), key["use"]) == (kind, curve, "sig"), key
            # Nothing but the public part.
            assert set(key) <= {"kty", "crv", "x", "y", "n", "e", "alg", "use", "kid", "key_ops"}, sorted(key)
            assert key["kid"] == thumbprint(key), key
            self.keys[key["kid"]] = (key["alg"], jwt.PyJWK.from_dict(key).key)

    def check(self, text, issuer, audience):
        """The header and the claims of a token whose signature and claims are right."""
        header = jwt.get_unverified_header(text)
        assert set(header) == {"alg", "kid", "typ"} and header["typ"] == "secevent+jwt", header
        algorithm, key = self.keys[header["kid"]]
        assert header["alg"] == algorithm, header
        claims = jwt.decode(text, key, algorithms=[algorithm], audience=audience, issuer=issuer,
                            options={"require": ["iss", "iat", "jti", "aud"]})
        # RFC 8417, section 2.2, and SSF 1.0.
        assert "exp" not in claims and "sub" not in claims, claims
        assert len(claims["events"]) == 1, claims
        return header, claims
