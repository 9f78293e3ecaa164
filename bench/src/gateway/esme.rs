//! The ESME in front of the gateway: submits, answers receipts, measures, keeps book of what was promised.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::clock::now_ns;
use super::message::{Template, receipted};
use crate::frames::{self, DELIVER_SM, RESPONSE, SUBMIT_SM_RESP};
use crate::load::bound;
use crate::sink;
use crate::stats::Latencies;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The gateway
    #[arg(long)]
    to: SocketAddr,
    #[arg(long, default_value_t = 10)]
    sessions: usize,
    /// Messages under way on each session
    #[arg(long, default_value_t = 100)]
    window: usize,
    /// Pairs of numbers on each session; messages of a pair keep their order
    #[arg(long, default_value_t = 100)]
    pairs: u32,
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Messages a second over all sessions, whether or not answers come; without it as many as the windows allow
    #[arg(long)]
    rate: Option<f64>,
    /// Ask for receipts and wait for them
    #[arg(long)]
    receipts: bool,
    /// Where to write what became of each message
    #[arg(long)]
    fates: PathBuf,
    /// Time without any progress after which what has not come is lost
    #[arg(long, default_value_t = 8.0)]
    patience: f64,
}

/// Submitted, and no answer has come.
const OPEN: u8 = 1;
pub(super) const ACCEPTED: u8 = 2;
pub(super) const REFUSED: u8 = 3;

/// What the ESME measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) submitted: u64,
    pub(super) accepted: u64,
    /// By command_status.
    pub(super) refused: BTreeMap<String, u64>,
    pub(super) unanswered: u64,
    pub(super) first_ns: u64,
    pub(super) last_answer_ns: u64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) most_us: f64,
    /// Different messages whose receipt came.
    pub(super) receipts: u64,
    pub(super) receipts_twice: u64,
    pub(super) receipts_unknown: u64,
    pub(super) last_receipt_ns: u64,
    /// From submit_sm to its receipt.
    pub(super) life_p50_us: f64,
    pub(super) life_p99_us: f64,
    /// The longest time without any answer or receipt while some were owed.
    pub(super) longest_silence_ms: f64,
    /// Sessions that the gateway closed.
    pub(super) closed: usize,
}

/// What all sessions note.
#[derive(Default)]
struct Book {
    fates: Vec<u8>,
    sent_ns: Vec<u64>,
    /// Ids of accepted messages, as hashes.
    ids: Vec<(u64, u32)>,
    /// Ids of receipts, and when they came.
    receipts: Vec<(u64, u64)>,
    latencies: Latencies,
    most_ns: u64,
    answered: u64,
    accepted: u64,
    refused: BTreeMap<u32, u64>,
    first_ns: u64,
    last_answer_ns: u64,
    last_progress_ns: u64,
    longest_silence_ns: u64,
    is_over: bool,
    closed: usize,
}

impl Book {
    fn submit(&mut self, at_ns: u64) -> u32 {
        if self.fates.is_empty() {
            (self.first_ns, self.last_progress_ns) = (at_ns, at_ns);
        }
        self.fates.push(OPEN);
        self.sent_ns.push(at_ns);
        self.fates.len() as u32 - 1
    }

    fn answered(&mut self, number: u32, pdu: &[u8], now: u64) {
        let status = frames::word(pdu, 8);
        let is_accepted = frames::word(pdu, 4) == SUBMIT_SM_RESP && status == 0;
        if let Some(fate) = self.fates.get_mut(number as usize) {
            *fate = if is_accepted { ACCEPTED } else { REFUSED };
        }
        self.answered += 1;
        self.last_answer_ns = now;
        if !is_accepted {
            *self.refused.entry(status).or_default() += 1;
            return;
        }
        self.accepted += 1;
        let id = pdu.get(16..).unwrap_or_default().split(|octet| *octet == 0).next().unwrap_or_default();
        self.ids.push((hash(id), number));
        let sent = self.sent_ns.get(number as usize).copied().unwrap_or(now);
        // The first moments are not measured: the gateway has just begun.
        if sent - self.first_ns > WARM_UP_NS {
            let waited = now.saturating_sub(sent);
            self.latencies.add(waited);
            self.most_ns = self.most_ns.max(waited);
        }
    }

