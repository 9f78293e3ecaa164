//! The message centre behind the gateway: answers at once, sends receipts, keeps book of all that arrives.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::clock::now_ns;
use super::esme;
use super::message::{Arrived, ID_BEGINS, Template, hex};
use crate::frames::{self, RESPONSE, SUBMIT_SM};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Receipts under way on each session
    #[arg(long, default_value_t = 1000)]
    window: usize,
    /// Send receipts in any order
    #[arg(long)]
    shuffled: bool,
}

/// What the sink says of itself when asked.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Sessions that are bound.
    pub(super) sessions: usize,
    pub(super) arrived: u64,
    pub(super) last_arrival_ns: u64,
    /// Messages that came after a later one between the same two numbers.
    pub(super) disordered: u64,
    /// PDUs that are no message of ours.
    pub(super) strange: u64,
    pub(super) receipts_due: u64,
    pub(super) receipts_answered: u64,
    /// Receipts that were refused, and sent again.
    pub(super) receipts_refused: u64,
    pub(super) last_answer_ns: u64,
}

/// Messages as they were submitted against messages as they arrived.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Checked {
    /// Accepted and never arrived.
    pub(super) lost: u64,
    /// Arrived more than once.
    pub(super) twice: u64,
    /// Refused, and arrived all the same.
    pub(super) uninvited: u64,
    /// Some numbers of the former.
    pub(super) examples: Vec<u32>,
}

#[derive(Default)]
struct Book {
    state: State,
    /// How often each number has arrived.
    arrivals: Vec<u8>,
    last_of_pair: HashMap<u32, u32>,
    receipts: HashMap<u32, Template>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let book = Rc::new(RefCell::new(Book::default()));
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        say(listener.local_addr()?);
        tokio::task::spawn_local(obey(Rc::clone(&book)));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let desk = Desk::new(args, Rc::clone(&book));
            tokio::task::spawn_local(async move {
                // A peer that goes away is no news.
                let _ = converse(stream, desk).await;
            });
        }
    })
}

fn say(address: SocketAddr) {
    println!("listening on {address}");
    // Whoever started us waits for the line.
    let _ = std::io::stdout().flush();
}

/// Answers `state` and `check FILE` on standard input, with a line of JSON each.
async fn obey(book: Rc<RefCell<Book>>) {
    let (lines, mut asked) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = asked.recv().await {
        let answer = match line.strip_prefix("check ") {
            Some(path) => book.borrow().check(path).and_then(|checked| Ok(serde_json::to_string(&checked)?)),
            None => serde_json::to_string(&book.borrow().state).map_err(Into::into),
        };
        match answer {
            Ok(answer) => println!("{answer}"),
            Err(error) => println!("{{\"error\":{:?}}}", error.to_string()),
        }
        let _ = std::io::stdout().flush();
    }
    // Whoever has started us is gone.
    std::process::exit(0);
}

impl Book {
    fn arrived(&mut self, message: &Arrived, now_ns: u64) {
        let number = message.number as usize;
        if number >= MOST {
            self.state.strange += 1;
            return;
        }
        if self.arrivals.len() <= number {
            self.arrivals.resize((number + 1).next_power_of_two(), 0);
        }
        if let Some(arrivals) = self.arrivals.get_mut(number) {
            *arrivals = arrivals.saturating_add(1);
        }
        let last = self.last_of_pair.entry(message.pair).or_insert(0);
        if message.number < *last {
            self.state.disordered += 1;
        } else {
            *last = message.number;
        }
        self.state.arrived += 1;
        self.state.last_arrival_ns = now_ns;
        self.state.receipts_due += u64::from(message.receipt);
    }

    fn check(&self, path: &str) -> Result<Checked> {
        let fates = std::fs::read(path).with_context(|| format!("cannot read {path}"))?;
        let mut checked = Checked::default();
        for number in 0..fates.len().max(self.arrivals.len()) {
            let fate = fates.get(number).copied().unwrap_or_default();
            let arrivals = self.arrivals.get(number).copied().unwrap_or_default();
            let wrong = match (fate, arrivals) {
                (esme::ACCEPTED, 0) => &mut checked.lost,
                (esme::REFUSED, 1) => &mut checked.uninvited,
                (_, 2..) => &mut checked.twice,
                _ => continue,
            };
            *wrong += 1;
            if checked.examples.len() < 10 {
                checked.examples.push(number as u32);
            }
        }
        Ok(checked)
    }
}

/// One session: octets read and not yet answered, receipts to be sent and under way.
struct Desk {
    book: Rc<RefCell<Book>>,
    input: Vec<u8>,
    filled: usize,
    output: Vec<u8>,
    window: usize,
    shuffled: bool,
    due: VecDeque<(u32, u32)>,
    /// By sequence_number, which begins at 1.
    under_way: HashMap<u32, (u32, u32)>,
    next: u32,
    dice: u64,
    is_bound: bool,
}

