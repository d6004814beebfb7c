//! The request to a gateway.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Method;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};

use super::config::{Check, Gateway};
use super::error::Error;
use super::target::Target;
use super::template::{Encoding, Template};
use super::values::Values;

/// Headers that keyfob sets itself.
const OWN_HEADERS: [&str; 6] = ["connection", "content-length", "content-type", "host", "te", "transfer-encoding"];
const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// A parsed request with placeholders.
pub(super) struct Request {
    /// The path of its table.
    path: String,
    pub(super) target: Target,
    method: Method,
    headers: Vec<(HeaderName, Template)>,
    body: Option<Body>,
}

struct Body {
    content_type: HeaderValue,
    encoding: Encoding,
    template: Template,
}

impl Request {
    /// Errors: none, and what is wrong is noted.
    pub(super) fn new(path: &str, config: &Gateway, check: &mut Check<'_>) -> Option<Self> {
        let target = check.ok("url", Target::parse(config.url.expose()));
        if let Some(target) = &target {
            check.ok("url", target.check_cleartext(config.allow_cleartext));
        }
        let method = match config.method.as_str() {
            "GET" => Some(Method::GET),
            "POST" => Some(Method::POST),
            "PUT" => Some(Method::PUT),
            _ => check.ok("method", Err("must be GET, POST or PUT".to_owned())),
        };
        let headers = headers(config, check);
        let body = body(config, check);
        let has_code = target.as_ref().is_some_and(Target::has_code)
            || headers.iter().flatten().any(|(_, template)| template.has_code())
            || body.iter().flatten().any(|body| body.template.has_code());
        if !has_code && target.is_some() && headers.is_some() && body.is_ok() {
            check.wrong("body", "neither url nor headers nor body has ${PIN}, so no code would be sent");
        }
        Some(Self { path: path.to_owned(), target: target?, method: method?, headers: headers?, body: body.ok()? })
    }

    /// Fills in the values of one message.
    ///
    /// Errors: a placeholder has no value, or one that cannot be encoded.
    pub(super) fn render(&self, values: &Values<'_>) -> Result<hyper::Request<Full<Bytes>>, Error> {
        let wrong = |key: &str, text: &str| Error::unfit(format!("{}.{key}: {text}", self.path));
        let path = self.target.path(|name| values.get(name)).map_err(|text| wrong("url", &text))?;
        let mut request = hyper::Request::builder()
            .method(&self.method)
            .uri(path.as_str())
            .header(HOST, self.target.authority.as_str())
            .header(USER_AGENT, concat!("keyfob/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, "*/*")
            .header(CONNECTION, "close");
        if let Some(headers) = request.headers_mut() {
            for (name, template) in &self.headers {
                let key = format!("headers.{name}");
                let text = template.render(Encoding::Line, |name| values.get(name)).map_err(|text| wrong(&key, &text))?;
                let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| wrong(&key, "the value is malformed"))?;
                headers.insert(name, value);
            }
            if let Some(body) = &self.body {
                headers.insert(CONTENT_TYPE, body.content_type.clone());
            }
        }
        let mut bytes = Bytes::new();
        if let Some(body) = &self.body {
            let text = body.template.render(body.encoding, |name| values.get(name)).map_err(|text| wrong("body", &text))?;
            bytes = Bytes::from_owner(text);
        }
        request.body(Full::new(bytes)).map_err(|_| wrong("url", "the request is malformed"))
    }
}

fn headers(config: &Gateway, check: &mut Check<'_>) -> Option<Vec<(HeaderName, Template)>> {
    let mut headers = Vec::new();
    for (name, text) in &config.headers {
        let header = match name.parse::<HeaderName>() {
            Ok(header) if header == CONTENT_TYPE => Err("set content_type instead".to_owned()),
            Ok(header) if OWN_HEADERS.contains(&header.as_str()) => Err("is set by keyfob".to_owned()),
            Ok(header) => Template::parse(text.expose()).map(|template| (header, template)),
            Err(_) => Err("is not a valid header name".to_owned()),
        };
        let header = header.and_then(|(header, template)| {
            let sample = template.render(Encoding::Line, |_| Ok("0"))?;
            HeaderValue::from_bytes(sample.as_bytes()).map_err(|_| "must be one line".to_owned())?;
            Ok((header, template))
        });
        headers.extend(check.ok(&format!("headers.{name}"), header));
    }
    (headers.len() == config.headers.len()).then_some(headers)
}

/// Errors: what is wrong is noted.
fn body(config: &Gateway, check: &mut Check<'_>) -> Result<Option<Body>, ()> {
    let Some(text) = &config.body else {
        if config.content_type.is_some() {
            check.wrong("content_type", "needs a body");
            return Err(());
        }
        return Ok(None);
    };
    if config.method == "GET" {
        check.wrong("body", "cannot be sent with GET; use POST or PUT, or put it into the url");
        return Err(());
    }
    let content_type = config.content_type.as_deref().unwrap_or(FORM_TYPE);
    let encoding = check.ok("content_type", encoding(content_type));
    let value = check.ok("content_type", content_type.parse::<HeaderValue>().map_err(|_| "must be one line of ASCII".to_owned()));
    let template = Template::parse(text.expose()).and_then(|template| {
        if encoding == Some(Encoding::Json) {
            template.check_json()?;
        }
        Ok(template)
    });
    let template = check.ok("body", template);
    match (value, encoding, template) {
        (Some(content_type), Some(encoding), Some(template)) => Ok(Some(Body { content_type, encoding, template })),
        _ => Err(()),
    }
}

/// How values are written in a body of this type.
fn encoding(content_type: &str) -> Result<Encoding, String> {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let parameters = parameters.to_ascii_lowercase();
    let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
    if charset.is_some_and(|charset| !["utf-8", "us-ascii"].contains(&charset.trim_matches('"'))) {
        return Err("has a charset other than utf-8, which keyfob always sends".to_owned());
    }
    match kind.trim().to_ascii_lowercase().as_str() {
        FORM_TYPE => Ok(Encoding::Form),
        "text/plain" => Ok(Encoding::Plain),
        "application/json" | "text/json" => Ok(Encoding::Json),
        "application/xml" | "text/xml" | "text/html" => Ok(Encoding::Xml),
        kind if kind.ends_with("+json") => Ok(Encoding::Json),
        kind if kind.ends_with("+xml") => Ok(Encoding::Xml),
        _ => Err(format!("must be {FORM_TYPE}, text/plain, or a type of JSON or XML: keyfob cannot encode values in others")),
    }
}
