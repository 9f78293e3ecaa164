//! A message centre with faults.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Context;
use std::time::{Duration, Instant};

use smppkit_net::{Application, Asked, Event, Link, Now};
use smppkit_testkit::Chance;
use smppkit_wire::field::{CStr, ShortMessage};
use smppkit_wire::pdu::table::{DeliverSm, SubmitSm, SubmitSmResp};
use smppkit_wire::receipt::Receipt;
use smppkit_wire::tlv::{TlvText, tag};
use smppkit_wire::value::{EsmClass, MessageState, ReceiptRequest};
use smppkit_wire::{Body, CommandStatus, Tlvs};

/// What the centre has, over all its sessions.
pub(super) struct Office {
    chance: Chance,
    /// How receipts write ids, and where: chosen by the seed.
    ids: Ids,
    next_id: u64,
    /// Numbers taken, in the order they came, with the id they got.
    pub(super) taken: Vec<u32>,
    /// Refused for good.
    pub(super) refused: Vec<u32>,
    /// Taken, but the response was never sent.
    pub(super) forgotten: Vec<u32>,
    /// How often each was tried.
    tries: HashMap<u32, u32>,
    receipts: VecDeque<Due>,
    /// Every taking, with what is known of its answer.
    takings: Vec<Taking>,
    sessions: u64,
    /// Messages from handsets to send, once in so many turns.
    pub(super) mobile: VecDeque<u32>,
    pace: u64,
    /// How many were answered with success.
    pub(super) mobile_taken: Vec<u32>,
    pub(super) faults: bool,
}

/// A message that was taken once, perhaps not for the first time.
struct Taking {
    number: u32,
    session: u64,
    answered: Option<Instant>,
    /// The gateway may not know of it.
    is_in_doubt: bool,
}

/// An answer is longer on its way than it ever is.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// The store is turned once a second at the latest; what was answered longer ago is written.
const WRITTEN: Duration = Duration::from_millis(1_500);

/// A receipt, and when it goes out.
#[derive(Clone)]
struct Due {
    at: Instant,
    body: DeliverSm,
}

/// How responses and receipts write an id.
#[derive(Debug, Clone, Copy)]
enum Ids {
    Decimal,
    HexThenDecimal,
    DecimalThenHex,
    Padded,
    TlvOnly,
}

pub(super) type Shared = Arc<Mutex<Office>>;

/// A response that is held back.
struct Late {
    at: Instant,
    asked: Asked,
    message_id: CStr<65>,
    taking: usize,
}

/// What is given with a delivery.
pub(super) enum Sent {
    Receipt(Box<DeliverSm>),
    Mobile(u32),
}

/// One session of it.
pub(super) struct Centre {
    office: Shared,
    number: u64,
    late: Vec<Late>,
}

impl Office {
    pub(super) fn new(
        mut chance: Chance,
        first_id: u64,
        mobile: (u32, u32),
        pace: u64,
        faults: bool,
    ) -> Shared {
        let forms = [Ids::Decimal, Ids::HexThenDecimal, Ids::DecimalThenHex, Ids::Padded, Ids::TlvOnly];
        let ids = forms[chance.below(forms.len() as u64) as usize];
        Arc::new(Mutex::new(Self {
            chance,
            ids,
            next_id: first_id,
            taken: Vec::new(),
            refused: Vec::new(),
            forgotten: Vec::new(),
            tries: HashMap::new(),
            receipts: VecDeque::new(),
            takings: Vec::new(),
            sessions: 0,
            pace,
            mobile: (mobile.0..mobile.1).collect(),
            mobile_taken: Vec::new(),
            faults,
        }))
    }

    pub(super) fn is_done(&self) -> bool {
        self.receipts.is_empty() && self.mobile.is_empty()
    }

