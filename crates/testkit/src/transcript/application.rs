//! `app:` lines: what the application does.

use std::time::Instant;

use smppkit_session::{Asked, Bind, BindMode, SendError, Session};
use smppkit_wire::pdu::PduType;
use smppkit_wire::pdu::table::{BindTransceiver, Outbind};
use smppkit_wire::{Body, CommandStatus};

use crate::pdu::{PduLine, status};
use crate::words::{Word, number};

/// One act, and the error it is expected to meet.
#[derive(Debug, Clone)]
pub(super) struct Act {
    deed: Does,
    /// `-> window_full`.
    refused: Option<String>,
}

#[derive(Debug, Clone)]
enum Does {
    /// `bind transceiver system_id=a password=b`.
    Bind(BindMode, Box<Bind>),
    /// `accept mc1`.
    Accept(String),
    /// `refuse_bind ESME_RBINDFAIL`.
    RefuseBind(CommandStatus),
    /// `outbind system_id=mc`.
    Outbind(Body),
    /// `request submit_sm token=7`.
    Request(Body, u64),
    /// `notify alert_notification`.
    Notify(Body),
    /// `respond 1 message_id=42`: the keys wait until the request's command is known.
    Respond(u32, Vec<Word>),
    /// `refuse 1 ESME_RSYSERR`.
    Refuse(u32, CommandStatus),
    /// `forget 1`.
    Forget(u32),
    /// `unbind`.
    Unbind,
    /// `enquire_link`.
    EnquireLink,
    /// `congestion_state 85`.
    CongestionState(Option<u8>),
    /// `receive_rate 10`.
    ReceiveRate(Option<u32>),
    /// `first_sequence_number 0x7FFFFFFF`.
    FirstSequenceNumber(u32),
}

/// What the peer waits for: filled from events, emptied by acts.
#[derive(Debug, Default)]
pub(super) struct Owed {
    pub(super) bind: Option<Asked>,
    pub(super) requests: Vec<Asked>,
}

impl Owed {
    /// The oldest request with a number.
    fn take(&mut self, seq: u32) -> Result<Asked, String> {
        let at = self.requests.iter().position(|asked| asked.sequence_number == seq);
        Ok(self.requests.remove(at.ok_or_else(|| format!("no request {seq} waits for an answer"))?))
    }

    /// A bind may be answered again, to see that nothing comes of it.
    fn bind(&self) -> Result<Asked, String> {
        self.bind.ok_or_else(|| "no bind came".to_owned())
    }
}

impl Act {
    /// From the words behind `app:`.
    pub(super) fn parse(words: &[Word]) -> Result<Self, String> {
        let arrow = words.iter().position(|word| *word == Word::Bare("->".to_owned()));
        let (words, refused) = match arrow {
            None => (words, None),
            Some(at) => match &words[at + 1..] {
                [Word::Bare(error)] => (&words[..at], Some(error.clone())),
                _ => return Err("-> is followed by window_full, state or version".to_owned()),
            },
        };
        let Some((Word::Bare(verb), rest)) = words.split_first() else {
            return Err("the application's act is missing".to_owned());
        };
        let deed = match (verb.as_str(), rest) {
            ("unbind", []) => Does::Unbind,
            ("enquire_link", []) => Does::EnquireLink,
            ("bind", [Word::Bare(mode), rest @ ..]) => {
                let mode = mode.parse().map_err(|error| format!("{error}"))?;
                Does::Bind(mode, Box::new(bind(rest)?))
            }
            ("outbind", rest) => Does::Outbind(PduLine::of(Outbind::COMMAND_ID, rest)?.body()?),
            ("request", rest) => request(rest)?,
            ("notify", rest) => Does::Notify(PduLine::parse(rest)?.body()?),
            ("respond", [Word::Bare(seq), rest @ ..]) => Does::Respond(number(seq)?, rest.to_vec()),
            (verb, [Word::Bare(argument), rest @ ..]) => with_argument(verb, argument, rest)?,
            _ => return Err(format!("{verb} is nothing an application does, or lacks its argument")),
        };
        Ok(Self { deed, refused })
    }

