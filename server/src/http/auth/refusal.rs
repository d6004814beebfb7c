//! The refusal of credentials, and its delay.

use std::time::Instant;

use keyfob_scim::Response;

/// The refusal of credentials, and when it may be sent.
pub(crate) struct Refusal {
    response: Response,
    at: Instant,
    /// The headers have no readable credentials: no account was looked up.
    has_no_credentials: bool,
}

impl Refusal {
    /// A refusal that is not sent before `at`.
    pub(super) fn new(response: Response, at: Instant) -> Self {
        Self { response, at, has_no_credentials: false }
    }

    /// A refusal of headers without readable credentials.
    pub(super) fn without_credentials(response: Response, at: Instant) -> Self {
        Self { response, at, has_no_credentials: true }
    }

    /// The response, once it may be sent. Many clients send no credentials until a response asks
    /// for them: that response is not delayed, unless the client's request before was refused too.
    pub(crate) async fn delayed(self, is_repeated: bool) -> Response {
        if is_repeated || !self.has_no_credentials {
            tokio::time::sleep_until(self.at.into()).await;
        }
        self.response
    }
}