    fn progress(&mut self, now: u64) {
        self.longest_silence_ns = self.longest_silence_ns.max(now.saturating_sub(self.last_progress_ns));
        self.last_progress_ns = now;
    }

    fn measured(mut self) -> Measured {
        self.ids.sort_unstable();
        let mut times = vec![0_u8; self.fates.len()];
        let (mut unknown, mut twice, mut last_receipt_ns) = (0, 0, 0);
        let mut lives = Latencies::default();
        for &(id, at) in &self.receipts {
            let from = self.ids.partition_point(|(known, _)| *known < id);
            let number =
                self.ids.get(from).filter(|(known, _)| *known == id).map(|(_, number)| *number as usize);
            let Some((times, number)) = number.and_then(|number| Some((times.get_mut(number)?, number)))
            else {
                unknown += 1;
                continue;
            };
            *times = times.saturating_add(1);
            if *times > 1 {
                twice += 1;
                continue;
            }
            last_receipt_ns = at;
            lives.add(at.saturating_sub(self.sent_ns.get(number).copied().unwrap_or(at)));
        }
        Measured {
            submitted: self.fates.len() as u64,
            accepted: self.accepted,
            refused: self.refused.iter().map(|(status, count)| (format!("{status:#06x}"), *count)).collect(),
            unanswered: self.fates.len() as u64 - self.answered,
            first_ns: self.first_ns,
            last_answer_ns: self.last_answer_ns,
            p50_us: self.latencies.micros(0.5),
            p99_us: self.latencies.micros(0.99),
            most_us: self.most_ns as f64 / 1e3,
            receipts: times.iter().filter(|times| **times > 0).count() as u64,
            receipts_twice: twice,
            receipts_unknown: unknown,
            last_receipt_ns,
            life_p50_us: lives.micros(0.5),
            life_p99_us: lives.micros(0.99),
            longest_silence_ms: self.longest_silence_ns as f64 / 1e6,
            closed: self.closed,
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let streams: Vec<_> = (0..args.sessions).map(|_| bound(args.to)).collect::<Result<_>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let book = Rc::new(RefCell::new(Book::default()));
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let mut sessions = tokio::task::JoinSet::new();
        for (stream, at) in streams.into_iter().zip(0..) {
            stream.set_nonblocking(true)?;
            let stream = TcpStream::from_std(stream)?;
            sessions.spawn_local(converse(stream, Session::new(args, at, Rc::clone(&book))));
        }
        tokio::time::sleep(Duration::from_secs_f64(args.seconds)).await;
        book.borrow_mut().is_over = true;
        wait(args, &book).await;
        sessions.shutdown().await;
        anyhow::Ok(())
    })?;
    let book = Rc::into_inner(book).map(RefCell::into_inner).unwrap_or_default();
    std::fs::write(&args.fates, &book.fates)?;
    ensure!(book.answered > 0, "no answer came");
    println!("{}", serde_json::to_string(&book.measured())?);
    Ok(())
}

/// Until all that is owed has come, or nothing comes any more.
async fn wait(args: &Args, book: &RefCell<Book>) {
    loop {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let book = book.borrow();
        let is_answered = book.answered == book.fates.len() as u64;
        let has_receipts = !args.receipts || book.receipts.len() as u64 >= book.accepted;
        let silence = now_ns().saturating_sub(book.last_progress_ns) as f64 / 1e9;
        if (is_answered && has_receipts) || silence > args.patience {
            return;
        }
    }
}

struct Session {
    book: Rc<RefCell<Book>>,
    templates: Vec<Template>,
    next_template: usize,
    window: usize,
    /// Messages a second, and how many of them were owed by now.
    rate: Option<f64>,
    began_ns: u64,
    owed: u64,
    /// When what waits for the window should have been sent.
    late: VecDeque<u64>,
    in_flight: usize,
    next: u32,
    /// Numbers of what is under way, by the low bits of the sequence_number.
    sent: Vec<(u32, u32)>,
    input: Vec<u8>,
    filled: usize,
    output: Vec<u8>,
}

impl Session {
    fn new(args: &Args, at: u32, book: Rc<RefCell<Book>>) -> Self {
        let pairs = at * args.pairs..(at + 1) * args.pairs;
        Self {
            book,
            templates: pairs.map(|pair| Template::submit_sm(pair, args.receipts)).collect(),
            next_template: 0,
            window: args.window,
            rate: args.rate.map(|rate| rate / args.sessions as f64),
            began_ns: now_ns(),
            owed: 0,
            late: VecDeque::new(),
            in_flight: 0,
            // 1 was the bind.
            next: 2,
            sent: vec![(0, 0); (args.window * SPREAD).next_power_of_two()],
            input: vec![0; 128 * 1024],
            filled: 0,
            output: Vec::new(),
        }
    }

