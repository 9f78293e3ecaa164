//! What a page asks for.

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use smppkit_inspect::{EncodeError, Filter, encode, octets_of_hex};
use smppkit_wire::Header;
use utoipa::ToSchema;

/// One message of a page: an object with one key.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = ClientAsk)]
pub(super) enum Ask {
    /// Opens a connection, and binds.
    Connect(Box<Connect>),
    /// Sends one PDU, or octets.
    Send(What),
    /// Sends the same many times.
    Repeat(Again),
    /// Plays steps, up to the first that fails.
    Script(Vec<Step>),
    /// Ends what is repeated or played.
    Stop(bool),
    /// Unbinds, and closes once that is answered.
    Unbind(bool),
    /// Closes without a word.
    Close(bool),
}

/// A server, and as whom to bind.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientConnect)]
pub(super) struct Connect {
    /// Name or address; it has to be among the targets.
    pub(super) host: String,
    pub(super) port: u16,
    /// TLS from the first octet.
    #[serde(default)]
    pub(super) tls: bool,
    /// With TLS, take any certificate.
    #[serde(default)]
    pub(super) any_certificate: bool,
    /// `3.3`, `3.4` or `5.0`, the default.
    #[serde(default = "newest")]
    #[schema(default = "5.0")]
    pub(super) version: String,
    #[serde(default)]
    pub(super) bind: Mode,
    #[serde(default)]
    pub(super) system_id: String,
    #[serde(default)]
    pub(super) password: String,
    #[serde(default)]
    pub(super) system_type: String,
    #[serde(default)]
    pub(super) address_range: String,
    /// After so long without a PDU enquire_link is sent, when bound; 0 is never. Default 30, with bind `none` 0.
    pub(super) enquire_link_seconds: Option<u32>,
    /// Default `auto`, with bind `none` `none`.
    pub(super) answer: Option<Answer>,
}

/// How to bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ClientBind)]
pub(super) enum Mode {
    #[default]
    Transceiver,
    Transmitter,
    Receiver,
    /// Not at all: nothing is sent that the page does not send.
    None,
}

/// Which requests of the server are answered without being asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ClientAnswer)]
pub(super) enum Answer {
    /// All of them, with ESME_ROK or with what is wrong with them.
    Auto,
    /// enquire_link and unbind; the page answers the others.
    Manual,
    /// None.
    None,
}

/// One PDU as an object, or octets as hexadecimal digits.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientSend)]
pub(super) struct What {
    /// Fields and TLVs by their names. sequence_number is the next free one when it is 0 or not there.
    #[schema(value_type = Option<Object>)]
    pdu: Option<Map<String, Json>>,
    /// Sent as they are, whatever they are.
    hex: Option<String>,
}

/// What to send, how often and how fast.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientRepeat)]
pub(super) struct Again {
    #[schema(value_type = Option<Object>)]
    pdu: Option<Map<String, Json>>,
    hex: Option<String>,
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub(super) count: u32,
    /// So many a second.
    #[schema(minimum = 0.01, maximum = 10_000)]
    pub(super) rate: f64,
    /// So many without an answer at most. Default 10.
    #[serde(default = "ten")]
    #[schema(minimum = 1, maximum = 1_000, default = 10)]
    pub(super) window: u32,
}

/// One step of a script: `send`, `expect` or `wait_ms`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientStep)]
pub(super) struct Step {
    pub(super) send: Option<What>,
    /// A PDU by its name, `nothing` (but enquire_link), or `closed`.
    pub(super) expect: Option<String>,
    /// With `expect`, how long. Default 5000; with `nothing` 1000.
    pub(super) within_ms: Option<u32>,
    /// With `expect`, what fields have to be: patterns by their names.
    #[serde(rename = "where")]
    #[schema(value_type = Option<Object>)]
    pub(super) filter: Option<Filter>,
    pub(super) wait_ms: Option<u32>,
}

/// Octets on their way out.
#[derive(Debug, Clone)]
pub(super) struct Octets {
    pub(super) octets: Vec<u8>,
    /// Whether the next free sequence_number is to be written into them.
    pub(super) is_open: bool,
}

impl Ask {
    /// Reads a message; else what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let ask: Self =
            serde_json::from_str(text).map_err(|error| format!("message not understood: {error}"))?;
        match &ask {
            Self::Repeat(again) => again.check()?,
            Self::Script(steps) => check(steps)?,
            _ => {}
        }
        Ok(ask)
    }
}

impl What {
    /// Its octets.
    pub(super) fn octets(&self) -> Result<Octets, EncodeError> {
        let at = |key: &str, message: String| EncodeError { key: Some(key.to_owned()), message };
        match (&self.pdu, &self.hex) {
            (Some(pdu), None) => {
                let given = pdu.get("sequence_number").is_some_and(|number| !number.is_null());
                let octets = encode(&Json::Object(pdu.clone()))?;
                let zero = Header::read(&octets).is_some_and(|header| header.sequence_number == 0);
                Ok(Octets { octets, is_open: zero || !given })
            }
            (None, Some(hex)) => {
                let octets =
                    octets_of_hex(hex).map_err(|error| at("hex", format!("cannot be read: {error}")))?;
                if octets.is_empty() {
                    return Err(at("hex", "is empty".to_owned()));
                }
                Ok(Octets { octets, is_open: false })
            }
            (None, None) => Err(at("pdu", "is not there, nor is hex: give one of them".to_owned())),
            (Some(_), Some(_)) => Err(at("hex", "is there besides pdu: leave one of them out".to_owned())),
        }
    }
}

