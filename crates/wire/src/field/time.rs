//! schedule_delivery_time, validity_period and final_date (SMPP 5.0, 4.7.23).

use core::fmt;
use core::time::Duration;

use super::{CStr, Field, Kind, Reader, Subject, ValueError, Writer, plain};
use crate::dialect::Dialect;
use crate::error::{BodyError, Fault};
use crate::observe::{Observer, Value};
use crate::pdu::FieldDef;
use crate::version::Version;

/// A time as it stands in a PDU: nothing, or `YYMMDDhhmmsstnnp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Time(CStr<17>);

/// The time a message reached its final state; nothing while it has not.
///
/// Like [`Time`], but some MCs report 12 characters of local time (SMPP 3.4, 7.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FinalDate(CStr<17>);

/// What a time says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeValue {
    /// A moment, in milliseconds since 1970-01-01T00:00:00Z.
    Absolute(i64),
    /// So much later than the moment the MC received it.
    Relative {
        /// Calendar months, years included.
        months: u32,
        /// Seconds, days included.
        seconds: u32,
    },
}

/// Characters that are not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeError;

impl Time {
    /// No time: the MC's default, or "now".
    pub const NONE: Self = Self(CStr::EMPTY);
    /// The years that two digits name: `38` to `99` are 1938 to 1999 (SMPP 3.4, Appendix C).
    pub const PIVOT_YEAR: i64 = 38;

    /// A moment, in milliseconds since 1970-01-01T00:00:00Z, written in UTC with offset `00+`.
    pub fn absolute(unix_ms: i64) -> Self {
        let tenths = unix_ms.rem_euclid(1000) / 100;
        let seconds = unix_ms.div_euclid(1000);
        let text = format!("{}{tenths}00+", yymmddhhmmss(seconds));
        Self(CStr::new(text.as_bytes()).unwrap_or_default())
    }

    /// So much later than now, to the second; at most 99 days, so that no calendar is needed.
    pub fn relative(duration: Duration) -> Self {
        let seconds = duration.as_secs().min(99 * 86_400 - 1);
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let (hours, minutes) = (rest / 3600, rest % 3600 / 60);
        let text = format!("0000{days:02}{hours:02}{minutes:02}{:02}000R", rest % 60);
        Self(CStr::new(text.as_bytes()).unwrap_or_default())
    }

    /// From the 16 characters, or none. They are checked.
    pub fn new(text: &str) -> Result<Self, TimeError> {
        let time = Self(CStr::new(text.as_bytes()).map_err(|_| TimeError)?);
        time.value().map(|_| time)
    }

    /// Whether no time is given.
    pub const fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The characters.
    pub const fn as_cstr(&self) -> &CStr<17> {
        &self.0
    }

    /// What it says, `None` when it says nothing.
    pub fn value(&self) -> Result<Option<TimeValue>, TimeError> {
        if self.is_none() { Ok(None) } else { parse(self.0.as_octets()).map(Some) }
    }
}

impl TimeValue {
    /// The moment, in milliseconds since 1970, given the moment it was received.
    pub fn resolve(self, now_unix_ms: i64) -> i64 {
        match self {
            Self::Absolute(moment) => moment,
            Self::Relative { months, seconds } => {
                let (days, ms_of_day) =
                    (now_unix_ms.div_euclid(86_400_000), now_unix_ms.rem_euclid(86_400_000));
                let (year, month, day) = civil(days);
                let month = year * 12 + month - 1 + i64::from(months);
                let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
                let day = day.min(days_in_month(year, month));
                days_since_1970(year, month, day) * 86_400_000 + ms_of_day + i64::from(seconds) * 1000
            }
        }
    }
}

impl FinalDate {
    /// Not final yet.
    pub const NONE: Self = Self(CStr::EMPTY);

    /// A moment, as [`Time::absolute`].
    pub fn absolute(unix_ms: i64) -> Self {
        Self(Time::absolute(unix_ms).0)
    }

    /// The characters.
    pub const fn as_cstr(&self) -> &CStr<17> {
        &self.0
    }
}

/// `YYMMDDhhmmss` in UTC, of seconds since 1970.
pub(crate) fn yymmddhhmmss(unix_seconds: i64) -> String {
    let (days, second) = (unix_seconds.div_euclid(86_400), unix_seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second % 3600 / 60, second % 60);
    format!("{:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}", year.rem_euclid(100))
}

