//! What the rules would do with a PDU, those of now or with one that is being written.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smppkit_inspect::encode;
use smppkit_ops::{Json, Path, Problem};
use smppkit_wire::Header;
use smppkit_wire::pdu::{PduDef, TABLE};
use utoipa::ToSchema;

use super::Operated;
use crate::node::Node;
use crate::rules::{Asker, BadRule, Rule, Rules, Takes, Then};

/// A PDU, and who sends it. What else rules look at goes beside: fields by their names, and TLVs as a list under
/// `tlvs`, in the form of `POST /api/v1/codec/encode`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"destination_addr": "447700900123", "text": "Hello"}))]
pub(super) struct Question {
    /// The PDU's name. Default: submit_sm.
    #[serde(default = "submit_sm")]
    #[schema(example = "submit_sm")]
    command: String,
    /// Where it goes; of a submit_multi one of its destinations.
    destination_addr: Option<String>,
    /// Its text, encoded as it needs; of one in several parts the first.
    text: Option<String>,
    /// Who is bound; of a bind who wants to be.
    system_id: Option<String>,
    /// How: transmitter, receiver or transceiver, which is the default.
    bind_mode: Option<String>,
    /// The version that is spoken. Default: the newest one that the SMSC speaks.
    interface_version: Option<String>,
    /// The ESME's address.
    peer: Option<String>,
    /// A rule that is not there yet, as `POST /api/v1/smscs/{smsc}/rules` takes it, tested with those that are.
    #[schema(value_type = Option<Object>)]
    rule: Option<Rule>,
    /// The place of the rule that it stands in for, of those that came over REST. Default: in front of all.
    place: Option<u32>,
    /// Fields of the PDU.
    #[serde(flatten)]
    #[schema(additional_properties, value_type = Object)]
    fields: Map<String, Value>,
}

fn submit_sm() -> String {
    "submit_sm".to_owned()
}

/// What the rules would do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tested {
    /// The rules that it matches, in their order.
    matches: Vec<Matched>,
    /// What the first of them that takes anything does. Nothing: it goes as without rules.
    effect: Option<Effect>,
}

/// A rule that a PDU matches.
#[derive(Debug, Serialize, ToSchema)]
struct Matched {
    /// Its place, from 0.
    place: usize,
    /// Where it is from: `rest`, `file`, or `draft` for the one in the request.
    from: &'static str,
    takes: Takes,
    /// What it takes and leaves, in words: shares and counts, as they stand. Empty where it takes all.
    told: String,
    rule: Rule,
}

/// What a rule would do.
#[derive(Debug, Serialize, ToSchema)]
struct Effect {
    /// The rule's place.
    place: usize,
    then: Then,
}

