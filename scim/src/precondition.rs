//! Conditional requests (RFC 9110 section 13).

use crate::error::Error;
use crate::method::Method;
use crate::request::Request;
use crate::response::Response;
use crate::step::Step;

/// How the precondition of a request fails (RFC 9110 section 13.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unmet {
    /// 412.
    Failed,
    /// 304.
    NotModified,
}

impl Unmet {
    /// How the precondition of this request fails on a resource that exists. No resource has an
    /// entity tag, so `*` is the only tag that matches.
    pub(crate) fn from_request(request: &Request<'_>) -> Option<Self> {
        let is_any = |tags: &str| tags.split(',').any(|tag| tag.trim() == "*");
        if request.if_match.is_some_and(|tags| !is_any(tags)) {
            return Some(Self::Failed);
        }
        let is_read = matches!(request.method, Method::Get | Method::Head);
        request.if_none_match.is_some_and(is_any).then_some(if is_read { Self::NotModified } else { Self::Failed })
    }
}

impl From<Unmet> for Step {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::Failed => Error::new(412, "nothing here has an ETag, so If-Match and If-None-Match can only have *").into(),
            Unmet::NotModified => Self::Done(Response::empty(304)),
        }
    }
}
