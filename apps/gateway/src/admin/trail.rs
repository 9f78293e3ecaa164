//! Which PDUs of the record belong to a message.

use std::future::Future;
use std::pin::Pin;

use smppkit_admin::record::{Trail, Trails};
use smppkit_inspect::{Filter, hex};
use smppkit_ops::Problem;
use smppkit_store::Message;

use super::Operated;
use super::messages::{named, unknown};
use super::story::{Kind, Opened};

impl Trails for Operated {
    fn of(&self, message: String) -> Pin<Box<dyn Future<Output = Result<Trail, Problem>> + Send + '_>> {
        Box::pin(async move {
            let id = named(&message)?;
            let story = self.read(move |reader| reader.story(id)).await?.ok_or_else(|| unknown(id))?;
            Ok(trail(&story.message))
        })
    }
}

/// From an id being given to its PDU being recorded, and from its end being told to that of the store: a batch.
const BATCH_MS: i64 = 2_000;
/// What names a message that was taken.
const ANSWERS: &str = "/^(submit|data|broadcast).*_resp$/";
/// Patterns are no longer than this.
const LONGEST: usize = 900;

fn trail(message: &Message) -> Trail {
    let accepted = &message.accepted;
    let opened = Opened::of(&accepted.payload);
    let told = opened.told.clone().unwrap_or_else(|| accepted.id.to_string());
    let remote = message.remote.as_ref();
    let there: Vec<&str> = remote.iter().flat_map(|remote| &remote.forms).map(AsRef::as_ref).collect();
    let connector = remote.map_or("*", |remote| &*remote.connector);
    let mut trail =
        Trail { from_ms: accepted.id.made_at().0 - BATCH_MS, until_ms: i64::MAX, ..Trail::default() };
    let own = [told.as_str()];
    // To its ESME, and from it: those sessions have no connector.
    let ours: [(&str, String); 2] = [("direction", "out".into()), ("connector", "!*".into())];
    let theirs: [(&str, String); 2] = [("direction", "in".into()), ("connector", connector.into())];
    let receipts = |trail: &mut Trail, ids: &[&str], at: &[(&str, String)]| {
        trail.by_id.extend(filter(at, &[("receipted_message_id", any(ids))]));
        trail.by_id.extend(filter(at, &[("command", "deliver_sm".into()), ("text", in_text(ids))]));
    };
    match opened.kind {
        Kind::Receipt => receipts(&mut trail, &own, &ours),
        Kind::Incoming => {
            let from = opened.came_from.clone().unwrap_or_else(|| "*".to_owned());
            trail.until_ms = message.finished_at.map_or(i64::MAX, |at| at.0 + BATCH_MS);
            for (direction, connector) in [("in", from), ("out", "!*".to_owned())] {
                let at = [("direction", direction.into()), ("connector", connector)];
                trail.by_content.extend(content(message, &opened, "deliver_sm", &at));
            }
        }
        Kind::Message | Kind::Broadcast => {
            trail.by_id.extend(filter(&ours, &[("command", ANSWERS.into()), ("message_id", any(&own))]));
            receipts(&mut trail, &own, &ours);
            if !there.is_empty() {
                let answers = [("command", ANSWERS.into()), ("message_id", any(&there))];
                trail.by_id.extend(filter(&theirs, &answers));
                receipts(&mut trail, &there, &theirs);
            }
            let at = [("direction", "out".to_owned()), ("connector", "*".to_owned())];
            trail.by_content.extend(content(message, &opened, "submit_sm", &at));
            trail.named = filter(&[], &[("message_id", any(&there))]);
        }
        Kind::Unknown => {}
    }
    trail
}

/// A filter; none where a value makes no pattern, as an id with strange characters may.
fn filter(at: &[(&str, String)], more: &[(&str, String)]) -> Option<Filter> {
    let mut filter = Filter::default();
    for (name, pattern) in at.iter().chain(more) {
        filter.and(name, pattern.parse().ok()?).ok()?;
    }
    Some(filter)
}

/// Requests with the same addresses and user data.
fn content(message: &Message, opened: &Opened, command: &str, at: &[(&str, String)]) -> Option<Filter> {
    let (name, octets) = opened.carries()?;
    let octets = hex(octets);
    if octets.is_empty() || octets.len() > LONGEST {
        return None;
    }
    let accepted = &message.accepted;
    let same = [
        ("command", command.to_owned()),
        ("source_addr", exactly(&accepted.source)),
        ("destination_addr", exactly(&accepted.destination)),
        (name, octets),
    ];
    filter(at, &same)
}

/// Peers write leading zeros or leave them out, and either case. With no id it holds for none.
fn any(ids: &[&str]) -> String {
    format!("/(?i)^0*({})$/", alternatives(ids))
}

/// An id at the beginning of a receipt's text (SMPP 3.4, Appendix B).
fn in_text(ids: &[&str]) -> String {
    format!("/(?i)^id:0*({})\\b/", alternatives(ids))
}

fn alternatives(ids: &[&str]) -> String {
    let ids = ids.iter().map(|id| match id.trim_start_matches('0') {
        "" => "0".to_owned(),
        id => escaped(id),
    });
    let all = ids.collect::<Vec<_>>().join("|");
    // What no id is.
    if all.is_empty() { "\\s\\S".to_owned() } else { all }
}

fn exactly(text: &str) -> String {
    format!("/^{}$/", escaped(text))
}

/// With every character that a regular expression has a use for marked as itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if r"\.+*?()|[]{}^$#&-~/".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