impl Desk {
    fn new(args: &Args, book: Rc<RefCell<Book>>) -> Self {
        Self {
            book,
            input: vec![0; 256 * 1024],
            filled: 0,
            output: Vec::new(),
            window: args.window,
            shuffled: args.shuffled,
            due: VecDeque::new(),
            under_way: HashMap::new(),
            next: 1,
            dice: 0x2545_F491_4F6C_DD1D,
            is_bound: false,
        }
    }

    fn room(&mut self) -> &mut [u8] {
        self.input.get_mut(self.filled..).unwrap_or_default()
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
        self.send_receipts(if self.shuffled { HELD } else { 0 });
    }

    fn pdu(&mut self, pdu: &[u8], now: u64) {
        let (id, number) = (frames::word(pdu, 4), frames::word(pdu, 12));
        if id == SUBMIT_SM {
            self.submitted(pdu, now);
        } else if id & RESPONSE == 0 {
            if !self.is_bound && matches!(id, 1 | 2 | 9) {
                self.is_bound = true;
                self.book.borrow_mut().state.sessions += 1;
            }
            let body: &[u8] = if matches!(id, 1 | 2 | 9) { b"sink\0" } else { b"" };
            self.answer(id, number, body);
        } else if let Some(receipt) = self.under_way.remove(&number) {
            let state = &mut self.book.borrow_mut().state;
            if frames::word(pdu, 8) == 0 {
                state.receipts_answered += 1;
                state.last_answer_ns = now;
            } else {
                state.receipts_refused += 1;
                self.due.push_back(receipt);
            }
        }
    }

    fn submitted(&mut self, pdu: &[u8], now: u64) {
        let sequence_number = frames::word(pdu, 12);
        let Some(message) = Arrived::read(pdu) else {
            self.book.borrow_mut().state.strange += 1;
            return self.answer(SUBMIT_SM, sequence_number, b"strange\0");
        };
        self.book.borrow_mut().arrived(&message, now);
        let mut body = [0; 17];
        let (begins, number) = body.split_at_mut(8);
        begins.copy_from_slice(ID_BEGINS.as_bytes());
        if let Some(digits) = number.get_mut(..8) {
            digits.copy_from_slice(&hex(message.number));
        }
        self.answer(SUBMIT_SM, sequence_number, &body);
        if message.receipt {
            self.due.push_back((message.number, message.pair));
        }
    }

    fn answer(&mut self, id: u32, sequence_number: u32, body: &[u8]) {
        for word in [16 + body.len() as u32, id | RESPONSE, 0, sequence_number] {
            self.output.extend_from_slice(&word.to_be_bytes());
        }
        self.output.extend_from_slice(body);
    }

    /// Sends what the window allows, but for so many.
    fn send_receipts(&mut self, held: usize) {
        let mut book = self.book.borrow_mut();
        while self.due.len() > held && self.under_way.len() < self.window {
            let at = if self.shuffled { self.dice as usize % self.due.len() } else { 0 };
            self.dice ^= self.dice << 13;
            self.dice ^= self.dice >> 7;
            self.dice ^= self.dice << 17;
            let receipt = if at == 0 { self.due.pop_front() } else { self.due.swap_remove_back(at) };
            let Some((number, pair)) = receipt else { return };
            let template = book.receipts.entry(pair).or_insert_with(|| Template::receipt(pair));
            template.write(self.next, number, &mut self.output);
            self.under_way.insert(self.next, (number, pair));
            self.next = if self.next == 0x7FFF_FFFF { 1 } else { self.next + 1 };
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.book.borrow_mut().state.sessions -= usize::from(self.is_bound);
    }
}

async fn converse(mut stream: TcpStream, mut desk: Desk) -> Result<()> {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut is_quiet = true;
    loop {
        let waits = desk.shuffled && !desk.due.is_empty();
        tokio::select! {
            biased;
            octets = stream.read(desk.room()) => {
                let octets = octets?;
                if octets == 0 {
                    return Ok(());
                }
                desk.received(octets);
                is_quiet = false;
            }
            _ = tick.tick(), if waits => {
                // What was held back for the sake of disorder goes out when nothing more comes.
                if std::mem::replace(&mut is_quiet, true) {
                    desk.send_receipts(0);
                }
            }
        }
        if !desk.output.is_empty() {
            stream.write_all(&desk.output).await?;
            desk.output.clear();
        }
    }
}

/// So many receipts are drawn from when they are shuffled.
const HELD: usize = 256;
const TICK: Duration = Duration::from_millis(2);
/// Numbers beyond are none of ours.
const MOST: usize = 1 << 26;