impl Octets {
    /// With a sequence_number where one is open.
    pub(super) fn numbered(&self, next: impl FnOnce() -> u32) -> Vec<u8> {
        let mut octets = self.octets.clone();
        if let (true, Some(room)) = (self.is_open, octets.get_mut(12..16)) {
            room.copy_from_slice(&next().to_be_bytes());
        }
        octets
    }
}

impl Again {
    /// What is repeated. Octets whose sequence_number is 0, which no request may have, get one each time.
    pub(super) fn octets(&self) -> Result<Octets, EncodeError> {
        let Octets { octets, is_open } = What { pdu: self.pdu.clone(), hex: self.hex.clone() }.octets()?;
        let zero = Header::read(&octets).is_some_and(|header| header.sequence_number == 0);
        Ok(Octets { octets, is_open: is_open || zero })
    }

    fn check(&self) -> Result<(), String> {
        if !(1..=COUNT_LIMIT).contains(&self.count) {
            return Err(format!("count is {}: it may be 1 to {COUNT_LIMIT}", self.count));
        }
        if !(RATE_LEAST..=RATE_LIMIT).contains(&self.rate) {
            return Err(format!("rate is {}: it may be {RATE_LEAST} to {RATE_LIMIT} a second", self.rate));
        }
        if !(1..=WINDOW_LIMIT).contains(&self.window) {
            return Err(format!("window is {}: it may be 1 to {WINDOW_LIMIT}", self.window));
        }
        Ok(())
    }
}

fn check(steps: &[Step]) -> Result<(), String> {
    if steps.is_empty() || steps.len() > STEPS_LIMIT {
        return Err(format!("script has {} steps: it may have 1 to {STEPS_LIMIT}", steps.len()));
    }
    for (step, number) in steps.iter().zip(1..) {
        let actions = [step.send.is_some(), step.expect.is_some(), step.wait_ms.is_some()];
        if actions.iter().filter(|there| **there).count() != 1 {
            return Err(format!("step {number} has to have one of send, expect and wait_ms"));
        }
        if step.expect.is_none() && (step.within_ms.is_some() || step.filter.is_some()) {
            return Err(format!("step {number}: within_ms and where go with expect"));
        }
        if step.within_ms.max(step.wait_ms).is_some_and(|ms| ms > WAIT_LIMIT_MS) {
            return Err(format!("step {number} waits longer than {WAIT_LIMIT_MS} ms"));
        }
        let known = |name: &String| {
            ["nothing", "closed"].contains(&name.as_str())
                || smppkit_wire::pdu::TABLE.iter().any(|def| def.name == name)
        };
        if let Some(name) = step.expect.as_ref().filter(|name| !known(name)) {
            return Err(format!(
                "step {number}: expect {name:?} names no PDU, and is neither nothing nor closed"
            ));
        }
    }
    Ok(())
}

impl core::fmt::Debug for Connect {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connect").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

fn newest() -> String {
    smppkit_wire::Version::V50.name().to_owned()
}

const fn ten() -> u32 {
    10
}

/// Of one repeat: more is what a load test is for.
const COUNT_LIMIT: u32 = 1_000_000;
/// A second: what a page can show the progress of without being the bottleneck.
const RATE_LIMIT: f64 = 10_000.0;
const RATE_LEAST: f64 = 0.01;
/// As wide as any server allows that is known.
const WINDOW_LIMIT: u32 = 1_000;
const STEPS_LIMIT: usize = 1_000;
const WAIT_LIMIT_MS: u32 = 600_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(text: &str) -> Result<Octets, EncodeError> {
        let Ask::Send(what) = Ask::parse(text).unwrap() else { panic!("a send") };
        what.octets()
    }

    #[test]
    fn a_sequence_number_that_is_not_given_is_open() {
        for (number, open) in
            [("", true), (", \"sequence_number\": 0", true), (", \"sequence_number\": 7", false)]
        {
            let text = format!(r#"{{"send": {{"pdu": {{"command": "enquire_link"{number}}}}}}}"#);
            let octets = octets(&text).unwrap();
            assert_eq!(octets.is_open, open, "{text}");
            assert_eq!(octets.numbered(|| 9)[15], if open { 9 } else { 7 });
        }
    }

    #[test]
    fn digits_are_sent_as_they_are() {
        let octets = octets(r#"{"send": {"hex": "00 00 00 00"}}"#).unwrap();
        assert_eq!((octets.numbered(|| 9), octets.is_open), (vec![0; 4], false));
    }

    #[test]
    fn slips_are_named() {
        let slip = |text: &str| Ask::parse(text).map(|_| ()).unwrap_err();
        assert!(slip("{").contains("message not understood"));
        assert!(slip(r#"{"sent": {}}"#).contains("sent"));
        assert!(slip(r#"{"connect": {"host": "h", "port": 1, "pasword": "x"}}"#).contains("pasword"));
        let many = r#"{"repeat": {"hex": "00", "count": 1000001, "rate": 1}}"#;
        assert!(slip(many).contains("count is 1000001"));
        assert!(slip(r#"{"script": [{"wait_ms": 1, "expect": "closed"}]}"#).contains("step 1"));
        assert!(slip(r#"{"script": [{"expect": "submit_sn"}]}"#).contains("submit_sn"));
        assert!(slip(r#"{"script": [{"expect": "submit_sm", "where": {"adr": "1"}}]}"#).contains("adr"));
        let key =
            octets(r#"{"send": {"pdu": {"command": "submit_sm", "destination_adr": "1"}}}"#).unwrap_err();
        assert_eq!(key.key.as_deref(), Some("destination_adr"));
        assert_eq!(octets(r#"{"send": {}}"#).unwrap_err().key.as_deref(), Some("pdu"));
    }
}
