//! Which messages are asked for: conditions by the names that lists show.

use smppkit_admin::Pairs;
use smppkit_inspect::Pattern;
use smppkit_ops::Problem;
use smppkit_store::{Columns, Final, Judge, Message, MessageId, Search, State};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::{IntoParams, openapi::Required};

use super::moment::Moment;
use super::shown::{Stand, id};
use super::story::Opened;

/// What a query asks for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) search: Search,
    /// Whether what messages are and say is shown.
    pub(super) shows_text: bool,
    /// False if its conditions hold for no message at all.
    pub(super) can_hold: bool,
    pub(super) conditions: Conditions,
}

/// They all have to hold.
#[derive(Debug, Default)]
pub(super) struct Conditions(Vec<Condition>);

/// Messages in one answer at most.
const LIMIT: usize = 1_000;
/// Rows looked at for one answer at most: what a search takes is bounded, and so is what it keeps of the log.
const ROWS: u64 = 100_000;

/// A condition on one field.
#[derive(Debug)]
struct Condition {
    field: Field,
    is_negated: bool,
    either: Vec<Test>,
}

#[derive(Debug)]
enum Test {
    Pattern(Pattern),
    /// Stands in it, in either case; lower case.
    Contains(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Account,
    Source,
    Destination,
    MessageId,
    Kind,
    Text,
    Told,
    Tells,
    Queue,
    Connector,
    RemoteId,
    Reason,
    Attempts,
    Contains,
}

/// What conditions may be about, and what is said of it.
const FIELDS: [(&str, Field, &str); 14] = [
    ("account", Field::Account, "Whose they are."),
    ("source_addr", Field::Source, "The source."),
    ("destination_addr", Field::Destination, "The destination, such as `4477*`."),
    ("message_id", Field::MessageId, "The id."),
    ("kind", Field::Kind, "message, incoming, receipt or broadcast."),
    ("text", Field::Text, "What they say, such as `*code*` or `/code/i`; a comma is one of its characters."),
    (
        "told",
        Field::Told,
        "Of a receipt, whose it is; of a message, the id its ESME was told, where that is another's.",
    ),
    ("tells", Field::Tells, "Of a receipt, the state that it tells."),
    ("queue", Field::Queue, "Where they wait or went."),
    ("connector", Field::Connector, "Who took them, or where they came from, or wait."),
    ("remote_id", Field::RemoteId, "Their name at the other side."),
    ("reason", Field::Reason, "The last reason; a comma is one of its characters."),
    ("attempts", Field::Attempts, "Attempts that failed, such as `1..`."),
    (
        "contains",
        Field::Contains,
        "Plain text, in either case, in any of: message_id, account, addresses, text, remote_id, reason.",
    ),
];

/// The least and most of a number.
type Range = Option<(u64, u64)>;

/// What is about the query itself: the name, the least and most of a number, what is said of it.
const ABOUT: [(&str, Range, &str); 9] = [
    (
        "state",
        None,
        "One of these: queued, sent, delivered, failed, expired, cancelled; or as the protocol says it: SCHEDULED, ENROUTE, DELIVERED, UNDELIVERABLE, EXPIRED, DELETED.",
    ),
    ("from", None, "Accepted at or after, such as 2026-11-22T12:00:00Z."),
    ("until", None, "Accepted before, such as 2026-11-23."),
    ("before", None, "A cursor: only older ones than this message_id."),
    (
        "after",
        None,
        "A cursor: only newer ones than this message_id. Alone, those next to it are given, and the search goes on towards the newest.",
    ),
    ("limit", Some((1, LIMIT as u64)), "So many at most: 100 by default."),
    ("rows", Some((1, ROWS)), "So many messages are looked at at most: 100000 by default."),
    (
        "count",
        None,
        "Whether those behind the page are counted as well, as far as `rows` and time go: `true` or `false`, the default.",
    ),
    ("show_text", None, "Whether what they are and say is shown: `true` or `false`, the default."),
];

impl Wanted {
    /// From a query's parameters. All that is given has to hold; one given twice holds twice.
    pub(super) fn read(pairs: Pairs) -> Result<Self, Problem> {
        let mut wanted = Self {
            search: Search { rows: Some(ROWS), limit: 100, ..Search::default() },
            shows_text: false,
            can_hold: true,
            conditions: Conditions::default(),
        };
        for (name, value) in pairs {
            wanted.take(&name, &value)?;
        }
        wanted.search.has_payloads = wanted.shows_text;
        Ok(wanted)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let search = &mut self.search;
        match name {
            "state" => self.stand(&stands(value)?),
            "from" => search.from = search.from.max(Some(moment(name, value)?.into())),
            "until" => {
                let until = moment(name, value)?.into();
                search.until = Some(search.until.map_or(until, |there| there.min(until)));
            }
            "before" => search.before = Some(cursor(name, value)?),
            "after" => search.after = Some(cursor(name, value)?),
            "limit" => search.limit = number(name, value, LIMIT as u64)? as usize,
            "rows" => search.rows = Some(number(name, value, ROWS)?),
            "count" => search.is_counted = flag(name, value)?,
            "show_text" => self.shows_text = flag(name, value)?,
            _ => {
                let known = FIELDS.iter().find(|(known, ..)| *known == name);
                let (_, field, _) = *known.ok_or_else(|| unknown(name))?;
                if field == Field::MessageId
                    && let Some(one) = id(value)
                {
                    self.narrow_to(one);
                }
                self.conditions.0.push(Condition::read(name, field, value)?);
            }
        }
        Ok(())
    }