    /// When the next receipt is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.receipts.iter().map(|due| due.at).min()
    }

    /// The gateway died, and may not have kept what came to it since.
    pub(super) fn doubt(&mut self, since: Instant) {
        let is_doubtful = |taking: &&mut Taking| taking.answered.is_none_or(|at| at + WRITTEN >= since);
        self.takings.iter_mut().filter(is_doubtful).for_each(|taking| taking.is_in_doubt = true);
    }

    /// How often each message was taken, and how often so that the gateway may not know of it.
    pub(super) fn count_takings(&self, counts: &mut HashMap<u32, (u32, u32)>) {
        for taking in &self.takings {
            let (taken, in_doubt) = counts.entry(taking.number).or_default();
            *taken += 1;
            *in_doubt += u32::from(taking.is_in_doubt);
        }
    }

    /// Takes a message, and says with what id; or why not.
    fn take(
        &mut self,
        pdu: &SubmitSm,
        session: u64,
        now: Instant,
    ) -> Result<CStr<65>, Option<CommandStatus>> {
        let number: u32 = std::str::from_utf8(&pdu.short_message).unwrap().parse().unwrap();
        let tries = self.tries.entry(number).or_default();
        *tries += 1;
        if self.faults && *tries == 1 {
            // The first time only, so that it goes through in the end.
            match number % 16 {
                3 => return Err(Some(CommandStatus::ESME_RTHROTTLED)),
                5 => return Err(Some(CommandStatus::ESME_RSYSERR)),
                7 => return Err(Some(CommandStatus(0x0401))),
                _ => {}
            }
        }
        if number % 32 == 9 {
            self.refused.push(number);
            return Err(Some(CommandStatus::ESME_RINVDSTADR));
        }
        let id = self.next_id;
        self.next_id += 1;
        self.taken.push(number);
        self.takings.push(Taking { number, session, answered: None, is_in_doubt: false });
        let (response, receipt) = self.ids.write(id);
        let forgets = self.faults && *self.tries.get(&number).unwrap_or(&1) == 1 && number % 64 == 11;
        if pdu.registered_delivery.receipt() != ReceiptRequest::None && !forgets {
            self.plan_receipt(pdu, number, &receipt, now);
        }
        if forgets {
            self.forgotten.push(number);
            self.takings.last_mut().unwrap().is_in_doubt = true;
            return Err(None);
        }
        Ok(response.parse().unwrap())
    }

    fn plan_receipt(&mut self, pdu: &SubmitSm, number: u32, id: &str, now: Instant) {
        let at = now + Duration::from_millis(self.chance.below(3_000));
        let receipt = Receipt {
            id,
            sub: 1,
            dlvrd: 1,
            submit_unix_ms: 0,
            done_unix_ms: 0,
            state: outcome(number),
            err: 0,
            text: b"",
        };
        let tlv_only = matches!(self.ids, Ids::TlvOnly);
        let (text, tlvs) = if tlv_only {
            let tlvs = Tlvs::build()
                .with(tag::receipted_message_id, TlvText(id.as_bytes()))
                .with(tag::message_state, outcome(number))
                .done();
            (Vec::new(), tlvs)
        } else {
            (receipt.octets(), Tlvs::EMPTY)
        };
        let body = DeliverSm {
            source_addr: pdu.destination_addr,
            destination_addr: pdu.source_addr,
            esm_class: EsmClass::DELIVERY_RECEIPT,
            short_message: ShortMessage::new(text).unwrap(),
            tlvs,
            ..DeliverSm::default()
        };
        if self.faults && self.chance.one_in(10) {
            self.receipts.push_back(Due { at: at + Duration::from_millis(200), body: body.clone() });
        }
        self.receipts.push_back(Due { at, body });
    }
}

impl Ids {
    /// In the response, in the receipt.
    fn write(self, id: u64) -> (String, String) {
        match self {
            Self::Decimal | Self::TlvOnly => (id.to_string(), id.to_string()),
            Self::HexThenDecimal => (format!("{id:X}"), format!("{id:010}")),
            Self::DecimalThenHex => (id.to_string(), format!("{id:x}")),
            Self::Padded => (format!("{id:08}"), id.to_string()),
        }
    }
}

/// The state that a message ends in, at any centre.
pub(super) fn outcome(number: u32) -> MessageState {
    if number % 5 == 2 { MessageState::UNDELIVERABLE } else { MessageState::DELIVERED }
}

impl Centre {
    pub(super) fn new(office: &Shared) -> Self {
        let mut inside = office.lock().unwrap();
        inside.sessions += 1;
        Self { office: Arc::clone(office), number: inside.sessions, late: Vec::new() }
    }

