//! One message, with all that became of it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smppkit_inspect::Dissector;
use smppkit_ops::{Json, Path, Problem, Query};
use smppkit_relay::Parcel;
use smppkit_store::{Event, EventKind};
use smppkit_text::{McDefault, decode_user_data};
use smppkit_wire::tlv::tag;
use smppkit_wire::value::EsmClass;
use smppkit_wire::{Body, CommandStatus, Tlvs, Version};
use utoipa::{IntoParams, ToSchema};

use super::Operated;
use super::messages::{named, unknown};
use super::moment::Moment;
use super::shown::{Shown, Stand};
use crate::facts::user_data;

/// One message, with all that became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageStory)]
pub(super) struct Whole {
    #[serde(flatten)]
    message: Shown,
    /// Grows with each change.
    version: u32,
    /// `message` from an ESME, `incoming` for one, a `receipt`, or a `broadcast`.
    kind: Kind,
    /// The protocol version that its ESME speaks.
    interface_version: Option<&'static str>,
    /// Connectors it may go to when its own fails, in order.
    others: Vec<String>,
    /// The id that its ESME was told, where that is another message's.
    told: Option<String>,
    /// Of a receipt, the state that it tells.
    tells: Option<String>,
    /// What it says, if that was asked for.
    text: Option<String>,
    /// The PDU by the names of its fields, what it says masked unless it was asked for.
    #[schema(value_type = Option<Object>)]
    pdu: Option<Value>,
    /// All forms of its name at the other side.
    remote_ids: Vec<String>,
    /// What happened in its last minute or so, the oldest first; what is older is in the fields above.
    events: Vec<Happened>,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// From an ESME to a connector.
    Message,
    /// From a connector to an ESME.
    Incoming,
    /// What an ESME is told of a message of its.
    Receipt,
    /// A broadcast_sm, which a connector took before it was kept.
    Broadcast,
    /// A newer version made it.
    #[default]
    Unknown,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Incoming => "incoming",
            Self::Receipt => "receipt",
            Self::Broadcast => "broadcast",
            Self::Unknown => "unknown",
        }
    }
}

/// Something that happened to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageEvent)]
pub(super) struct Happened {
    at: Moment,
    event: What,
    /// Who took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    connector: Option<String>,
    /// Its name there.
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_id: Option<String>,
    /// Where it waits from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    /// Not sent before.
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<Moment>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Stand>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// The other side took it.
    Sent,
    /// An attempt failed; there will be another.
    Retry,
    /// It waits, which is no attempt.
    Delay,
    /// It ended.
    End,
    /// It came back from the dead letters.
    Replay,
    /// Something that a newer version knows.
    Other,
}

/// What to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Show {
    /// Whether what it says is shown. Default: false.
    #[serde(default)]
    #[param(required = false)]
    text: bool,
}

