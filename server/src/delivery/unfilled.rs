//! Finds placeholders without a value for any user: with them, no code would be sent.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, Gateway, Section};
use super::message::{Channel, Message};
use super::template::Template;
use super::values::Values;
use crate::problem::Problem;

/// Users by their names, each with its attributes.
pub(crate) type Users = BTreeMap<String, BTreeMap<String, String>>;

/// Returns a problem for each template with placeholders that are neither keyfob's own in its
/// channel nor an attribute of any user.
pub(crate) fn unfilled(config: &Config, users: Option<&Users>) -> Vec<Problem> {
    let attributes: BTreeMap<_, _> =
        users.into_iter().flat_map(BTreeMap::values).flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    templates(config).into_iter().filter_map(|(channel, key, text)| problem(channel, &key, text, &attributes)).collect()
}

/// The templates of each channel, with their keys.
fn templates(config: &Config) -> Vec<(Channel, String, &str)> {
    let mut all = Vec::new();
    for Section { path, settings, .. } in &config.email {
        all.push((Channel::Email, format!("{path}.subject"), settings.subject.expose()));
        all.push((Channel::Email, format!("{path}.body"), settings.body.expose()));
    }
    let sms = config.sms.iter().map(|section| (Channel::Sms, section));
    let voice = config.voice.iter().map(|section| (Channel::Voice, section));
    for (channel, section) in sms.chain(voice) {
        let Section { path, settings: Gateway { url, headers, body, .. }, .. } = section;
        all.push((channel, format!("{path}.url"), url.expose()));
        all.extend(headers.iter().map(|(name, text)| (channel, format!("{path}.headers.{name}"), text.expose())));
        all.extend(body.iter().map(|text| (channel, format!("{path}.body"), text.expose())));
    }
    all
}

fn problem(channel: Channel, key: &str, text: &str, attributes: &BTreeMap<String, String>) -> Option<Problem> {
    // `Delivery::new` reports malformed templates.
    let template = Template::parse(text).ok()?;
    // The number has every form. An e-mail address is not parsed.
    let message = Message { channel, to: "+34600112233", code: "000000", user: "user", attributes };
    let values = Values::new(&message);
    let names: BTreeSet<_> = template.names().filter(|name| values.get(name).is_err()).collect();
    if names.is_empty() {
        return None;
    }
    let names: Vec<_> = names.into_iter().map(|name| format!("${{{name}}}")).collect();
    let message = format!(
        "has {}, for which neither keyfob in this channel nor any user of [users] has a value, so no code would be sent; correct the name, \
         or give users the attribute",
        names.join(" and ")
    );
    Some(Problem::new(key, &message))
}
