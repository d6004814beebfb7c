use axum::body::{Body, to_bytes};
use axum::http;
use keyfob::Factor;
use tower::ServiceExt as _;

use super::*;

async fn post(host: &Host, path: &str, body: String) -> (u16, String) {
    let request = http::Request::post(path).header(header::CONTENT_TYPE, "application/json").body(Body::from(body));
    let response = app(host.clone()).oneshot(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    (status, String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap())
}

/// A host with a TOTP device of id 1, and the body with its present code.
async fn enrolled() -> (Host, String) {
    let host = Host::new(Database::in_memory().unwrap());
    let (status, created) = post(&host, "/OtpDevice", r#"{"type": "TOTP", "user": "franck"}"#.to_owned()).await;
    assert_eq!(status, 201, "{created}");
    let entry = host.database.lock().unwrap().get(1).unwrap().unwrap();
    let Factor::Totp(totp) = entry.device.factor() else { panic!("a TOTP device was created") };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let body = format!(r#"{{"pin": "{}"}}"#, totp.generate(now).unwrap().as_str());
    (host, body)
}

const RESPONSE: &str = "/OtpDevice/1/responseChallenge";
const RIGHT: &str = r#"{"success":true,"locked":false}"#;

#[tokio::test(flavor = "multi_thread")]
async fn code_is_right_once_among_many_requests_at_once() {
    let (host, body) = enrolled().await;
    let requests: Vec<_> = (0..4)
        .map(|_| {
            let (host, body) = (host.clone(), body.clone());
            tokio::spawn(async move { post(&host, RESPONSE, body).await })
        })
        .collect();
    let mut right = 0;
    for request in requests {
        let (status, verdict) = request.await.unwrap();
        assert_eq!(status, 200, "{verdict}");
        right += usize::from(verdict == RIGHT);
    }
    assert_eq!(right, 1);
}

#[tokio::test]
async fn verdict_never_comes_out_of_a_database_that_does_not_store_it() {
    let (host, body) = enrolled().await;
    host.database.lock().unwrap().set_read_only(true).unwrap();
    let (status, refusal) = post(&host, RESPONSE, body.clone()).await;
    assert_eq!(status, 503);
    assert!(!refusal.contains("success"), "{refusal}");

    host.database.lock().unwrap().set_read_only(false).unwrap();
    assert_eq!(post(&host, RESPONSE, body).await, (200, RIGHT.to_owned()), "the code was not used up");
}

#[tokio::test]
async fn list_and_challenge_are_served() {
    let (host, _) = enrolled().await;
    let search = r#"{"filter": "user eq \"franck\""}"#.to_owned();
    let (status, found) = post(&host, "/.search", search).await;
    assert!(status == 200 && found.contains(r#""totalResults":1"#), "{found}");
    let (status, challenge) = post(&host, "/OtpDevice/1/requestChallenge", String::new()).await;
    assert_eq!((status, challenge.as_str()), (200, r#"{"cell":"PIN","cardNumber":"TOTP00000001"}"#));
}
