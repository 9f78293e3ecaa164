//! Messages: found, taken back, sent again.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use smppkit_ops::{Json, Path, Problem, Query};
use smppkit_relay::told;
use smppkit_store::{Change, Message, MessageId, Outcome, Refusal, Search, Store, Story};
use smppkit_wire::value::MessageState;
use utoipa::{IntoParams, ToSchema};

use super::Operated;
use super::moment::Moment;
use super::operated::of_store;
use super::shown::{Shown, Stand, id};
use super::story::{Kind, Opened};

/// A page of messages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Messages {
    /// The newest first.
    items: Vec<Listed>,
    /// Give it as `before` to go on; nothing at the end. A page may be short, even empty, and have one.
    next: Option<String>,
}

/// A message of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedMessage)]
pub(super) struct Listed {
    #[serde(flatten)]
    message: Shown,
    /// What it says, if that was asked for.
    #[serde(flatten)]
    says: Option<Says>,
}

/// What a message of a list says.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Says {
    /// `message` from an ESME, `incoming` for one, a `receipt`, or a `broadcast`.
    kind: Kind,
    /// Of a receipt, whose it is; of a message, the id its ESME was told, where that is another's.
    told: Option<String>,
    /// Of a receipt, the state that it tells.
    tells: Option<String>,
    text: Option<String>,
}

impl Listed {
    fn of(message: &Message, with_text: bool) -> Self {
        let says = with_text.then(|| {
            let Opened { kind, told, tells, text, .. } = Opened::of(&message.accepted.payload, true);
            Says { kind, told, tells, text }
        });
        Self { message: Shown::of(message), says }
    }
}

/// Which messages. All that is given has to hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Whose they are.
    account: Option<String>,
    /// Exactly this source.
    source_addr: Option<String>,
    /// Exactly this destination.
    destination_addr: Option<String>,
    /// Where they stand.
    #[param(inline)]
    state: Option<Stand>,
    /// Accepted at or after.
    #[param(value_type = Option<String>, example = "2026-11-22T12:00:00Z")]
    from: Option<Moment>,
    /// Accepted before.
    #[param(value_type = Option<String>, example = "2026-11-23")]
    until: Option<Moment>,
    /// The cursor: only older ones than this.
    before: Option<String>,
    /// So many at most: 100 by default, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Whether what they are and say is shown. Default: false.
    #[serde(default)]
    #[param(required = false)]
    text: bool,
}

/// Messages in one answer at most.
const LIMIT: usize = 1_000;

impl Wanted {
    fn search(self) -> Result<Search, Problem> {
        let before = self.before.map(|text| {
            let wrong = || {
                Problem::unprocessable(format!("before: {text:?} is no message_id"))
                    .with("parameter", "before")
            };
            id(&text).ok_or_else(wrong)
        });
        Ok(Search {
            from: self.from.map(Into::into),
            until: self.until.map(Into::into),
            account: self.account.map(Into::into),
            source: self.source_addr.map(Into::into),
            destination: self.destination_addr.map(Into::into),
            state: self.state.map(Into::into),
            before: before.transpose()?,
            limit: limit(self.limit, 100, LIMIT)?,
        })
    }
}

/// How many are asked for.
pub(super) fn limit(asked: Option<usize>, default: usize, most: usize) -> Result<usize, Problem> {
    match asked {
        None => Ok(default),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(limit) => {
            let detail = format!("limit: {limit} is no number from 1 to {most}");
            Err(Problem::unprocessable(detail).with("parameter", "limit"))
        }
    }
}