    /// Its connection is gone, and answers with it.
    pub(super) fn gone(self, now: Now) {
        let mut office = self.office();
        let mine = office.takings.iter_mut().filter(|taking| taking.session == self.number);
        for taking in mine.filter(|taking| taking.answered.is_none_or(|at| at + ON_ITS_WAY >= now.mono)) {
            taking.is_in_doubt = true;
        }
    }

    fn office(&self) -> MutexGuard<'_, Office> {
        self.office.lock().unwrap()
    }

    /// Whether it has something to do of its own.
    pub(super) fn has_work(&self, now: Instant) -> bool {
        let office = self.office();
        let late = self.late.iter().map(|late| late.at);
        late.chain(office.next_due()).any(|at| at <= now) || !office.mobile.is_empty()
    }

    fn submit(&mut self, link: &mut Link<'_, Sent>, asked: Asked, pdu: &SubmitSm) {
        let now = link.now().mono;
        let mut office = self.office();
        let taken = office.take(pdu, self.number, now);
        let taking = office.takings.len().saturating_sub(1);
        let is_late = office.faults && office.chance.one_in(4);
        let wait = Duration::from_millis(office.chance.below(1_500));
        if taken.is_ok() && !is_late {
            office.takings[taking].answered = Some(now);
        }
        drop(office);
        match taken {
            Ok(message_id) if is_late => self.late.push(Late { at: now + wait, asked, message_id, taking }),
            Ok(message_id) => link.respond(asked, SubmitSmResp { message_id, ..SubmitSmResp::default() }),
            Err(Some(status)) => link.refuse(asked, status),
            Err(None) => {
                let (session, out, _) = link.parts();
                session.forget(asked, out);
            }
        }
    }

    fn send(&self, link: &mut Link<'_, Sent>) {
        let now = link.now().mono;
        loop {
            let mut office = self.office();
            if link.session.room() == 0 {
                return;
            }
            if let Some(at) = office.receipts.iter().position(|due| due.at <= now) {
                let Due { body, .. } = office.receipts.remove(at).unwrap();
                let kept = Sent::Receipt(Box::new(body.clone()));
                assert!(link.request(body, kept).is_ok(), "there was room");
                continue;
            }
            let pace = office.pace;
            if !office.chance.one_in(pace) {
                return;
            }
            let Some(number) = office.mobile.pop_front() else { return };
            let body = DeliverSm {
                source_addr: "447700900999".parse().unwrap(),
                destination_addr: "12345".parse().unwrap(),
                short_message: ShortMessage::new(number.to_string().into_bytes()).unwrap(),
                ..DeliverSm::default()
            };
            assert!(link.request(body, Sent::Mobile(number)).is_ok(), "there was room");
        }
    }

    /// A delivery that was not taken is tried again, as message centres do.
    fn again(&self, sent: Sent, now: Instant) {
        let mut office = self.office();
        match sent {
            Sent::Receipt(body) => {
                office.receipts.push_back(Due { at: now + Duration::from_millis(300), body: *body });
            }
            Sent::Mobile(number) => office.mobile.push_back(number),
        }
    }
}

impl Application for Centre {
    type Token = Sent;

    fn event(&mut self, link: &mut Link<'_, Sent>, event: Event<Sent>) {
        match event {
            Event::Bind(asked, _) => link.accept_bind(asked, "centre"),
            Event::Request(asked, Body::SubmitSm(pdu)) => self.submit(link, asked, &pdu),
            Event::Response { token, status, .. } => match token {
                Sent::Mobile(number) if status.is_ok() => self.office().mobile_taken.push(number),
                Sent::Receipt(_) if status.is_ok() => {}
                sent => self.again(sent, link.now().mono),
            },
            Event::Failed { token, .. } => self.again(token, link.now().mono),
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut Link<'_, Sent>, _: &mut Context<'_>) {
        let now = link.now().mono;
        let (due, late): (Vec<Late>, _) = self.late.drain(..).partition(|late| late.at <= now);
        self.late = late;
        for Late { asked, message_id, taking, .. } in due {
            self.office().takings[taking].answered = Some(now);
            link.respond(asked, SubmitSmResp { message_id, ..SubmitSmResp::default() });
        }
        if link.session.state().is_bound() {
            self.send(link);
        }
    }
}
