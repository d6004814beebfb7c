//! Tokens of other makers: created with their secret, kept without a user, assigned and used.

use serde_json::json;

use super::process::{Server, folder, hotp, trail};

/// The secret of RFC 4226, appendix D, in Base32.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

#[test]
fn token_goes_from_the_inventory_to_its_user() {
    for profile in ["soffid", "rfc"] {
        let folder = folder();
        let server = Server::start(folder.path(), &["--profile", profile]);
        let mut client = server.admin();
        let body = json!({"type": "HOTP", "name": "FTK200-7", "secret": SECRET, "notAfter": "2999-12-31"});
        let created = client.post("/OtpDevice", &body).ok(201);
        assert!(created.get("image").is_none() && created.get("secret").is_none() && created.get("user").is_none());
        let path = format!("/OtpDevice/{}", created["id"].to_string().trim_matches('"'));
        assert!(client.device(&path)["notAfter"].as_str().unwrap().starts_with("2999-12-31"));
        assert_eq!(client.post("/OtpDevice", &body).ok(409)["scimType"], "uniqueness");
        let found = client.get("/OtpDevice?filter=not%20(user%20pr)%20and%20name%20eq%20%22FTK200-7%22").ok(200);
        assert_eq!(found["totalResults"], 1);

        let codes = hotp(SECRET, 2);
        client.answer(&path, &codes[0]).ok(409);
        let assign = |user: &str| json!({"Operations": [{"op": "add", "path": "user", "value": user}]});
        assert_eq!(client.call("PATCH", &path, &assign("alice").to_string()).ok(200)["user"], "alice");
        assert_eq!(client.answer(&path, &codes[0]).verdict(), (true, false));
        let trail = trail(folder.path(), &path);
        let reasons: Vec<_> = trail.iter().map(|line| line["reason"].as_str().unwrap_or_default()).collect();
        assert!(reasons.contains(&"no user") && reasons.contains(&"right"), "{reasons:?}");
        assert!(!format!("{trail:?}").contains("GEZD"));
    }
}
