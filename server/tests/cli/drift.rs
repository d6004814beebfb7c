//! TOTP tokens whose clocks are off: `keyfob resync` of TOTP, `keyfob verify --max-drift`.

use serde_json::json;

use super::*;

/// A state file of TOTP, with the URI of its token.
struct Token {
    path: String,
    uri: String,
}

impl Token {
    fn new(folder: &Folder) -> Self {
        // The same secret for all runs: no wrong code is right by chance.
        let secret = folder.file("secret", SHA1);
        let (path, uri) = folder.enroll("token.keyfob", &["--secret-file", &secret]);
        Self { path, uri }
    }

    /// The code that it shows at a time, if its clock is off by so many steps.
    fn code(&self, now: u32, drift: i32) -> String {
        code_of(&self.uri, ["--now", &now.saturating_add_signed(30 * drift).to_string()])
    }

    fn resync(&self, now: u32, drift: i32, args: &[&str]) -> Run {
        let (first, second, now) = (self.code(now, drift), self.code(now, drift + 1), now.to_string());
        keyfob(&[&["resync", "--state", &self.path, "--now", &now, &first, &second], args].concat(), "")
    }

    fn verify(&self, now: u32, drift: i32, args: &[&str]) -> Run {
        let (code, now) = (self.code(now, drift), now.to_string());
        keyfob(&[&["verify", "--state", &self.path, "--now", &now, &code], args].concat(), "")
    }

    fn drift(&self) -> i64 {
        show(&self.path)["drift"].as_i64().unwrap()
    }
}

#[test]
fn resync_finds_a_totp_token_whose_clock_is_off_and_verify_follows_it() {
    let folder = Folder::new("off");
    for (drift, matched) in [(7, 3341), (-9, 3325)] {
        let token = Token::new(&folder);
        token.verify(100_000, drift, &[]).is(1, "wrong\n");
        let right =
            json!({"success": true, "locked": false, "reason": "right", "fails": 0, "matched": matched, "drift": drift + 1});
        assert_eq!(token.resync(100_000, drift, &["--json"]).json(), right);
        assert_eq!(i64::from(drift + 1), token.drift());
        let shown = keyfob(&["show", "--state", &token.path, "--now", "100000"], "").out;
        let line = format!("\ndrift: {} (steps by which the authenticator's clock is ahead)\n", drift + 1);
        assert!(shown.contains(&line) && shown.ends_with("\nahead until: none\n"), "{shown}");
        // The same two once more are no fail.
        token.resync(100_000, drift, &[]).is(1, "wrong\n");
        assert_eq!(show(&token.path)["fails"], 0);
        // From then on one code is enough, though the clock goes on going wrong.
        for later in 1..=4_u16 {
            let drift = drift + 1 + drift.signum() * i32::from(later);
            token.verify(100_000 + 90_000 * u32::from(later), drift, &[]).is(0, "right\n");
            assert_eq!(i64::from(drift), token.drift());
        }
        // And a clock that is put right is followed at once.
        token.verify(600_000, 0, &[]).is(0, "right\n");
        assert_eq!(token.drift(), 0);
        token.verify(700_000, drift, &[]).is(1, "wrong\n");
        std::fs::remove_file(&token.path).unwrap();
    }
}

#[test]
fn resync_of_totp_searches_as_far_as_its_window() {
    let folder = Folder::new("reach");
    let token = Token::new(&folder);
    token.resync(100_000, 20, &[]).is(1, "wrong\n");
    token.resync(100_000, -21, &[]).is(1, "wrong\n");
    assert_eq!(show(&token.path)["fails"], 2);
    token.resync(100_000, 300, &["--window", "300"]).is(1, "wrong\n");
    token.resync(100_000, 299, &["--window", "300"]).is(0, "right\n");
    assert_eq!(token.drift(), 300);
    // Next time it begins with what was learned.
    token.resync(200_000, 319, &[]).is(0, "right\n");
    token.resync(300_000, 340, &[]).is(1, "wrong\n");
    for window in ["0", "1001", "10000"] {
        token.resync(400_000, 0, &["--window", window]).fails("--window: must be 1 to 1000 steps for TOTP");
    }
    token.resync(400_000, 999, &["--window", "1000"]).is(0, "right\n");
    token.verify(500_000, 1000, &[]).is(0, "right\n");
}

#[test]
fn verify_learns_drift_on_request_and_ignores_it_on_request() {
    let folder = Folder::new("learn");
    let token = Token::new(&folder);
    token.verify(100_000, 1, &[]).is(0, "right\n");
    assert_eq!(token.drift(), 0, "none is learned unasked");
    token.verify(200_000, 5, &["--window", "10", "--max-drift", "10"]).is(0, "right\n");
    assert_eq!(token.drift(), 5);
    token.verify(300_000, 6, &["--max-drift", "0"]).is(1, "wrong\n");
    assert_eq!(token.drift(), 5, "a wrong code changes none");
    // As far as the bound says, whatever was learned.
    token.verify(300_000, 6, &["--max-drift", "3"]).is(1, "wrong\n");
    token.verify(300_000, 4, &["--max-drift", "3"]).is(0, "right\n");
    assert_eq!(token.drift(), 3);
    token.verify(400_000, 0, &["--max-drift", "0"]).is(0, "right\n");
    assert_eq!(token.drift(), 0);
    token.verify(500_000, 0, &["--max-drift", "1001"]).fails("--max-drift: ");
    token.verify(500_000, 0, &["--max-drift", "1", "--window", "49"]).fails("--window: is so wide");
    keyfob(&["verify", "--max-drift", "1", "123456"], SHA1).fails("--state");
    let (hotp, _) = folder.enroll("hotp.keyfob", &["--hotp"]);
    keyfob(&["verify", "--state", &hotp, "--max-drift", "1", "123456"], "").fails("--max-drift: this kind of device");
    assert_eq!(show(&hotp)["fails"], 0);
}

#[test]
fn unlock_says_that_it_forgets_a_drift() {
    let folder = Folder::new("forget");
    let token = Token::new(&folder);
    token.resync(100_000, 7, &[]).is(0, "right\n");
    let unlocked = keyfob(&["unlock", "--state", &token.path, "--now", "100000"], "");
    assert!(unlocked.status == 0 && unlocked.err.contains("drift of 8 steps is forgotten"), "{unlocked:?}");
    assert_eq!(token.drift(), 0);
    token.verify(200_000, 8, &[]).is(1, "wrong\n");
    let unlocked = keyfob(&["unlock", "--state", &token.path, "--now", "200000"], "");
    assert_eq!((unlocked.status, unlocked.err.as_str()), (0, ""));
    token.resync(200_000, 8, &[]).is(0, "right\n");
    token.verify(300_000, 9, &[]).is(0, "right\n");
}
