//! Messages: found, taken back, sent again.

use axum::extract::State;
use serde::Serialize;
use smppkit_admin::Pairs;
use smppkit_ops::{Json, Path, Problem, Query};
use smppkit_relay::told;
use smppkit_store::{Change, Message, MessageId, Outcome, Page, Refusal, Store, Story};
use smppkit_wire::value::MessageState;
use utoipa::ToSchema;

use super::Operated;
use super::moment::Moment;
use super::operated::of_store;
use super::search::Wanted;
use super::shown::{Shown, Stand, id};
use super::story::{Kind, Opened};

/// A page of messages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Messages {
    /// The newest first.
    items: Vec<Listed>,
    /// The first message looked at, whether it is meant or not.
    first: Option<String>,
    /// Give it as `before` to go on, or as `after` if only that was given; nothing at the end. A page may be short,
    /// even empty, and have one.
    next: Option<String>,
    /// When the message of that cursor was accepted: so far it is looked at.
    reached: Option<Moment>,
    /// Messages looked at.
    looked_at: u64,
    /// How many there are, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Count>,
}

/// How many there are, from the cursor on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Count {
    /// So many were found.
    at_least: u64,
    /// Whether all were looked at, so that there are no more.
    is_exact: bool,
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
    fn of(message: &Message, shows_text: bool) -> Self {
        let mut shown = Shown::of(message);
        let says = shows_text.then(|| {
            let opened = Opened::of(&message.accepted.payload);
            if let Some(connector) = &opened.came_from {
                shown.came_from(connector);
            }
            let text = opened.text();
            let Opened { kind, told, tells, .. } = opened;
            Says { kind, told, tells, text }
        });
        Self { message: shown, says }
    }
}

/// Messages, receipts and messages for ESMEs, the newest first.
///
/// Parameters that are not about the query itself are conditions, and all have to hold. A value is a pattern: `4477*`,
/// `/regex/i`, `1..9`; several with commas between them, one of which has to hold; a `!` before it all negates it. An
/// answer looks at a bounded number of messages: if `next` is there, it has not looked at all of them.
#[utoipa::path(get, path = "/api/v1/messages", tag = "messages", params(Wanted),
    responses((status = 200, body = Messages), (status = 400, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn list(
    State(operated): State<Operated>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Messages>, Problem> {
    find(&operated, Wanted::read(pairs)?).await
}

/// Messages that were given up, the newest first: those in state `failed`.
#[utoipa::path(get, path = "/api/v1/dead-letters", tag = "messages", params(Wanted),
    responses((status = 200, body = Messages), (status = 400, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn dead_letters(
    State(operated): State<Operated>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Messages>, Problem> {
    find(&operated, Wanted::read(pairs)?.dead_letters()?).await
}

async fn find(operated: &Operated, wanted: Wanted) -> Result<Json<Messages>, Problem> {
    let Wanted { search, shows_text, can_hold, mut conditions } = wanted;
    let is_counted = search.is_counted;
    let page = if can_hold {
        operated.read(move |reader| reader.search(&search, &mut conditions)).await?
    } else {
        Page { is_whole: true, ..Page::default() }
    };
    Ok(Json(Messages {
        items: page.messages.iter().map(|message| Listed::of(message, shows_text)).collect(),
        first: page.first.map(|first| first.to_string()),
        next: page.next.map(|next| next.to_string()),
        reached: page.next.map(|next| next.made_at().into()),
        looked_at: page.rows,
        found: is_counted.then_some(Count { at_least: page.found, is_exact: page.is_whole }),
    }))
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
        let message = story(store, id)?.message;
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
        let message = story(store, id)?.message;
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

fn story(store: &dyn Store, id: MessageId) -> Result<Story, Problem> {
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
