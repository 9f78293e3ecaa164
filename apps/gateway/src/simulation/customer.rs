//! An ESME that submits numbered messages and remembers what it was told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Context;
use std::time::{Duration, Instant};

use smppkit_net::{Application, Bind, BindMode, Event, Link};
use smppkit_testkit::Chance;
use smppkit_wire::field::ShortMessage;
use smppkit_wire::pdu::table::{DeliverSmResp, SubmitSm};
use smppkit_wire::receipt::ReceiptText;
use smppkit_wire::value::{EsmClass, MessageState, MessageType, RegisteredDelivery};
use smppkit_wire::{Body, CommandStatus, Version};

/// What a customer knows, over all its sessions.
pub(super) struct Book {
    pub(super) name: &'static str,
    pub(super) version: Version,
    chance: Chance,
    /// The number of the next submission, and of the first that is not its.
    next: u32,
    end: u32,
    /// Submissions that were acknowledged, by the id it was told.
    pub(super) acknowledged: HashMap<String, u32>,
    /// What was told of them: ids and states, in the order they came.
    pub(super) told: Vec<(String, MessageState)>,
    /// Messages from handsets.
    pub(super) heard: Vec<u32>,
    /// How often each was submitted.
    pub(super) submitted: HashMap<u32, u32>,
    /// What each of its sessions submitted, in the order it did.
    pub(super) order: Vec<(u64, u32)>,
    sessions: u64,
    /// What it was refused with, and when. It comes again with what was.
    pub(super) refused: Vec<(Instant, CommandStatus)>,
    /// Neither acknowledged nor refused: nobody knows. It comes again with some.
    pub(super) unknown: u32,
    again: Vec<(Instant, u32)>,
    /// It submits once in so many turns.
    pace: u64,
    /// How many of the receipts it is told to come again with.
    pub(super) put_off: u32,
}

pub(super) type Shared = Arc<Mutex<Book>>;

/// One session of it.
pub(super) struct Customer {
    book: Shared,
    /// Which of all its customer's sessions it is.
    number: u64,
    is_asked: bool,
}

impl Book {
    pub(super) fn new(
        name: &'static str,
        version: Version,
        chance: Chance,
        numbers: (u32, u32),
        pace: u64,
    ) -> Shared {
        Arc::new(Mutex::new(Self {
            name,
            version,
            chance,
            next: numbers.0,
            end: numbers.1,
            acknowledged: HashMap::new(),
            told: Vec::new(),
            heard: Vec::new(),
            submitted: HashMap::new(),
            order: Vec::new(),
            sessions: 0,
            refused: Vec::new(),
            unknown: 0,
            again: Vec::new(),
            pace,
            put_off: 0,
        }))
    }

    pub(super) fn is_done(&self) -> bool {
        self.next >= self.end && self.again.is_empty()
    }

    /// What to submit, if anything.
    fn number(&self, now: Instant) -> Option<u32> {
        let again = self.again.iter().find(|(at, _)| *at <= now).map(|(_, number)| *number);
        again.or_else(|| (self.next < self.end).then_some(self.next))
    }

    fn submitted(&mut self, number: u32) {
        *self.submitted.entry(number).or_default() += 1;
        match self.again.iter().position(|(_, again)| *again == number) {
            Some(at) => drop(self.again.swap_remove(at)),
            None => self.next = number + 1,
        }
    }
}

impl Customer {
    pub(super) fn new(book: &Shared) -> Self {
        let mut inside = book.lock().unwrap();
        inside.sessions += 1;
        Self { book: Arc::clone(book), number: inside.sessions, is_asked: false }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    fn submit(&self, link: &mut Link<'_, u32>) {
        let now = link.now().mono;
        let mut book = self.book();
        let pace = book.pace;
        if book.is_done() || !book.chance.one_in(pace) {
            return;
        }
        // A few at a time, so that connections break in between.
        for _ in 0..3 {
            let Some(number) = book.number(now).filter(|_| link.session.room() > 0) else { return };
            let pdu = SubmitSm {
                source_addr: book.name.parse().unwrap(),
                destination_addr: destination(number).parse().unwrap(),
                registered_delivery: RegisteredDelivery::RECEIPT,
                short_message: ShortMessage::new(number.to_string().into_bytes()).unwrap(),
                ..SubmitSm::default()
            };
            if link.request(pdu, number).is_err() {
                return;
            }
            book.submitted(number);
            book.order.push((self.number, number));
        }
    }

    /// deliver_sm: mostly taken, sometimes put off.
    fn deliver(&self, body: &Body) -> CommandStatus {
        let mut book = self.book();
        if book.chance.one_in(20) {
            book.put_off += 1;
            return CommandStatus::ESME_RX_T_APPN;
        }
        let Body::DeliverSm(pdu) = body else { panic!("the gateway sent {body:?}") };
        if pdu.esm_class.message_type() == MessageType::DeliveryReceipt {
            let receipt = ReceiptText::parse(&pdu.short_message).expect("a receipt that reads");
            book.told.push((receipt.id.unwrap().to_owned(), receipt.state().unwrap()));
        } else {
            assert_eq!(pdu.esm_class, EsmClass::DEFAULT);
            book.heard.push(std::str::from_utf8(&pdu.short_message).unwrap().parse().unwrap());
        }
        CommandStatus::ESME_ROK
    }
}

/// Until it comes again with what was refused.
const LATER: Duration = Duration::from_millis(500);

/// Where a message goes: numbers of a few, so that pairs repeat.
pub(super) fn destination(number: u32) -> String {
    format!("4477009{:05}", number % 7)
}

impl Application for Customer {
    type Token = u32;

    fn event(&mut self, link: &mut Link<'_, u32>, event: Event<u32>) {
        match event {
            Event::Response { token, status, body, .. } => {
                let now = link.now().mono;
                let mut book = self.book();
                match body {
                    Body::SubmitSmResp(resp) if status.is_ok() => {
                        let before = book.acknowledged.insert(resp.message_id.to_text(), token);
                        assert_eq!(before, None, "the id {} was given twice", resp.message_id);
                    }
                    _ => {
                        book.refused.push((now, status));
                        book.again.push((now + LATER, token));
                    }
                }
            }
            Event::Failed { token, .. } => {
                let mut book = self.book();
                book.unknown += 1;
                if book.chance.one_in(2) {
                    book.again.push((link.now().mono, token));
                }
            }
            Event::Request(asked, body) => match self.deliver(&body) {
                CommandStatus::ESME_ROK => link.respond(asked, DeliverSmResp::default()),
                status => link.refuse(asked, status),
            },
            _ => {}
        }
    }

    fn poll(&mut self, link: &mut Link<'_, u32>, _: &mut Context<'_>) {
        if !self.is_asked {
            self.is_asked = true;
            let name = self.book().name;
            let (session, out, now) = link.parts();
            session.bind(now.mono, BindMode::Transceiver, &Bind::new(name, "secret").unwrap(), out).unwrap();
        }
        if link.session.state().is_bound() {
            self.submit(link);
        }
    }
}