#[allow(clippy::cast_sign_loss, reason = "numbers of two digits are not negative")]
fn parse(text: &[u8]) -> Result<TimeValue, TimeError> {
    let (digits, p) = match text {
        [digits @ .., p] if digits.len() == 15 && digits.iter().all(u8::is_ascii_digit) => (digits, *p),
        _ => return Err(TimeError),
    };
    let number = |at: usize| i64::from(digits[at] - b'0') * 10 + i64::from(digits[at + 1] - b'0');
    let (year, month, day) = (number(0), number(2), number(4));
    let (hour, minute, second) = (number(6), number(8), number(10));
    let (tenths, quarters) = (i64::from(digits[12] - b'0'), number(13));
    if p == b'R' {
        // Tables print 01-12 and 01-31 here too, yet "7 days" must be writable: 00 is taken everywhere.
        return Ok(TimeValue::Relative {
            months: (year * 12 + month) as u32,
            seconds: (day * 86_400 + hour * 3600 + minute * 60 + second) as u32,
        });
    }
    let year = if year < Time::PIVOT_YEAR { 2000 + year } else { 1900 + year };
    let sensible = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && quarters <= 48;
    let offset_seconds = match p {
        b'+' => quarters * 900,
        b'-' => -quarters * 900,
        _ => return Err(TimeError),
    };
    if !sensible {
        return Err(TimeError);
    }
    let local = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Ok(TimeValue::Absolute((local - offset_seconds) * 1000 + tenths * 100))
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March put the leap day last, so that month lengths follow one formula.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day since 1970-01-01: year, month, day.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

fn read_time<O: Observer>(
    r: &mut Reader<'_, O>,
    def: &'static FieldDef,
    lengths: &[usize],
) -> Result<CStr<17>, BodyError> {
    let string = CStr::<17>::read_from(r.rest(), r.room()).map_err(|fault| r.fault(def, fault))?;
    if !lengths.contains(&string.len()) {
        return Err(r.fault(def, Fault::Length));
    }
    let at = r.at();
    r.skip(string.len() + 1);
    r.observer.field(def.name, at..at + string.len() + 1, || plain(Value::Text(string.to_text())));
    Ok(string)
}

impl Field for Time {
    const KIND: Kind = Kind::Time;
    const SUBJECT: Subject = Subject::Time;

    #[inline(always)]
    fn read<O: Observer>(r: &mut Reader<'_, O>, def: &'static FieldDef) -> Result<Self, BodyError> {
        // Nearly every message leaves both times empty.
        if r.rest().first() == Some(&0) {
            let at = r.at();
            r.skip(1);
            r.observer.field(def.name, at..at + 1, || plain(Value::Text(String::new())));
            return Ok(Self::NONE);
        }
        read_time(r, def, &[0, 16]).map(Self)
    }

    #[inline]
    fn write(&self, w: &mut Writer<'_>) {
        if self.is_none() {
            w.out.push(0);
        } else {
            self.0.write(w);
        }
    }

    fn from_record(def: &'static FieldDef, record: &Value) -> Result<Self, ValueError> {
        CStr::named(def.name, record).map(Self)
    }

    fn check(&self, _: &'static FieldDef, version: Version, _: &Dialect) -> Result<(), Fault> {
        match self.value() {
            // SMPP 3.3 has absolute times only.
            Ok(Some(TimeValue::Relative { .. })) if version == Version::V33 => Err(Fault::Value),
            Ok(_) => Ok(()),
            Err(TimeError) => Err(Fault::Value),
        }
    }
}

impl Field for FinalDate {
    const KIND: Kind = Kind::Time;
    const SUBJECT: Subject = Subject::Time;

    fn read<O: Observer>(r: &mut Reader<'_, O>, def: &'static FieldDef) -> Result<Self, BodyError> {
        let lengths: &[usize] = if r.dialect.short_dates { &[0, 12, 16] } else { &[0, 16] };
        read_time(r, def, lengths).map(Self)
    }

    fn write(&self, w: &mut Writer<'_>) {
        self.0.write(w);
    }

    fn from_record(def: &'static FieldDef, record: &Value) -> Result<Self, ValueError> {
        CStr::named(def.name, record).map(Self)
    }
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a time: want YYMMDDhhmmsstnn and one of + - R (SMPP 5.0, 4.7.23)")
    }
}

impl std::error::Error for TimeError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<TimeValue> {
        Time::new(text).ok().and_then(|time| time.value().ok().flatten())
    }

    #[test]
    fn offset_of_quarter_hours_is_taken_from_local_time() {
        // 2026-11-22T12:00:00+01:00 is 11:00 UTC.
        assert_eq!(value("261122120000004+"), Some(TimeValue::Absolute(1_795_345_200_000)));
        assert_eq!(value("261122100000004-"), Some(TimeValue::Absolute(1_795_345_200_000)));
        assert_eq!(value("261122110000500+"), Some(TimeValue::Absolute(1_795_345_200_500)));
    }

    #[test]
    fn the_specification_s_relative_example() {
        let relative = value("020610233429000R").unwrap();
        assert_eq!(
            relative,
            TimeValue::Relative { months: 30, seconds: 10 * 86_400 + 23 * 3600 + 34 * 60 + 29 }
        );
    }

    #[test]
    fn a_month_after_31_january_is_the_end_of_february() {
        let now = days_since_1970(2024, 1, 31) * 86_400_000;
        let then = TimeValue::Relative { months: 1, seconds: 0 }.resolve(now);
        assert_eq!(then, days_since_1970(2024, 2, 29) * 86_400_000);
    }

    #[test]
    fn faults_in_each_part_are_refused() {
        for text in [
            "261332120000000+",
            "261131120000000+",
            "261122240000000+",
            "261122126000000+",
            "261122120060000+",
            "261122120000049+",
            "261122120000000X",
            "26112212000000+",
            "2611221200000a0+",
        ] {
            assert_eq!(Time::new(text), Err(TimeError), "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_survives_both_ways() {
        for days in -20_000..130_000 {
            let (year, month, day) = civil(days);
            assert_eq!(days_since_1970(year, month, day), days);
        }
    }

    #[test]
    fn written_times_read_back() {
        let moment = 1_795_345_200_700;
        assert_eq!(Time::absolute(moment).value(), Ok(Some(TimeValue::Absolute(moment))));
        let week = Time::relative(Duration::from_secs(7 * 86_400));
        assert_eq!(week.as_cstr().as_octets(), b"000007000000000R");
    }
}
