//! Content negotiation: the media type of a response.

use axum::http::{HeaderMap, header};

const SCIM_TYPE: &str = "application/scim+json";
const JSON_TYPE: &str = "application/json";

/// The media type that a client prefers by its headers `Accept` (RFC 9110 section 12.5.1): that of
/// SCIM, unless JSON has a higher weight. A client that names neither gets SCIM.
pub(crate) fn media_type(headers: &HeaderMap) -> &'static str {
    let fields = headers.get_all(header::ACCEPT).iter().filter_map(|field| field.to_str().ok());
    let ranges: Vec<Range<'_>> = fields.flat_map(|field| field.split(',')).map(Range::parse).collect();
    if weight(&ranges, JSON_TYPE) > weight(&ranges, SCIM_TYPE) { JSON_TYPE } else { SCIM_TYPE }
}

/// A range of media types and its weight, in thousandths.
struct Range<'a> {
    name: &'a str,
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Self { name, weight: weight.map_or(1000, thousandths) }
    }

    /// How closely it matches a media type. None if it does not.
    fn specificity(&self, media_type: &str) -> Option<u8> {
        match self.name {
            "*/*" => Some(0),
            "application/*" => Some(1),
            name => name.eq_ignore_ascii_case(media_type).then_some(2),
        }
    }
}

/// A weight as RFC 9110 section 12.4.2 writes it; any other text has none.
fn thousandths(text: &str) -> u16 {
    let weight = text.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    let thousandths = (weight * 1000.0).round() as u16;
    thousandths
}

/// The weight of the most specific range that matches. 0 if none does.
fn weight(ranges: &[Range<'_>], media_type: &str) -> u16 {
    let best = ranges.iter().filter_map(|range| Some((range.specificity(media_type)?, range.weight))).max();
    best.map_or(0, |(_, weight)| weight)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, header};

    use super::{JSON_TYPE as JSON, SCIM_TYPE as SCIM, media_type};

    #[test]
    fn json_is_chosen_if_its_weight_is_higher_than_that_of_scim() {
        for (accepted, expected) in [
            (&["application/json"][..], JSON),
            (&["Application/JSON; charset=utf-8"], JSON),
            (&["application/json, */*;q=0.5"], JSON),
            (&["text/html, application/json;q=0.9, application/scim+json;q=0.8"], JSON),
            (&["text/html", "application/json"], JSON),
            (&["application/scim+json;q=0, */*"], JSON),
            (&[], SCIM),
            (&[""], SCIM),
            (&["application/scim+json"], SCIM),
            (&["*/*"], SCIM),
            (&["application/*"], SCIM),
            (&["application/json, application/scim+json"], SCIM),
            (&["application/json, text/plain, */*"], SCIM),
            (&["application/json;q=0.5, application/scim+json;q=0.501"], SCIM),
            (&["application/json;q=0"], SCIM),
            (&["application/json;q=x"], SCIM),
            (&["application/json;q=7"], SCIM),
            (&["text/html"], SCIM),
        ] {
            let mut headers = HeaderMap::new();
            for field in accepted {
                headers.append(header::ACCEPT, field.parse().unwrap());
            }
            assert_eq!(media_type(&headers), expected, "{accepted:?}");
        }
    }
}