/// Says which rules a PDU would match and what they would do with it; nothing is done or counted.
///
/// Shares and counts are told, not drawn, and no script is asked. A message in several parts is judged part by part.
#[utoipa::path(post, path = "/api/v1/smscs/{smsc}/rules/test", tag = "rules", request_body = Question,
    params(("smsc" = String, Path, description = "The SMSC's name")),
    responses((status = 200, body = Tested), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn test(
    State(operated): State<Operated>,
    Path(smsc): Path<String>,
    Json(mut question): Json<Question>,
) -> Result<Json<Tested>, Problem> {
    let node = operated.node(&smsc)?;
    let draft = question.rule.take();
    let place = match (&draft, question.place) {
        (None, Some(_)) => return Err(wrong("place", "is of a rule, and there is none in the request")),
        (_, place) => place.map(|place| place as usize),
    };
    let pdu = question.pdu()?;
    let settings = node.settings.load();
    let asker = Asker {
        system_id: if pdu.names_system_id { "" } else { question.system_id.as_deref().unwrap_or_default() },
        bind_mode: bind_mode(question.bind_mode.as_deref())?,
        interface_version: question.interface_version.as_deref().unwrap_or(settings.version.name()),
        peer: question.peer.as_deref().unwrap_or_default(),
        sequence_number: pdu.sequence_number,
    };
    let is_draft = draft.is_some();
    let (rules, added) = with_draft(node, draft, place)?;
    let explained = rules.explain(pdu.def.name, &pdu.octets.into(), pdu.destination.as_deref(), asker);
    let effect = explained.iter().find(|found| found.takes != Takes::None);
    let effect = effect.map(|found| Effect { place: found.place, then: found.rule.then.clone() });
    let from = |at: usize| match at {
        at if is_draft && at == place.unwrap_or(0) => "draft",
        at if at < added => "rest",
        _ => "file",
    };
    let matches = explained.into_iter().map(|found| Matched {
        place: found.place,
        from: from(found.place),
        takes: found.takes,
        told: found.told,
        rule: found.rule,
    });
    Ok(Json(Tested { matches: matches.collect(), effect }))
}

/// The rules of an SMSC with a draft among them, and how many of them are not the file's. Those that are unchanged have
/// their counts, which nobody changes here.
fn with_draft(node: &Node, draft: Option<Rule>, place: Option<usize>) -> Result<(Rules, usize), Problem> {
    let mut added = node.added().clone();
    match (draft, place) {
        (None, _) => {}
        (Some(draft), None) => added.insert(0, draft),
        (Some(draft), Some(place)) => match added.get_mut(place) {
            Some(rule) => *rule = draft,
            None => return Err(wrong("place", "is none of a rule that came over REST")),
        },
    }
    let (count, all, settings) = (added.len(), node.hub.settings.load(), node.settings.load());
    let rules = added.into_iter().chain(settings.rules());
    let rules = Rules::new(rules, |name| all.dialect(name), &node.rules.load());
    let rules = rules.map_err(|BadRule { why, .. }| wrong("rule", &why))?;
    Ok((rules, count))
}

/// The PDU that is asked about.
struct Asked {
    def: &'static PduDef,
    octets: Vec<u8>,
    sequence_number: u32,
    /// Of a submit_multi.
    destination: Option<String>,
    names_system_id: bool,
}

impl Question {
    fn pdu(&mut self) -> Result<Asked, Problem> {
        let mut requests = TABLE.iter().filter(|def| def.command_id & Header::RESPONSE_BIT == 0);
        let def = requests
            .find(|def| def.name == self.command)
            .ok_or_else(|| wrong("command", &format!("{:?} names no request", self.command)))?;
        let has = |name: &str| def.fields.iter().any(|field| field.name == name);
        let mut fields = std::mem::take(&mut self.fields);
        fields.insert("command".to_owned(), def.name.into());
        if let Some(text) = &self.text {
            user_data(text, has("short_message"), &mut fields)?;
        }
        let names_system_id = has("system_id");
        if let (true, Some(system_id)) = (names_system_id, &self.system_id) {
            fields.insert("system_id".to_owned(), system_id.as_str().into());
        }
        // A submit_multi is judged for each of its destinations.
        let mut destination = self.destination_addr.take();
        if !has("dest_address")
            && let Some(destination) = destination.take()
        {
            fields.insert("destination_addr".to_owned(), destination.into());
        }
        let octets = encode(&Value::Object(fields)).map_err(|error| {
            let problem = Problem::unprocessable(error.to_string());
            error.key.into_iter().fold(problem, |problem, key| problem.with("field", key))
        })?;
        let sequence_number = octets.get(12..16).and_then(|octets| octets.try_into().ok());
        let sequence_number = sequence_number.map(u32::from_be_bytes).unwrap_or_default();
        Ok(Asked { def, octets, sequence_number, destination, names_system_id })
    }
}

/// A text as user data: in short_message, or where there is none in message_payload.
fn user_data(text: &str, is_short: bool, fields: &mut Map<String, Value>) -> Result<(), Problem> {
    let split = smppkit_text::split(text, &smppkit_text::Options::default(), 0);
    let split = split.map_err(|error| wrong("text", &error.to_string()))?;
    let (coding, parts) = (split.encoding.data_coding(), split.parts);
    let Some(first) = parts.into_iter().next() else { return Ok(()) };
    fields.entry("data_coding").or_insert_with(|| coding.into());
    fields.entry("esm_class").or_insert_with(|| (if first.udhi { 0x40 } else { 0 }).into());
    let hex = smppkit_inspect::hex(&first.user_data);
    if is_short {
        fields.insert("short_message".to_owned(), hex.into());
        return Ok(());
    }
    let tlvs = fields.entry("tlvs").or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(tlvs) = tlvs else { return Err(wrong("tlvs", "is no list")) };
    tlvs.push(serde_json::json!({"name": "message_payload", "hex": hex}));
    Ok(())
}

fn bind_mode(given: Option<&str>) -> Result<&'static str, Problem> {
    const MODES: [&str; 3] = ["transceiver", "transmitter", "receiver"];
    let mode = MODES.into_iter().find(|mode| given.is_none_or(|given| given == *mode));
    mode.ok_or_else(|| wrong("bind_mode", "is none of transmitter, receiver, transceiver"))
}

fn wrong(field: &str, why: &str) -> Problem {
    Problem::unprocessable(format!("{field}: {why}")).with("field", field)
}
