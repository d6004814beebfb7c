//! Lists and searches (RFC 7644 sections 3.4.2 and 3.4.3).

use std::collections::BTreeMap;

use keyfob::rand_core::TryCryptoRng;
use serde::Serialize;

use crate::body::{self, text};
use crate::error::quoted;
use crate::json::{Object, Value};
use crate::resource::{Resource, Selection};
use crate::service::{Context, Response, Service};
use crate::step::Step;
use crate::{Attribute, Class, Error, Filter, Profile, Row};

/// How many devices a page has unless asked.
const COUNT: u64 = 100;
/// How many it has at most.
const MOST: u64 = 1000;
/// What a search request may say.
const SEARCH: [&str; 8] =
    ["filter", "textFilter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes"];

/// What a store is to search for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Which devices.
    pub filter: Filter,
    /// Whether to leave out those that were deleted.
    pub live_only: bool,
    /// In which order; by id where they are equal.
    pub sort: Sort,
    /// How many to pass over.
    pub offset: u64,
    /// How many to return at most, 0 to 1000.
    pub limit: u64,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// An attribute of class text, number or time. Devices without it come last; descending, first.
    pub by: Attribute,
    /// From the highest to the lowest.
    pub descending: bool,
}

/// What a store found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many devices match in all.
    pub total: u64,
    /// Those of the page.
    pub rows: Vec<Row>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListResponse<'a> {
    schemas: [&'static str; 1],
    total_results: u64,
    start_index: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    items_per_page: Option<usize>,
    #[serde(rename = "Resources")]
    resources: Vec<Resource<'a>>,
}

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// `GET /OtpDevice`.
    pub(crate) fn list(&self, context: Context, parameters: &BTreeMap<String, String>) -> Result<Step, Error> {
        self.search(context, &Search::of(parameters)?)
    }

    /// `POST /OtpDevice/.search`. Where the body says nothing, the URL's parameters hold.
    pub(crate) fn search_body(
        &self,
        context: Context,
        object: &Object,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Step, Error> {
        let mut search = Search::of(parameters)?;
        let mut lists = [None, None];
        let mut seen = Vec::new();
        let members = body::members(object, "urn:ietf:params:scim:api:messages:2.0:SearchRequest")?;
        for (name, value) in members.filter(|(_, value)| !value.is_null()) {
            let name = body::once(name, &SEARCH, &mut seen, "a search request")?;
            let number = || value.as_integer().map(Some).ok_or_else(|| no_integer(name));
            match name {
                "filter" => search.filter = Some(text(name, value)?),
                "textFilter" => search.text_filter = Some(text(name, value)?),
                "sortBy" => search.sort_by = Some(text(name, value)?),
                "sortOrder" => search.sort_order = Some(text(name, value)?),
                "startIndex" => search.start_index = number()?,
                "count" => search.count = number()?,
                "attributes" => lists[0] = Some(names(name, value)?),
                _ => lists[1] = Some(names(name, value)?),
            }
        }
        let [attributes, excluded] = &lists;
        if attributes.is_some() || excluded.is_some() {
            search.selection = Selection::read(attributes.as_deref(), excluded.as_deref())?;
        }
        self.search(context, &search)
    }

    fn search(&self, context: Context, search: &Search<'_>) -> Result<Step, Error> {
        let mut filters = Vec::new();
        if let Some(filter) = search.filter {
            filters.push(Filter::parse(filter)?);
        }
        if let Some(text) = search.text_filter.filter(|text| !text.is_empty()) {
            if text.contains('\0') {
                return Err(Error::filter("textFilter: text cannot have the character U+0000"));
            }
            filters.push(Filter::Anywhere(text.to_owned()));
        }
        let start = u64::try_from(search.start_index.unwrap_or(1)).unwrap_or(1).max(1);
        let limit = search.count.map_or(COUNT, |count| u64::try_from(count).unwrap_or(0)).min(MOST);
        let query = Query {
            filter: if filters.len() == 1 { filters.remove(0) } else { Filter::And(filters) },
            live_only: self.settings.profile == Profile::Rfc,
            sort: search.sort()?,
            offset: start.saturating_sub(1),
            limit,
        };
        let (selection, profile) = (search.selection, self.settings.profile);
        Ok(Step::List {
            query,
            then: Box::new(move |page| {
                let Page { total, rows } = page;
                let is_partial = u64::try_from(rows.len()).is_ok_and(|shown| shown < total);
                let list = ListResponse {
                    schemas: ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                    total_results: total,
                    start_index: start,
                    items_per_page: (is_partial || profile == Profile::Rfc).then_some(rows.len()),
                    resources: rows.iter().map(|row| Resource::new(row, profile, &context.base, selection)).collect(),
                };
                Step::Done(Response::json(200, &list))
            }),
        })
    }
}

/// What a list is asked for.
struct Search<'a> {
    filter: Option<&'a str>,
    text_filter: Option<&'a str>,
    sort_by: Option<&'a str>,
    sort_order: Option<&'a str>,
    start_index: Option<i64>,
    count: Option<i64>,
    selection: Selection,
}

impl<'a> Search<'a> {
    /// What a URL asks for.
    fn of(parameters: &'a BTreeMap<String, String>) -> Result<Self, Error> {
        let number = |name: &str| {
            let Some(text) = parameters.get(name) else { return Ok(None) };
            text.parse::<i64>().map(Some).map_err(|_| no_integer(name))
        };
        let get = |name: &str| parameters.get(name).map(String::as_str);
        Ok(Self {
            filter: get("filter"),
            text_filter: get("textFilter"),
            sort_by: get("sortBy"),
            sort_order: get("sortOrder"),
            start_index: number("startIndex")?,
            count: number("count")?,
            selection: selection(parameters)?,
        })
    }

    fn sort(&self) -> Result<Sort, Error> {
        let by = match self.sort_by {
            None => Attribute::Created,
            Some(name) => {
                Attribute::parse(name).ok_or_else(|| Error::value(format!("sortBy: there is no attribute {}", quoted(name))))?
            }
        };
        if !matches!(by.class(), Class::Text | Class::Number | Class::Time) {
            return Err(Error::value(format!("sortBy: {} has no order", by.name())));
        }
        let descending = match self.sort_order {
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(order) if !order.eq_ignore_ascii_case("ascending") => {
                return Err(Error::value("sortOrder: must be ascending or descending"));
            }
            _ => false,
        };
        Ok(Sort { by, descending })
    }
}

/// The attributes that `attributes` and `excludedAttributes` of a URL select.
pub(crate) fn selection(parameters: &BTreeMap<String, String>) -> Result<Selection, Error> {
    let list = |name: &str| Some(parameters.get(name)?.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>());
    Selection::read(list("attributes").as_deref(), list("excludedAttributes").as_deref())
}

/// The names of a list, or as a URL has them: with commas between them.
fn names(name: &str, value: &Value) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for item in value.items() {
        let text = item.as_str().ok_or_else(|| Error::value(format!("{name}: must be a list of attribute names")))?;
        names.extend(text.split(',').map(|name| name.trim().to_owned()));
    }
    Ok(names)
}

fn no_integer(name: &str) -> Error {
    Error::value(format!("{name}: must be an integer"))
}