    /// Does it.
    pub(super) fn perform(
        &self,
        session: &mut Session<u64>,
        owed: &mut Owed,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let mut error = None;
        match &self.deed {
            Does::Bind(mode, bind) => error = session.bind(now, *mode, bind, out).err().as_ref().map(said),
            Does::Accept(name) => session.accept_bind(now, owed.bind()?, name, out),
            Does::RefuseBind(status) => session.refuse_bind(owed.bind()?, *status, out),
            Does::Outbind(body) => {
                let outbind = Outbind::from_body(body.clone()).ok_or("not an outbind")?;
                error = session.outbind(now, outbind, out).err().as_ref().map(said);
            }
            Does::Request(body, token) => {
                error = session.request(now, body.clone(), *token, out).err().as_ref().map(said);
            }
            Does::Notify(body) => error = session.notify(now, body.clone(), out).err().as_ref().map(said),
            Does::Respond(seq, words) => {
                let asked = owed.take(*seq)?;
                let line = PduLine::of(asked.command_id | smppkit_wire::Header::RESPONSE_BIT, words)?;
                session.respond_with(asked, line.status(), line.body()?, out);
            }
            Does::Refuse(seq, status) => session.refuse(owed.take(*seq)?, *status, out),
            Does::Forget(seq) => session.forget(owed.take(*seq)?, out),
            Does::Unbind => session.unbind(now, out),
            Does::EnquireLink => session.enquire_link(now, out),
            Does::CongestionState(state) => session.set_congestion_state(*state),
            Does::ReceiveRate(rate) => session.set_receive_rate(*rate),
            Does::FirstSequenceNumber(first) => session.set_first_sequence_number(*first),
        }
        if error == self.refused.as_deref() {
            Ok(())
        } else {
            let name = |error: Option<&str>| error.unwrap_or("no error").to_owned();
            Err(format!("expected: {}\n    got:      {}", name(self.refused.as_deref()), name(error)))
        }
    }
}

fn said<T>(error: &SendError<T>) -> &'static str {
    match error {
        SendError::WindowFull(..) => "window_full",
        SendError::State(..) => "state",
        SendError::Version(..) => "version",
        SendError::Value(..) => "value",
    }
}

fn with_argument(verb: &str, argument: &str, rest: &[Word]) -> Result<Does, String> {
    let optional = || if argument == "off" { Ok(None) } else { number(argument).map(Some) };
    Ok(match (verb, rest) {
        ("accept", []) => Does::Accept(argument.to_owned()),
        ("refuse_bind", []) => Does::RefuseBind(status(argument)?),
        ("refuse", [Word::Bare(code)]) => Does::Refuse(number(argument)?, status(code)?),
        ("forget", []) => Does::Forget(number(argument)?),
        ("congestion_state", []) => Does::CongestionState(optional()?.map(|state| state as u8)),
        ("receive_rate", []) => Does::ReceiveRate(optional()?),
        ("first_sequence_number", []) => Does::FirstSequenceNumber(number(argument)?),
        _ => return Err(format!("{verb} is nothing an application does, or has words too many")),
    })
}

fn request(words: &[Word]) -> Result<Does, String> {
    let mut token = 0;
    let mut fields = Vec::new();
    for word in words {
        match word {
            Word::Pair(key, value) if key == "token" => token = number(value)?,
            other => fields.push(other.clone()),
        }
    }
    Ok(Does::Request(PduLine::parse(&fields)?.body()?, u64::from(token)))
}

/// The fields of a bind, by their names in the table.
fn bind(words: &[Word]) -> Result<Bind, String> {
    let body = PduLine::of(BindTransceiver::COMMAND_ID, words)?.body()?;
    let pdu = BindTransceiver::from_body(body).ok_or("not a bind")?;
    let declares = |word: &Word| matches!(word, Word::Pair(key, _) if key == "interface_version");
    Ok(Bind {
        system_id: pdu.system_id,
        password: pdu.password,
        system_type: pdu.system_type,
        interface_version: words.iter().any(declares).then_some(pdu.interface_version),
        addr_ton: pdu.addr_ton,
        addr_npi: pdu.addr_npi,
        address_range: pdu.address_range,
    })
}
