//! From a request to its operation.

use axum::extract::Request;
use axum::http::Method;
use keyfob_scim::{Error, Response};

use super::body::Members;
use super::poll::poll;
use super::routes::Route;
use super::{discovery, response, status, streams, verification};
use crate::http::app::App;
use crate::http::body::read_body;
use crate::http::identify::identify;
use crate::http::listen::Peer;
use crate::http::requests::Client;
use crate::signals::Signals;

/// What a path addresses. None for a path of no endpoint, and without receivers.
pub(in crate::http) fn find<'a>(app: &'a App, path: &str) -> Option<(&'a Signals, Route)> {
    let signals = app.signals.as_deref()?;
    Some((signals, Route::from_path(path, &signals.rules.issuer)?))
}

/// Responds to a request.
pub(in crate::http) async fn respond(app: &App, signals: &Signals, route: &Route, request: Request, client: &Client) -> Response {
    let response = run(app, signals, route, request, client).await;
    response::complete(response.unwrap_or_else(|refusal| refusal))
}

/// Runs the operation. Errors: the response of a refusal.
async fn run(app: &App, signals: &Signals, route: &Route, request: Request, client: &Client) -> Result<Response, Response> {
    if let Route::Metadata | Route::Keys = route {
        route.check_method(request.method().as_str())?;
        let found = if *route == Route::Keys { discovery::keys(signals) } else { discovery::metadata(signals) };
        return found.map_err(Response::from);
    }
    let account = identify(app, request.headers(), request.extensions().get::<Peer>()).await?.name;
    route.check_method(request.method().as_str())?;
    let (parts, body) = request.into_parts();
    let body = read_body(body).await.map_err(Response::from)?;
    let query = parts.uri.query().unwrap_or_default();
    let members = || Members::parse(&parts.headers, &body);
    let done = async {
        match route {
            Route::Streams => streams::get(signals, &account, query),
            Route::Status if parts.method == Method::POST => status::set(&app.store, signals, &account, members()?).await,
            Route::Status => status::get(&app.store, signals, &account, query).await,
            Route::Verification => verification::request(&app.store, signals, &account, members()?).await,
            Route::Poll(name) => poll(app, signals, &account, name, members()?, client).await,
            Route::Metadata | Route::Keys | Route::Subjects => {
                Err(Error::new(501, "subjects are neither added nor removed: every stream has all users"))
            }
        }
    };
    done.await.map_err(Response::from)
}