    /// Only those that stand so, of those that stand as was asked for before.
    fn stand(&mut self, states: &[State]) {
        let before = &mut self.search.states;
        if before.is_empty() && self.can_hold {
            *before = states.to_vec();
        } else {
            before.retain(|state| states.contains(state));
        }
        self.can_hold &= !before.is_empty();
    }

    /// Looks where one message is, and nowhere else: ids are in the order of rows.
    fn narrow_to(&mut self, one: MessageId) {
        let Search { before, after, .. } = &mut self.search;
        let next = MessageId::from_u64(one.to_u64() + 1).unwrap_or(one);
        *before = Some(before.map_or(next, |there| there.min(next)));
        *after = (*after).max(MessageId::from_u64(one.to_u64().saturating_sub(1)));
    }

    /// Of these, only dead letters.
    pub(super) fn dead_letters(mut self) -> Result<Self, Problem> {
        let failed = State::Final(Final::Failed);
        if !self.search.states.is_empty() && self.search.states != [failed] {
            return Err(wrong("state", "dead letters are failed, all of them"));
        }
        self.search.states = vec![failed];
        Ok(self)
    }
}

impl Conditions {
    fn is_about(&self, field: Field) -> bool {
        self.0.iter().any(|condition| condition.field == field)
    }

    fn of(&self, fields: &'static [Field]) -> impl Iterator<Item = &Condition> {
        self.0.iter().filter(|condition| fields.contains(&condition.field))
    }
}

/// Fields that are in the payload.
const PAYLOAD: &[Field] = &[Field::Kind, Field::Text, Field::Told, Field::Tells];
/// Fields whose conditions are looked at when the message is known as it is now.
const NOW: &[Field] = &[
    Field::MessageId,
    Field::Queue,
    Field::Connector,
    Field::RemoteId,
    Field::Reason,
    Field::Attempts,
    Field::Contains,
];

impl Judge for Conditions {
    fn reads_payloads(&self) -> bool {
        let also = [Field::Connector, Field::Contains];
        PAYLOAD.iter().chain(&also).any(|field| self.is_about(*field))
    }

    fn may(&mut self, columns: &Columns<'_>) -> bool {
        let addresses = self.of(&[Field::Account, Field::Source, Field::Destination]).all(|condition| {
            condition.holds(&[match condition.field {
                Field::Account => columns.account,
                Field::Source => columns.source,
                _ => columns.destination,
            }])
        });
        if !addresses || self.of(PAYLOAD).next().is_none() {
            return addresses;
        }
        let opened = Opened::of(columns.payload);
        let text = if self.is_about(Field::Text) { opened.text() } else { None };
        self.of(PAYLOAD).all(|condition| {
            condition.holds(&[match condition.field {
                Field::Kind => opened.kind.name(),
                Field::Text => text.as_deref().unwrap_or_default(),
                Field::Told => opened.told.as_deref().unwrap_or_default(),
                _ => opened.tells.as_deref().unwrap_or_default(),
            }])
        })
    }

