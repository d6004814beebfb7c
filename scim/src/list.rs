//! Lists and searches (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865).

use keyfob::rand_core::TryCryptoRng;
use serde::Serialize;

use crate::attribute::{Attribute, ValueType};
use crate::body::{self, text};
use crate::cursor::Walk;
use crate::error::{Error, ScimType, quoted};
use crate::filter::Filter;
use crate::json::{Object, Value};
use crate::order::Sort;
use crate::parameters::Parameters;
use crate::query::{DEFAULT_PAGE_DEVICES, MAX_PAGE_DEVICES, Page, PageStart, Query};
use crate::resource::{Resource, Selection};
use crate::response::Response;
use crate::service::{Context, Service};
use crate::settings::Profile;
use crate::step::Step;

/// The members of a search request.
const SEARCH: [&str; 9] =
    ["filter", "textFilter", "sortBy", "sortOrder", "startIndex", "cursor", "count", "attributes", "excludedAttributes"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListResponse<'a> {
    schemas: [&'static str; 1],
    total_results: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items_per_page: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(rename = "Resources")]
    resources: Vec<Resource<'a>>,
}

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// `GET /OtpDevice`.
    pub(crate) fn list(&self, context: Context, parameters: &Parameters) -> Result<Step, Error> {
        self.search(context, &Search::from_parameters(parameters)?)
    }

    /// `POST /OtpDevice/.search`. The members of the body take precedence over the parameters of
    /// the URL.
    pub(crate) fn search_body(&self, context: Context, object: &Object, parameters: &Parameters) -> Result<Step, Error> {
        let mut search = Search::from_parameters(parameters)?;
        let mut lists = [None, None];
        let mut seen = Vec::new();
        let members = body::members(object, "urn:ietf:params:scim:api:messages:2.0:SearchRequest")?;
        for (name, value) in members.filter(|(_, value)| !value.is_null()) {
            let name = body::once(name, &SEARCH, &mut seen, "a search request")?;
            let number = || value.as_integer().map(Some).ok_or_else(|| not_an_integer(name));
            match name {
                "filter" => search.filter = Some(text(name, value)?),
                "textFilter" => search.text_filter = Some(text(name, value)?),
                "sortBy" => search.sort_by = Some(names(name, value)?),
                "sortOrder" => search.sort_order = Some(text(name, value)?),
                "startIndex" => search.start_index = number()?,
                "cursor" => search.cursor = Some(text(name, value)?),
                "count" => search.count = number(),
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
                return Err(Error::filter("textFilter: must not have the character U+0000"));
            }
            filters.push(Filter::UserOrNameContains(text.to_owned()));
        }
        let (sort, then_by) = search.sort()?;
        if search.cursor.is_some() && !then_by.is_empty() {
            return Err(Error::value("cursor: needs one attribute in sortBy, which names several"));
        }
        let walk = search.cursor.map(|cursor| {
            let walk = Walk::new(sort, [search.filter, search.text_filter]);
            walk.read(cursor).map(|cursor| (walk, cursor))
        });
        let walk = walk.transpose()?;
        let index = search.index()?;
        let (selection, profile) = (search.selection, self.settings.profile);
        let query = Query {
            filter: if filters.len() == 1 { filters.remove(0) } else { Filter::And(filters) },
            excludes_deleted: profile == Profile::Rfc,
            sort,
            then_by,
            start: match &walk {
                None => PageStart::Offset(index.saturating_sub(1)),
                Some((_, cursor)) => PageStart::After(cursor.as_ref().map(|cursor| cursor.position.clone())),
            },
            limit: search.limit()?,
        };
        Ok(Step::List {
            query,
            then: Box::new(move |page| {
                let Page { total, rows, has_more } = page;
                let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
                let counted = || walk.as_ref().and_then(|(_, cursor)| Some(cursor.as_ref()?.total));
                let total = total.or_else(counted).unwrap_or(shown);
                let end = rows.last().filter(|_| has_more);
                let is_counted = shown < total || walk.is_some() || profile == Profile::Rfc;
                let list = ListResponse {
                    schemas: ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                    total_results: total,
                    start_index: walk.is_none().then_some(index),
                    items_per_page: is_counted.then_some(rows.len()),
                    next_cursor: walk.as_ref().and_then(|(walk, _)| Some(walk.cursor_after(end?, total))),
                    resources: rows.iter().map(|row| Resource::new(row, profile, &context.base_url, selection)).collect(),
                };
                Step::Done(Response::json(200, &list))
            }),
        })
    }
}