    fn room(&mut self) -> &mut [u8] {
        self.input.get_mut(self.filled..).unwrap_or_default()
    }

    /// Sends what is to be sent now.
    fn top_up(&mut self, now: u64) {
        let book = Rc::clone(&self.book);
        let mut book = book.borrow_mut();
        if book.is_over {
            return;
        }
        let Some(rate) = self.rate else {
            while self.in_flight < self.window {
                self.submit(&mut book, now);
            }
            return;
        };
        let owed = ((now - self.began_ns) as f64 * rate / 1e9) as u64;
        self.late.extend((self.owed..owed).map(|_| now));
        self.owed = owed;
        while self.in_flight < self.window {
            let Some(at_ns) = self.late.pop_front() else { return };
            self.submit(&mut book, at_ns);
        }
    }

    fn submit(&mut self, book: &mut Book, at_ns: u64) {
        let number = book.submit(at_ns);
        let sequence_number = self.next;
        self.next = if self.next == 0x7FFF_FFFF { 1 } else { self.next + 1 };
        let mask = self.sent.len() - 1;
        if let Some(slot) = self.sent.get_mut(sequence_number as usize & mask) {
            *slot = (sequence_number, number);
        }
        if let Some(template) = self.templates.get(self.next_template) {
            template.write(sequence_number, number, &mut self.output);
        }
        self.next_template = (self.next_template + 1) % self.templates.len();
        self.in_flight += 1;
    }

    fn received(&mut self, octets: usize) {
        self.filled += octets;
        let input = std::mem::take(&mut self.input);
        let mut rest = input.get(..self.filled).unwrap_or_default();
        let now = now_ns();
        while let Some(pdu) = frames::first(rest) {
            rest = rest.get(pdu.len()..).unwrap_or_default();
            self.pdu(pdu, now);
        }
        let from = self.filled - rest.len();
        self.input = input;
        self.input.copy_within(from..self.filled, 0);
        self.filled -= from;
        self.book.borrow_mut().progress(now);
        if self.rate.is_none() || !self.late.is_empty() {
            self.top_up(now);
        }
    }

    fn pdu(&mut self, pdu: &[u8], now: u64) {
        let (id, sequence_number) = (frames::word(pdu, 4), frames::word(pdu, 12));
        if id & RESPONSE == 0 {
            sink::answer(pdu, &mut self.output);
            if id == DELIVER_SM {
                let of = receipted(pdu).map_or(0, hash);
                self.book.borrow_mut().receipts.push((of, now));
            }
            return;
        }
        let mask = self.sent.len() - 1;
        let Some(slot) = self.sent.get_mut(sequence_number as usize & mask) else { return };
        let (sent, number) = *slot;
        // A second answer is none.
        if sent == sequence_number {
            slot.0 = 0;
            self.in_flight -= 1;
            self.book.borrow_mut().answered(number, pdu, now);
        }
    }
}

async fn converse(mut stream: TcpStream, mut session: Session) {
    let ended = talk(&mut stream, &mut session).await;
    if ended.is_err() {
        session.book.borrow_mut().closed += 1;
    }
}

async fn talk(stream: &mut TcpStream, session: &mut Session) -> Result<()> {
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    session.top_up(now_ns());
    loop {
        if !session.output.is_empty() {
            stream.write_all(&session.output).await?;
            session.output.clear();
        }
        tokio::select! {
            octets = stream.read(session.room()) => {
                let octets = octets?;
                ensure!(octets > 0, "the gateway closed a session");
                session.received(octets);
            }
            _ = tick.tick(), if session.rate.is_some() => session.top_up(now_ns()),
        }
    }
}

/// FNV-1a: ids are short, and nobody chooses them to harm us.
fn hash(id: &[u8]) -> u64 {
    id.iter().fold(0xCBF2_9CE4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// Windows that numbers may run ahead of the oldest message before it is forgotten.
const SPREAD: usize = 64;
const WARM_UP_NS: u64 = 300_000_000;