    fn holds(&mut self, message: &Message) -> bool {
        self.of(NOW).all(|condition| {
            let accepted = &message.accepted;
            let remote = message.remote.as_ref();
            let remote_id = remote.and_then(|remote| remote.forms.first()).map_or("", |form| form);
            match condition.field {
                Field::Queue => condition.holds(&[&accepted.queue]),
                Field::RemoteId => condition.holds(&[remote_id]),
                Field::Reason => condition.holds(&[&message.reason]),
                Field::Attempts => condition.holds(&[&message.attempts.to_string()]),
                Field::MessageId => condition.holds(&[&accepted.id.to_string()]),
                Field::Connector => {
                    let took = remote.map_or(&*accepted.queue, |remote| &*remote.connector);
                    // What is for an ESME may have come from one.
                    let is_for_esme = accepted.queue.starts_with("esme:");
                    let from = if is_for_esme { Opened::of(&accepted.payload).came_from } else { None };
                    condition.holds(&[took, from.as_deref().unwrap_or(took)])
                }
                _ => {
                    let (id, text) = (accepted.id.to_string(), Opened::of(&accepted.payload).text());
                    let text = text.as_deref().unwrap_or_default();
                    let Message { reason, .. } = message;
                    let (account, source) = (&*accepted.account, &*accepted.source);
                    condition.holds(&[&id, account, source, &accepted.destination, text, remote_id, reason])
                }
            }
        })
    }
}

impl Condition {
    fn read(name: &str, field: Field, value: &str) -> Result<Self, Problem> {
        let (is_negated, rest) = negated(value);
        if field == Field::Contains {
            return Ok(Self { field, is_negated, either: vec![Test::Contains(rest.to_lowercase())] });
        }
        // A regular expression may have commas of its own.
        let is_one = matches!(field, Field::Text | Field::Reason) || rest.starts_with('/');
        let either: Vec<&str> = if is_one { vec![rest] } else { rest.split(',').collect() };
        let either = either.into_iter().map(|one| match one.parse() {
            Ok(pattern) => Ok(Test::Pattern(pattern)),
            Err(error) => Err(wrong(name, &format!("{error}"))),
        });
        Ok(Self { field, is_negated, either: either.collect::<Result<_, _>>()? })
    }

    /// Whether it holds for one of these; negated, for none.
    fn holds(&self, values: &[&str]) -> bool {
        let is_met = values.iter().any(|value| {
            self.either.iter().any(|test| match test {
                Test::Pattern(pattern) => pattern.holds_for(value),
                Test::Contains(text) => value.to_lowercase().contains(text.as_str()),
            })
        });
        is_met != self.is_negated
    }
}

/// Without its `!`, if it has one.
fn negated(value: &str) -> (bool, &str) {
    value.strip_prefix('!').map_or((false, value), |rest| (true, rest))
}

/// The states of a list of their names; all others if it is negated.
fn stands(value: &str) -> Result<Vec<State>, Problem> {
    let (is_negated, rest) = negated(value);
    let named: Vec<Stand> = rest
        .split(',')
        .map(|name| Stand::named(name).ok_or_else(|| no_state(name)))
        .collect::<Result<_, _>>()?;
    Ok(Stand::ALL.into_iter().filter(|stand| named.contains(stand) != is_negated).map(State::from).collect())
}

fn no_state(name: &str) -> Problem {
    let known = Stand::ALL.map(Stand::name).join(", ");
    malformed("state", &format!("{name:?} is no state; there are {known}"))
}

fn moment(name: &str, value: &str) -> Result<Moment, Problem> {
    value.parse().map_err(|error| malformed(name, &format!("{error}")))
}

fn flag(name: &str, value: &str) -> Result<bool, Problem> {
    value.parse().map_err(|_| malformed(name, &format!("{value:?} is neither true nor false")))
}

fn number(name: &str, value: &str, most: u64) -> Result<u64, Problem> {
    let number = value.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| wrong(name, &format!("{value:?} is no number from 1 to {most}")))
}

fn cursor(name: &str, value: &str) -> Result<MessageId, Problem> {
    id(value).ok_or_else(|| wrong(name, &format!("{value:?} is no message_id")))
}

/// No parameter goes by this name.
fn unknown(name: &str) -> Problem {
    let known: Vec<&str> =
        FIELDS.iter().map(|(name, ..)| *name).chain(ABOUT.iter().map(|(name, ..)| *name)).collect();
    malformed(name, &format!("there is no such parameter; there are {}", known.join(", ")))
}

fn malformed(name: &str, why: &str) -> Problem {
    Problem::new(axum::http::StatusCode::BAD_REQUEST, format!("{name}: {why}")).with("field", name)
}

fn wrong(name: &str, why: &str) -> Problem {
    Problem::unprocessable(format!("{name}: {why}")).with("parameter", name)
}

/// For the document about the routes.
impl IntoParams for Wanted {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let fields = FIELDS.iter().map(|(name, _, help)| (*name, None, *help));
        ABOUT
            .into_iter()
            .chain(fields)
            .map(|(name, range, help)| {
                let kind = if range.is_some() { Type::Integer } else { Type::String };
                let mut schema = ObjectBuilder::new().schema_type(SchemaType::Type(kind));
                if let Some((least, most)) = range {
                    schema = schema.minimum(Some(least)).maximum(Some(most));
                }
                let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query);
                parameter.required(Required::False).description(Some(help)).schema(Some(schema)).build()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