/// The parameters of a list.
struct Search<'a> {
    filter: Option<&'a str>,
    text_filter: Option<&'a str>,
    sort_by: Option<Vec<String>>,
    sort_order: Option<&'a str>,
    start_index: Option<i64>,
    cursor: Option<&'a str>,
    /// Or the error for a count that is not an integer. With a cursor, another error takes its
    /// place.
    count: Result<Option<i64>, Error>,
    selection: Selection,
}

impl<'a> Search<'a> {
    /// Reads the parameters of a URL. Errors: 400.
    fn from_parameters(parameters: &'a Parameters) -> Result<Self, Error> {
        let number = |name: &str| {
            let Some(text) = parameters.get(name) else { return Ok(None) };
            text.parse::<i64>().map(Some).map_err(|_| not_an_integer(name))
        };
        Ok(Self {
            filter: parameters.get("filter"),
            text_filter: parameters.get("textFilter"),
            sort_by: parameters.names("sortBy"),
            sort_order: parameters.get("sortOrder"),
            start_index: number("startIndex")?,
            cursor: parameters.get("cursor"),
            count: number("count"),
            selection: Selection::from_parameters(parameters)?,
        })
    }

    /// The index of the first device of a page without a cursor, from 1. Errors: 400.
    fn index(&self) -> Result<u64, Error> {
        if self.cursor.is_some() && self.start_index.is_some() {
            return Err(Error::value("cursor and startIndex: only one of them may be given"));
        }
        Ok(u64::try_from(self.start_index.unwrap_or(1)).unwrap_or(1).max(1))
    }

    /// The most devices of a page. With a cursor it has at least one, or the walk would not
    /// advance. Errors: 400.
    fn limit(&self) -> Result<u64, Error> {
        let at_most = |count: Option<i64>| {
            count.map_or(DEFAULT_PAGE_DEVICES, |count| u64::try_from(count).unwrap_or(0)).min(MAX_PAGE_DEVICES)
        };
        let limit = self.count.clone().map(at_most);
        if self.cursor.is_none() {
            return limit;
        }
        limit.ok().filter(|limit| *limit > 0).ok_or_else(|| {
            Error::bad(ScimType::InvalidCount, format!("count: must be an integer from 1 to {MAX_PAGE_DEVICES} with a cursor"))
        })
    }

    /// The order, and the attributes that order devices which are equal in it. Errors: 400.
    fn sort(&self) -> Result<(Sort, Vec<Attribute>), Error> {
        let mut all = Vec::new();
        for name in self.sort_by.iter().flatten() {
            let by =
                Attribute::parse(name).ok_or_else(|| Error::value(format!("sortBy: there is no attribute {}", quoted(name))))?;
            if !matches!(by.value_type(), ValueType::Text | ValueType::Number | ValueType::Time) {
                return Err(Error::value(format!("sortBy: {} has no order", by.name())));
            }
            if !all.contains(&by) {
                all.push(by);
            }
        }
        let mut all = all.into_iter();
        let by = all.next().unwrap_or(Attribute::Created);
        let descending = match self.sort_order {
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(order) if !order.eq_ignore_ascii_case("ascending") => {
                return Err(Error::value("sortOrder: must be ascending or descending"));
            }
            _ => false,
        };
        Ok((Sort { by, descending }, all.collect()))
    }
}

/// The attribute names of a list, or of text with commas between them. Errors: 400.
fn names(name: &str, value: &Value) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for item in value.items() {
        let text = item.as_str().ok_or_else(|| Error::value(format!("{name}: must be a list of attribute names")))?;
        names.extend(text.split(',').map(|name| name.trim().to_owned()));
    }
    Ok(names)
}

fn not_an_integer(name: &str) -> Error {
    Error::value(format!("{name}: must be an integer"))
}
