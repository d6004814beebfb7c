//! `POST /OtpDevice/.find`: which device an unlabelled token is, by the codes that it shows.

use keyfob::rand_core::TryCryptoRng;
use serde::Serialize;

use crate::attribute::Attribute;
use crate::body::{self, text};
use crate::error::Error;
use crate::filter::Filter;
use crate::json::Object;
use crate::resource::{Resource, Selection};
use crate::response::Response;
use crate::roles::Roles;
use crate::search::{FoundTokens, TokenSearch};
use crate::service::{Context, Service};
use crate::step::Step;

/// The members of a request.
const MEMBERS: [&str; 3] = ["codes", "code", "filter"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindResponse<'a> {
    schemas: [&'static str; 1],
    total_results: u64,
    items_per_page: usize,
    #[serde(rename = "Resources")]
    resources: Vec<FoundResource<'a>>,
    searched: u64,
    #[serde(skip_serializing_if = "is_none")]
    unreadable: u64,
    chance: f64,
    odds: String,
}

/// A device with its drift.
#[derive(Serialize)]
struct FoundResource<'a> {
    #[serde(flatten)]
    resource: Resource<'a>,
    drift: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// Finds the devices that show the codes of the body. No response leaves before its line is in
    /// the trail.
    pub(crate) fn find(&self, context: Context, object: &Object, selection: Selection) -> Result<Step, Error> {
        let search = self.read_search(&context, object)?;
        let profile = self.settings.profile;
        let selection = if context.roles.contains(Roles::QUERY) { selection } else { selection.of_change() };
        let (cost_seconds, now) = (search.cost_seconds(), context.now);
        let find = move || Step::Find {
            search: search.clone(),
            then: Box::new(move |found| {
                let event = found.event(&context.actor, context.now);
                let respond = move |()| {
                    let resources = found.tokens.iter().map(|token| FoundResource {
                        resource: Resource::new(&token.row, profile, &context.base_url, selection),
                        drift: token.drift,
                    });
                    let body = response(&found, &search, resources.collect());
                    Step::Done(Response::json(200, &body))
                };
                Step::Audit { event, then: Box::new(respond) }
            }),
        };
        let admitted = move |wait| if wait == 0 { find() } else { too_many(wait).into() };
        Ok(Step::Admit { cost_seconds, now, then: Box::new(admitted) })
    }

    /// Reads `{"codes": ["123456", "654321"], "filter": "not (user pr)"}`, or `{"code": "123456"}`.
    /// Errors: 400; 403 for a filter without the role query, since the number of devices that were
    /// looked at tells what the filter matches.
    fn read_search(&self, context: &Context, object: &Object) -> Result<TokenSearch, Error> {
        let (mut code, mut codes, mut filter) = (None, None, Filter::ALL);
        let mut seen = Vec::new();
        let is_common = |name: &str| matches!(Attribute::parse(name), Some(Attribute::Schemas | Attribute::Meta));
        for (name, value) in object.iter().filter(|(name, value)| !is_common(name) && !value.is_null()) {
            match body::once(name, &MEMBERS, &mut seen, "a search for a token")? {
                "codes" => codes = Some(value),
                "code" => code = Some(value),
                name => {
                    context.roles.require(Roles::QUERY)?;
                    filter = Filter::parse(text(name, value)?)?;
                }
            }
        }
        let (policy, now) = (self.settings.policy, context.now);
        // A number has lost the zeros before it, and the search cannot know how many.
        match (codes, code) {
            (Some(codes), None) => {
                let [first, second] = codes.items() else { return Err(not_two_codes()) };
                let (Some(first), Some(second)) = (first.as_str(), second.as_str()) else { return Err(not_two_codes()) };
                TokenSearch::for_two_codes(filter, policy, [first, second], now)
            }
            (None, Some(code)) => TokenSearch::for_code(filter, policy, text("code", code)?, now),
            (None, None) => Err(Error::value("codes: is missing; give the two codes that the token shows in a row")),
            (Some(_), Some(_)) => Err(Error::value("codes and code: only one of them may be given")),
        }
    }
}

fn not_two_codes() -> Error {
    Error::value(
        "codes: must be a list of two texts, the codes that the token shows in a row; \"code\" searches by one alone, which other tokens \
         soon show by chance",
    )
}

fn response<'a>(found: &FoundTokens, search: &TokenSearch, resources: Vec<FoundResource<'a>>) -> FindResponse<'a> {
    FindResponse {
        schemas: ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        total_results: found.total,
        items_per_page: resources.len(),
        resources,
        searched: found.searched,
        unreadable: found.unreadable,
        chance: f64::from(found.chance(search).parts_per_billion()) / 1e9,
        odds: found.odds(search),
    }
}

fn too_many(wait: u64) -> Error {
    let detail = format!(
        "too many tokens were searched for: 30 searches by two codes are admitted at once and then one every 10 seconds, or one by a \
         single code every 300 seconds, of all accounts together; try again in {wait} seconds"
    );
    Error::new(429, detail).with_retry_after(wait)
}
