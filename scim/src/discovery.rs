//! Discovery: the configuration, resource types and schemas of the service (RFC 7644 section 4).

use keyfob::Kind;
use serde_json::{Value, json};

use crate::attribute::{Attribute, Mutability, SCHEMA, ValueType};
use crate::error::Error;
use crate::query::{DEFAULT_PAGE_DEVICES, MAX_PAGE_DEVICES};
use crate::response::Response;
use crate::routes::Endpoint;
use crate::settings::{Profile, Settings};

const CONFIG_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// Answers with all resources of an endpoint, or with the one of this id. Errors: 404.
pub(crate) fn get(endpoint: Endpoint, id: Option<&str>, base_url: &str, settings: &Settings) -> Result<Response, Error> {
    let one = |own: &str, value: Value| match id {
        None => Ok(Response::json(200, &list(&[value]))),
        Some(id) if id.eq_ignore_ascii_case(own) => Ok(Response::json(200, &value)),
        Some(id) => Err(Error::new(404, format!("{} has no resource {id:?}", endpoint.name()))),
    };
    match endpoint {
        Endpoint::ServiceProviderConfig => Ok(Response::json(200, &config(base_url))),
        Endpoint::ResourceTypes => one("OtpDevice", resource_type(base_url)),
        Endpoint::Schemas => one(SCHEMA, schema(base_url, settings)),
    }
}

fn list(resources: &[Value]) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": resources.len(),
        "startIndex": 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

fn config(base_url: &str) -> Value {
    let no = json!({"supported": false});
    json!({
        "schemas": [CONFIG_SCHEMA],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": MAX_PAGE_DEVICES},
        // RFC 9865 section 4. No cursor expires, so there is no cursorTimeout.
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_PAGE_DEVICES,
            "maxPageSize": MAX_PAGE_DEVICES,
        },
        "changePassword": no,
        "sort": {"supported": true},
        "etag": no,
        "authenticationSchemes": [
            {"type": "httpbasic", "name": "HTTP Basic", "description": "Account name and password.", "primary": true},
            {"type": "oauthbearertoken", "name": "Bearer token", "description": "A token of keyfob's own."},
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base_url}/ServiceProviderConfig")},
    })
}

fn resource_type(base_url: &str) -> Value {
    json!({
        "schemas": [RESOURCE_TYPE_SCHEMA],
        "id": "OtpDevice",
        "name": "OtpDevice",
        "description": "A one-time-password device of a user.",
        "endpoint": "/OtpDevice",
        "schema": SCHEMA,
        "meta": {"resourceType": "ResourceType", "location": format!("{base_url}/ResourceTypes/OtpDevice")},
    })
}

fn schema(base_url: &str, settings: &Settings) -> Value {
    // Schemas leave out the common attributes (RFC 7643 section 3.1).
    let common = |attribute: &Attribute| {
        matches!(attribute.parent(), Attribute::Id | Attribute::ExternalId | Attribute::Schemas | Attribute::Meta)
    };
    let attributes: Vec<Value> = Attribute::ALL
        .iter()
        .filter(|attribute| !common(attribute) && settings.kinds.iter().any(|kind| attribute.kinds().contains(kind)))
        .map(|attribute| self::attribute(*attribute, settings))
        .collect();
    json!({
        "schemas": [SCHEMA_SCHEMA],
        "id": SCHEMA,
        "name": "OtpDevice",
        "description": "A one-time-password device of a user.",
        "attributes": attributes,
        "meta": {"resourceType": "Schema", "location": format!("{base_url}/Schemas/{SCHEMA}")},
    })
}

fn attribute(attribute: Attribute, settings: &Settings) -> Value {
    let kind = match attribute.value_type() {
        ValueType::Number => "integer",
        // Soffid's dates are not xsd:dateTime.
        ValueType::Time if settings.profile == Profile::Rfc => "dateTime",
        ValueType::Opaque => match attribute {
            Attribute::Digits
            | Attribute::Period
            | Attribute::Counter
            | Attribute::RecoveryCodeCount
            | Attribute::RecoveryCodesLeft => "integer",
            Attribute::NotBefore | Attribute::NotAfter if settings.profile == Profile::Rfc => "dateTime",
            _ => "string",
        },
        _ => "string",
    };
    let is_required = match attribute {
        Attribute::Type => true,
        // Tokens in the inventory have none.
        Attribute::User => !settings.kinds.iter().any(|kind| matches!(kind, Kind::Totp | Kind::Hotp)),
        // Required if every enabled kind needs it.
        _ => attribute.is_needed() && settings.kinds.iter().all(|kind| attribute.kinds().contains(kind)),
    };
    let returned = match attribute.mutability() {
        Mutability::WriteOnly => "never",
        _ => "default",
    };
    let mut value = json!({
        "name": attribute.name(),
        "type": kind,
        "multiValued": attribute == Attribute::RecoveryCodes,
        "description": attribute.description(),
        "required": is_required,
        "caseExact": true,
        "mutability": attribute.mutability().name(),
        "returned": returned,
        "uniqueness": "none",
    });
    let canonical = match attribute {
        Attribute::Type => settings.kinds.iter().map(|kind| kind.name().into()).collect(),
        Attribute::Status => ["C", "V", "L", "D"].map(Value::from).to_vec(),
        Attribute::Algorithm => ["SHA1", "SHA256", "SHA512"].map(Value::from).to_vec(),
        _ => Vec::new(),
    };
    if let (false, Some(value)) = (canonical.is_empty(), value.as_object_mut()) {
        value.insert("canonicalValues".to_owned(), canonical.into());
    }
    value
}
