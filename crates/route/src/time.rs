//! Hours, weekdays and dates, in a zone that is always as far from UTC.

use crate::limits::Budget;
use crate::written::{Patterns, cut};

/// How far a zone is ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Zone {
    minutes: i64,
}

/// Spans of time: one of the plain ones has to hold, if there are any, and none of those after `!`.
#[derive(Debug)]
pub(crate) struct Spans<S> {
    any: Vec<S>,
    none: Vec<S>,
    /// Whether there are no plain spans.
    open: bool,
}

/// Of a circle, the hours of a day or the days of a week: from the first, not to the second; over the end of the
/// circle where that is not above the first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span(u32, u32);

/// Hours of the days on which they begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HourSpan {
    days: Span,
    hours: Span,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
pub(crate) const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

impl Zone {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if matches!(text, "UTC" | "Z") {
            return Ok(Self::default());
        }
        let fault =
            || format!("{:?} is no zone; write how far it is ahead of UTC, such as +01:00", cut(text));
        let (sign, rest) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(rest), _) => (1, rest),
            (None, Some(rest)) => (-1, rest),
            (None, None) => return Err(fault()),
        };
        let minutes = clock(rest).filter(|&minutes| minutes <= 15 * 60).ok_or_else(fault)?;
        Ok(Self { minutes: sign * i64::from(minutes) })
    }

    /// Milliseconds since 1970-01-01 00:00 there.
    fn local_ms(self, unix_ms: i64) -> i64 {
        unix_ms.saturating_add(self.minutes * MINUTE_MS)
    }

    /// Minutes since midnight.
    pub(crate) fn minute_of_day(self, unix_ms: i64) -> u32 {
        (self.local_ms(unix_ms).rem_euclid(DAY_MS) / MINUTE_MS) as u32
    }

    /// 0 for Monday.
    pub(crate) fn weekday(self, unix_ms: i64) -> u32 {
        // 1970-01-01 was a Thursday.
        (self.local_ms(unix_ms).div_euclid(DAY_MS) + 3).rem_euclid(7) as u32
    }

    /// The moment that `2026-12-01` begins, or ends (`after`), or that `2026-12-01 08:00` is.
    pub(crate) fn moment(self, text: &str, after: bool) -> Result<i64, String> {
        let fault = || format!("{:?} is no day such as 2026-12-01 or 2026-12-01 08:00", cut(text));
        let (date, time) = match text.split_once([' ', 'T']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let days = days_since_1970(date).ok_or_else(fault)?;
        let minutes = match time {
            Some(time) => i64::from(clock(time).ok_or_else(fault)?),
            None if after => 24 * 60,
            None => 0,
        };
        Ok(days * DAY_MS + (minutes - self.minutes) * MINUTE_MS)
    }

    /// Day and time as people read them.
    pub(crate) fn shown(self, unix_ms: i64) -> String {
        let minute = self.minute_of_day(unix_ms);
        let day = DAYS[self.weekday(unix_ms) as usize];
        let date = date_of(self.local_ms(unix_ms).div_euclid(DAY_MS));
        format!("{day} {date} {:02}:{:02} {}", minute / 60, minute % 60, self.name())
    }

    fn name(self) -> String {
        match self.minutes {
            0 => "UTC".to_owned(),
            minutes => {
                let sign = if minutes < 0 { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

impl Span {
    const WEEK: Self = Self(0, 7);

    /// Of `08:00-20:00`.
    fn hours(text: &str) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        let (from, until) = (clock(from.trim())?, clock(until.trim())?);
        (from != until && from < 24 * 60).then_some(Self(from, until))
    }

    /// Of `mon` or `mon-fri`.
    fn weekdays(text: &str) -> Option<Self> {
        let day = |text: &str| DAYS.iter().position(|day| text.trim().eq_ignore_ascii_case(day));
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let (from, to) = (day(from)? as u32, day(to)? as u32);
        // All seven days, whichever is the first, are one span that ends at the end of the circle.
        Some(if (to + 1) % 7 == from { Self::WEEK } else { Self(from, to + 1) })
    }

    const fn holds(self, at: u32) -> bool {
        let Self(from, until) = self;
        if from < until { from <= at && at < until } else { from <= at || at < until }
    }
}

impl HourSpan {
    /// Of `08:00-20:00`, or `mon-fri 08:00-20:00`.
    fn parse(text: &str) -> Option<Self> {
        let (days, hours) = text.split_at(text.find(|c: char| c.is_ascii_digit())?);
        let days = if days.is_empty() { Span::WEEK } else { Span::weekdays(days.strip_suffix(' ')?)? };
        Some(Self { days, hours: Span::hours(hours)? })
    }

    /// What goes over midnight belongs to the day before, then.
    const fn holds(self, weekday: u32, minute: u32) -> bool {
        let Span(from, until) = self.hours;
        let is_next_day = from > until && minute < until;
        self.hours.holds(minute) && self.days.holds(if is_next_day { (weekday + 6) % 7 } else { weekday })
    }
}

impl Spans<HourSpan> {
    pub(crate) fn hours(patterns: &Patterns, budget: &mut Budget) -> Result<Self, String> {
        Self::new(patterns, budget, HourSpan::parse, |text| {
            format!("{text:?} is no span of hours such as 08:00-20:00, or mon-fri 08:00-20:00")
        })
    }

    pub(crate) fn hold(&self, weekday: u32, minute: u32) -> bool {
        self.hold_by(|span| span.holds(weekday, minute))
    }
}

impl Spans<Span> {
    pub(crate) fn weekdays(patterns: &Patterns, budget: &mut Budget) -> Result<Self, String> {
        Self::new(patterns, budget, Span::weekdays, |text| {
            format!("{text:?} is no weekday such as mon, or mon-fri")
        })
    }

    pub(crate) fn hold(&self, weekday: u32) -> bool {
        self.hold_by(|span| span.holds(weekday))
    }
}

impl<S> Spans<S> {
    /// `wrong` says what a pattern that is none should be.
    fn new(
        patterns: &Patterns,
        budget: &mut Budget,
        span: impl Fn(&str) -> Option<S>,
        wrong: impl Fn(String) -> String,
    ) -> Result<Self, String> {
        budget.take_patterns(patterns.0.len())?;
        let mut new = Self { any: Vec::new(), none: Vec::new(), open: true };
        for pattern in &patterns.0 {
            let plain = pattern.strip_prefix('!');
            let span = span(plain.unwrap_or(pattern)).ok_or_else(|| wrong(cut(pattern)))?;
            new.open &= plain.is_some();
            if plain.is_some() { new.none.push(span) } else { new.any.push(span) }
        }
        Ok(new)
    }

    fn hold_by(&self, holds: impl Fn(&S) -> bool) -> bool {
        (self.open || self.any.iter().any(&holds)) && !self.none.iter().any(holds)
    }
}

/// `08:00` as minutes; up to `24:00`.
fn clock(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    (minutes < 60 && hours * 60 + minutes <= 24 * 60).then_some(hours * 60 + minutes)
}

fn two_digits(text: &str) -> Option<u32> {
    (text.len() == 2 && text.bytes().all(|octet| octet.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Days from 1970-01-01 to `2026-12-01`; none where there is no such day.
fn days_since_1970(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let year: i64 = year.bytes().all(|octet| octet.is_ascii_digit()).then(|| year.parse().ok())??;
    let (month, day) = (i64::from(two_digits(parts.next()?)?), i64::from(two_digits(parts.next()?)?));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the day that comes and goes is the last one.
    let (year_from_march, month_from_march) =
        if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_before_month = (153 * month_from_march + 2) / 5;
    let (century, year_of_400) = (year_from_march.div_euclid(400), year_from_march.rem_euclid(400));
    let day_of_400 = year_of_400 * 365 + year_of_400 / 4 - year_of_400 / 100 + days_before_month + day - 1;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    let days = century * 146_097 + day_of_400 - 719_468;
    (date_of(days) == date).then_some(days)
}

/// The date so many days after 1970-01-01.
fn date_of(days: i64) -> String {
    let days = days + 719_468;
    let (century, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = century * 400 + year + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = DAY_MS;

    #[test]
    fn every_day_of_centuries_is_read_back_as_it_was_written() {
        for days in -200_000..200_000 {
            assert_eq!(days_since_1970(&date_of(days)), Some(days));
        }
        assert_eq!(date_of(0), "1970-01-01");
        assert_eq!(days_since_1970("2026-12-01"), Some(20_788));
        for none in ["2026-02-29", "2100-02-29", "2026-13-01", "2026-00-01", "26-12-01", "2026-12-1", ""] {
            assert_eq!(days_since_1970(none), None, "{none}");
        }
    }

    #[test]
    fn zones_shift_hours_weekdays_and_moments() {
        let zone = Zone::parse("+05:30").unwrap();
        assert_eq!((zone.minute_of_day(0), zone.weekday(0)), (330, 3));
        assert_eq!((Zone::parse("-01:00").unwrap().weekday(0), Zone::default().weekday(4 * DAY)), (2, 0));
        assert_eq!(zone.moment("1970-01-01 05:30", false), Ok(0));
        assert_eq!(Zone::default().moment("1970-01-01", true), Ok(DAY));
        assert_eq!(zone.shown(0), "thu 1970-01-01 05:30 +05:30");
        for none in ["1:00", "+1", "+24:00", "Europe/Berlin", "+01:60"] {
            assert!(Zone::parse(none).unwrap_err().contains("+01:00"), "{none}");
        }
    }

    #[test]
    fn hours_of_some_days_belong_to_the_day_on_which_they_begin() {
        let patterns = ["Mon-Fri 08:00-20:00", "sat 22:00-06:00", "!wed 12:00-13:00"].map(str::to_owned);
        let spans = Spans::hours(&Patterns(patterns.to_vec()), &mut Budget::default()).unwrap();
        let holds = |weekday: u32, hour: u32| spans.hold(weekday, hour * 60);
        assert!(holds(0, 8) && holds(4, 19) && !holds(4, 20) && !holds(5, 8));
        assert!(holds(5, 22) && holds(5, 23) && !holds(5, 0) && holds(6, 5) && !holds(6, 22) && !holds(0, 5));
        assert!(holds(1, 12) && !holds(2, 12));
        let sunday = Spans::hours(&"sun 22:00-06:00".into(), &mut Budget::default()).unwrap();
        assert!(sunday.hold(0, 0) && !sunday.hold(1, 0), "Monday comes after Sunday");
    }

    #[test]
    fn spans_go_over_midnight_and_over_sunday() {
        let hours = |text: &str| Spans::hours(&text.into(), &mut Budget::default());
        let night = hours("22:00-06:00").unwrap();
        let at = |spans: &Spans<HourSpan>, minute| spans.hold(2, minute);
        assert!(at(&night, 22 * 60) && at(&night, 0) && !at(&night, 6 * 60) && !at(&night, 12 * 60));
        assert!(at(&hours("00:00-24:00").unwrap(), 1_439));
        let no_lunch = Spans::hours(
            &Patterns(vec!["08:00-18:00".into(), "!12:00-13:00".into()]),
            &mut Budget::default(),
        );
        let no_lunch = no_lunch.unwrap();
        assert!(at(&no_lunch, 8 * 60) && !at(&no_lunch, 12 * 60) && !at(&no_lunch, 18 * 60));
        let wrong =
            ["8-20", "08:00", "08:00-08:00", "24:00-08:00", "08:00-25:00", "mon-fri", "fri08:00-20:00"];
        for none in wrong.into_iter().chain(["day 08:00-20:00", "mon,tue 08:00-20:00", ""]) {
            assert!(hours(none).is_err(), "{none}");
        }
        let days = |text: &str| {
            let spans = Spans::weekdays(&text.into(), &mut Budget::default()).unwrap();
            (0..7).filter(|&day| spans.hold(day)).collect::<Vec<u32>>()
        };
        assert_eq!(days("mon-fri"), [0, 1, 2, 3, 4]);
        assert_eq!(days("Sat-mon"), [0, 5, 6]);
        assert_eq!(days("tue-mon"), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(days("!sun"), [0, 1, 2, 3, 4, 5]);
        assert_eq!(days("sun"), [6]);
    }
}