/// One message, with all that became of it.
#[utoipa::path(get, path = "/api/v1/messages/{message_id}", tag = "messages",
    params(("message_id" = String, Path, description = "The message's id"), Show),
    responses((status = 200, body = Whole), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn one(
    State(operated): State<Operated>,
    Path(message_id): Path<String>,
    Query(show): Query<Show>,
) -> Result<Json<Whole>, Problem> {
    let id = named(&message_id)?;
    let story = operated.read(move |reader| reader.story(id)).await?.ok_or_else(|| unknown(id))?;
    let remote_ids = story.message.remote.iter().flat_map(|remote| &remote.forms);
    let remote_ids = remote_ids.map(ToString::to_string).collect();
    let opened = Opened::of(&story.message.accepted.payload);
    let said = if show.text { opened.text() } else { None };
    let mut message = Shown::of(&story.message);
    if let Some(connector) = &opened.came_from {
        message.came_from(connector);
    }
    Ok(Json(Whole {
        message,
        version: story.message.version,
        kind: opened.kind,
        interface_version: opened.interface_version,
        others: opened.others,
        text: said,
        told: opened.told,
        tells: opened.tells,
        pdu: opened.body.as_ref().map(|body| pdu(body, show.text)),
        remote_ids,
        events: story.events.iter().map(Happened::of).collect(),
    }))
}

/// What the payload of a message holds, but for the PDU itself.
#[derive(Debug, Default)]
pub(super) struct Opened {
    pub(super) kind: Kind,
    interface_version: Option<&'static str>,
    others: Vec<String>,
    pub(super) told: Option<String>,
    pub(super) tells: Option<String>,
    /// Nothing where a newer version wrote it, and of a receipt.
    body: Option<Body>,
    /// The connector that it came from.
    pub(super) came_from: Option<String>,
}

impl Opened {
    /// What a newer version wrote is of unknown kind.
    pub(super) fn of(payload: &[u8]) -> Self {
        let mut opened = Self::default();
        match Parcel::read(payload) {
            Ok(Parcel::Message(message)) => {
                opened.kind = Kind::Message;
                opened.interface_version = Some(message.version.name());
                opened.others = message.others.iter().map(ToString::to_string).collect();
                opened.told = message.told.map(|id| id.to_string());
                opened.body = Some(message.pdu.into());
            }
            Ok(Parcel::Incoming(message)) => {
                opened.kind = Kind::Incoming;
                opened.came_from = Some(message.connector.to_string());
                opened.body = Some(message.pdu.into());
            }
            Ok(Parcel::Report(report)) => {
                opened.kind = Kind::Receipt;
                opened.told = Some(report.id_text());
                opened.tells = Some(report.state.to_string());
            }
            Ok(Parcel::Broadcast(broadcast)) => {
                opened.kind = Kind::Broadcast;
                // No other version has it.
                opened.interface_version = Some(Version::V50.name());
                opened.told = broadcast.told.map(|id| id.to_string());
                opened.body = Some(broadcast.pdu.into());
            }
            Err(_) => {}
        }
        opened
    }

    /// Its user data, and the field or TLV that holds them.
    pub(super) fn carries(&self) -> Option<(&'static str, &[u8])> {
        let (short_message, tlvs): (&[u8], &Tlvs) = match self.body.as_ref()? {
            Body::SubmitSm(pdu) => (&pdu.short_message, &pdu.tlvs),
            Body::DeliverSm(pdu) => (&pdu.short_message, &pdu.tlvs),
            _ => return None,
        };
        let payload = tlvs.get(tag::message_payload).map(|payload| ("message_payload", payload));
        Some(payload.unwrap_or(("short_message", short_message)))
    }

    /// What it says, decoded.
    pub(super) fn text(&self) -> Option<String> {
        let (octets, esm_class, coding) = match self.body.as_ref()? {
            Body::SubmitSm(pdu) => (user_data(&pdu.short_message, &pdu.tlvs), pdu.esm_class, pdu.data_coding),
            Body::DeliverSm(pdu) => {
                (user_data(&pdu.short_message, &pdu.tlvs), pdu.esm_class, pdu.data_coding)
            }
            Body::BroadcastSm(pdu) => (user_data(&[], &pdu.tlvs), EsmClass::DEFAULT, pdu.data_coding),
            _ => return None,
        };
        Some(decode_user_data(octets, esm_class.has_udh(), coding.0, McDefault::GsmUnpacked).decoded.text)
    }
}

/// A PDU by the names of its fields; what it says is masked unless it may be shown.
pub(super) fn pdu(body: &Body, with_text: bool) -> Value {
    let mut octets = Vec::new();
    body.encode(CommandStatus::ESME_ROK, 0, Version::V50, &mut octets);
    let dissector = Dissector { frame_limit_octets: u32::MAX, ..Dissector::default() };
    let mut json = dissector.dissect(&octets.into()).json();
    if let Value::Object(fields) = &mut json {
        // It has no header while it is kept.
        for name in ["command_length", "command_id", "command_status", "sequence_number", "error"] {
            fields.shift_remove(name);
        }
        if !with_text {
            mask(fields);
        }
    }
    json
}

fn mask(fields: &mut Map<String, Value>) {
    for name in ["short_message", "user_data_after_udh"] {
        if let Some(value) = fields.get_mut(name)
            && value != ""
        {
            *value = MASK.into();
        }
    }
    for tlv in fields.get_mut("tlvs").and_then(Value::as_array_mut).into_iter().flatten() {
        let is_public = tlv["name"].as_str().is_some_and(|name| name != "message_payload");
        // What an unknown TLV says nobody knows: it may be a text, too.
        if !is_public {
            tlv["value"] = MASK.into();
            tlv["hex"] = MASK.into();
        }
    }
}

impl Happened {
    fn of(event: &Event) -> Self {
        let mut happened = Self {
            at: event.at.into(),
            event: What::Other,
            connector: None,
            remote_id: None,
            queue: None,
            due: None,
            state: None,
            reason: None,
        };
        let reason = |reason: &str| (!reason.is_empty()).then(|| reason.to_owned());
        match &event.kind {
            EventKind::Sent { remote } => {
                happened.event = What::Sent;
                happened.connector = Some(remote.connector.to_string());
                happened.remote_id = remote.forms.first().map(ToString::to_string);
            }
            EventKind::Retry { due_at, queue, is_attempt, reason: why } => {
                happened.event = if *is_attempt { What::Retry } else { What::Delay };
                (happened.queue, happened.due) = (Some(queue.to_string()), Some((*due_at).into()));
                happened.reason = reason(why);
            }
            EventKind::Finish { state, reason: why } => {
                happened.event = What::End;
                happened.state = Some((*state).into());
                happened.reason = reason(why);
            }
            EventKind::Replay { due_at, queue } => {
                happened.event = What::Replay;
                (happened.queue, happened.due) = (Some(queue.to_string()), Some((*due_at).into()));
            }
            _ => {}
        }
        happened
    }
}

const MASK: &str = "***";
