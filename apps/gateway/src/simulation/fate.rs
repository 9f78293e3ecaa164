//! What befalls the gateway itself, by the seed.

use std::time::Duration;

use smppkit_powercut::Fault;
use smppkit_testkit::Chance;
use smppkit_wire::CommandStatus;

use super::ground::{Death, Ground};

/// When it dies, and what is wrong with its disk.
pub(super) struct Fate {
    pub(super) chance: Chance,
    /// The last one first.
    deaths: Vec<Dying>,
    pub(super) trouble: Option<Trouble>,
    /// Customers submit, and handsets send, once in so many of their turns: so that something is under way
    /// whenever it dies.
    pub(super) pace: u64,
}

/// One death.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dying {
    pub(super) how: Death,
    /// Since the run began.
    at: Duration,
    /// In the midst of what the store does, rather than between what sessions do.
    pub(super) is_within: bool,
}

/// A disk that does not do what it should, from when until when since the run began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trouble {
    pub(super) fault: Fault,
    pub(super) from: Duration,
    pub(super) until: Duration,
    /// When the gateway began again on a disk that works: before, only a full disk heals by itself.
    pub(super) over: Option<Duration>,
}

/// Most is under way in the first seconds; later there are retries, and answers that never came.
const EARLY_MS: u64 = 3_000;
const LATE_MS: u64 = 20_000;

impl Fate {
    /// Half of the seeds are left in peace; of the others each third is killed, has its power cut, or has
    /// trouble with its disk.
    pub(super) fn of(seed: u64) -> (Self, Ground) {
        // A stream of its own.
        let chance = Chance::new(!seed);
        let mut fate = Self { chance, deaths: Vec::new(), trouble: None, pace: 1 };
        match seed % 6 {
            0..3 => return (fate, Ground::memory()),
            3 => fate.will_die(Death::Killed),
            4 => fate.will_die(Death::PowerCut),
            _ => fate.will_have_trouble(),
        }
        fate.deaths.sort_by_key(|dying| std::cmp::Reverse(dying.at));
        let least = usize::from(fate.trouble.is_some());
        fate.pace = *pick(&mut fate.chance, &[1, 10, 40, 100][least..least + 3]);
        // A log that is used again soon, or one that grows for as long as it may.
        let wal_pages = *pick(&mut fate.chance, &[50, 1_000]);
        (fate, Ground::disk(wal_pages))
    }

    /// One to three times.
    fn will_die(&mut self, how: Death) {
        for _ in 0..=self.chance.below(3) {
            let latest = if self.chance.one_in(3) { LATE_MS } else { EARLY_MS };
            let at = self.chance.below(latest);
            self.dies_at(how, at);
        }
    }

    fn will_have_trouble(&mut self) {
        let faults = [Fault::Full, Fault::Full, Fault::Write, Fault::Sync, Fault::ReadOnly];
        let fault = *pick(&mut self.chance, &faults);
        let from = self.chance.below(EARLY_MS / 2);
        let until = from + 500 + self.chance.below(5_000);
        let [from_ms, until_ms] = [from, until].map(Duration::from_millis);
        self.trouble = Some(Trouble { fault, from: from_ms, until: until_ms, over: None });
        let how = if self.chance.one_in(2) { Death::Killed } else { Death::PowerCut };
        if fault == Fault::Full {
            // It recovers by itself; every second one dies besides, before, meanwhile or afterwards.
            if self.chance.one_in(2) {
                let at = self.chance.below(until + EARLY_MS);
                self.dies_at(how, at);
            }
        } else {
            // Somebody starts it again, perhaps too early: then it does not start until the disk works.
            let at = from + 200 + self.chance.below(8_000);
            self.dies_at(how, at);
        }
    }

    fn dies_at(&mut self, how: Death, at_ms: u64) {
        let is_within = self.chance.one_in(2);
        self.deaths.push(Dying { how, at: Duration::from_millis(at_ms), is_within });
    }

    /// Its next death, if it is time.
    pub(super) fn due(&self, passed: Duration) -> Option<Dying> {
        self.deaths.last().filter(|dying| dying.at <= passed).copied()
    }

    /// It died.
    pub(super) fn done(&mut self) {
        self.deaths.pop();
    }

    /// It began, perhaps again.
    pub(super) fn began(&mut self, passed: Duration) {
        let Some(trouble) = self.trouble.as_mut().filter(|trouble| passed >= trouble.from) else { return };
        if passed >= trouble.until {
            trouble.over.get_or_insert(passed);
        } else if trouble.fault != Fault::Full && self.deaths.is_empty() {
            // Nothing had to be written or synced for that, and it stops when something has: somebody
            // starts it once more.
            let at = trouble.until + Duration::from_millis(self.chance.below(EARLY_MS));
            self.deaths.push(Dying { how: Death::Killed, at, is_within: false });
        }
    }

    /// Whether nothing more will befall it.
    pub(super) fn is_over(&self, passed: Duration) -> bool {
        self.deaths.is_empty() && self.trouble.is_none_or(|trouble| passed > trouble.until)
    }

    /// What is wrong with the disk now.
    pub(super) fn fault(&self, passed: Duration) -> Option<Fault> {
        let is_now = |trouble: &Trouble| (trouble.from..trouble.until).contains(&passed);
        self.trouble.filter(is_now).map(|trouble| trouble.fault)
    }

    /// Whether the store has stopped for good if it noticed.
    pub(super) fn is_broken(&self, passed: Duration) -> bool {
        let is_lasting = |trouble: &Trouble| trouble.fault != Fault::Full && trouble.over.is_none();
        self.trouble.is_some_and(|trouble| passed >= trouble.from && is_lasting(&trouble))
    }

    /// Since when what came may not be written, as far as that is the disk's doing.
    pub(super) fn unwritten_since(&self, passed: Duration) -> Duration {
        let Some(trouble) = self.trouble.filter(|trouble| trouble.over.is_none() && passed >= trouble.from)
        else {
            return passed;
        };
        let is_healed = trouble.fault == Fault::Full && passed > trouble.until + HEALED;
        if is_healed { passed } else { trouble.from }
    }

    /// Whether a submit_sm may be refused so.
    pub(super) fn may_refuse(&self, passed: Duration, status: CommandStatus) -> bool {
        let Some(trouble) = self.trouble.filter(|trouble| passed >= trouble.from) else { return false };
        match trouble.fault {
            Fault::Full => status == CommandStatus::ESME_RMSGQFUL && passed <= trouble.until + HEALED,
            _ => status == CommandStatus::ESME_RSYSERR && trouble.over.is_none_or(|at| passed <= at),
        }
    }
}

/// The store is turned once a second at the latest, and what it refused is on its way for a moment.
const HEALED: Duration = Duration::from_millis(1_500);

fn pick<'a, T>(chance: &mut Chance, among: &'a [T]) -> &'a T {
    &among[chance.below(among.len() as u64) as usize]
}