/// Messages, receipts and messages for ESMEs, the newest first.
#[utoipa::path(get, path = "/api/v1/messages", tag = "messages", params(Wanted),
    responses((status = 200, body = Messages), (status = 400, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn list(
    State(operated): State<Operated>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Messages>, Problem> {
    let with_text = wanted.text;
    let search = wanted.search()?;
    let page = operated.read(move |reader| {
        let mut page = reader.search(&search)?;
        // A list has no payloads of its own: they are read for those who want to see what was said.
        for message in page.messages.iter_mut().filter(|_| with_text) {
            if let Some(story) = reader.story(message.accepted.id)? {
                message.accepted.payload = story.message.accepted.payload;
            }
        }
        Ok(page)
    });
    let page = page.await?;
    let items = page.messages.iter().map(|message| Listed::of(message, with_text)).collect();
    Ok(Json(Messages { items, next: page.next.map(|next| next.to_string()) }))
}

/// Messages that were given up, the newest first: those in state `failed`.
#[utoipa::path(get, path = "/api/v1/dead-letters", tag = "messages", params(Wanted),
    responses((status = 200, body = Messages), (status = 400, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn dead_letters(
    State(operated): State<Operated>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Messages>, Problem> {
    if wanted.state.is_some_and(|state| state != Stand::Failed) {
        return Err(
            Problem::unprocessable("state: dead letters are failed, all of them").with("parameter", "state")
        );
    }
    list(State(operated), Query(Wanted { state: Some(Stand::Failed), ..wanted })).await
}

/// Takes a message back that is not on its way yet. Its sender gets the receipt that it asked for.
#[utoipa::path(post, path = "/api/v1/messages/{message_id}/cancel", tag = "messages",
    params(("message_id" = String, Path, description = "The message's id")),
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn cancel(
    State(operated): State<Operated>,
    Path(message_id): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let id = named(&message_id)?;
    let outcome = operated.change(move |hub, store, now| {
        let message = find(store, id)?.message;
        let then = told(&message.accepted, MessageState::DELETED, 0, now, hub);
        let account = message.accepted.account.clone();
        Ok(Change::Cancel { id, account, version: Some(message.version), then })
    });
    judge(&outcome.await?)?;
    operated.shown_message(id).await
}

/// Queues a dead letter again, where it was.
#[utoipa::path(post, path = "/api/v1/messages/{message_id}/replay", tag = "messages",
    params(("message_id" = String, Path, description = "The message's id")),
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn replay(
    State(operated): State<Operated>,
    Path(message_id): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let id = named(&message_id)?;
    let outcome = operated.change(move |_, store, now| {
        let message = find(store, id)?.message;
        if message.accepted.expires_at.is_some_and(|at| at <= now) {
            return Err(Problem::conflict("its validity_period is over: it would expire at once"));
        }
        // Named, so that the queue's sessions are called.
        Ok(Change::Replay { id, due_at: now, queue: Some(message.accepted.queue) })
    });
    judge(&outcome.await?)?;
    operated.shown_message(id).await
}

impl Operated {
    async fn shown_message(&self, id: MessageId) -> Result<Json<Shown>, Problem> {
        let story = self.read(move |reader| reader.story(id)).await?;
        let story = story.ok_or_else(|| unknown(id))?;
        Ok(Json(Shown::of(&story.message)))
    }
}

/// The id in a path.
pub(super) fn named(text: &str) -> Result<MessageId, Problem> {
    id(text)
        .ok_or_else(|| Problem::not_found(format!("there is no message {text:?}: an id is decimal digits")))
}

pub(super) fn unknown(id: MessageId) -> Problem {
    Problem::not_found(format!("there is no message {id}"))
}

fn find(store: &dyn Store, id: MessageId) -> Result<Story, Problem> {
    store.story(id).map_err(|error| of_store(&error))?.ok_or_else(|| unknown(id))
}

/// Why a change was not made, if it was not.
fn judge(outcome: &Outcome) -> Result<(), Problem> {
    let Outcome::Refused(refusal) = outcome else { return Ok(()) };
    Err(Problem::conflict(match refusal {
        Refusal::InFlight => "it is on its way, or has been sent: it cannot be taken back".to_owned(),
        Refusal::Ended(end) => format!("it is {} already", Stand::from(*end).name()),
        Refusal::NotThere => "it is no dead letter".to_owned(),
        Refusal::Version { .. } => "it changed in this moment: look at it, and try again".to_owned(),
        _ => "the store refuses it".to_owned(),
    }))
}
