//! The times that receipts name.

use crate::field::{Time, TimeValue};

/// The time a receipt's date names, read as UTC; `None` when it names none.
///
/// Digits are 10 `YYMMDDhhmm` (SMPP 3.4, Appendix B), 12 `YYMMDDhhmmss`, 14 `YYYYMMDDhhmmss` or 8
/// `YYYYMMDD`. Where 12 digits are no date they may be `YYYYMMDDhhmm`, as Jasmin writes them: that
/// is certain from 2013 on, because no month is called 13. Signs between the digits are passed
/// over, as in `2013-02-17 00:04:29`. The 16 characters of SMPP's own times do, too, with their offset.
pub fn receipt_date_unix_ms(date: &str) -> Option<i64> {
    if let Ok(time) = Time::new(date) {
        return absolute(time);
    }
    let (digits, count) = digits_of(date)?;
    let digits = digits.get(..count)?;
    match count {
        10 => moment(digits),
        12 => moment(digits).or_else(|| with_century(digits)),
        8 | 14 => with_century(digits),
        _ => None,
    }
}

/// The digits of a date, and how many. Groups have two digits each but the first, or are the six of a time.
fn digits_of(date: &str) -> Option<([u8; 14], usize)> {
    let date = date.strip_suffix(['Z', 'z']).unwrap_or(date);
    let (mut digits, mut count) = ([b'0'; 14], 0);
    for (n, group) in date.split(['-', '/', '.', ':', ' ', 'T', 't']).enumerate() {
        // `17-02-2013` is not ours to guess.
        if n > 0 && !matches!(group.len(), 2 | 6) {
            return None;
        }
        for octet in group.bytes() {
            *digits.get_mut(count)? = octet;
            count += 1;
        }
    }
    digits.iter().all(u8::is_ascii_digit).then_some((digits, count))
}

/// Digits that begin with a year of four, within what two digits can say.
fn with_century(digits: &[u8]) -> Option<i64> {
    let (century, digits) = digits.split_at_checked(2)?;
    let year = digits.first_chunk::<2>()?;
    let is_20th = i64::from(year[0] - b'0') * 10 + i64::from(year[1] - b'0') >= Time::PIVOT_YEAR;
    if century == if is_20th { b"19" } else { b"20" } { moment(digits) } else { None }
}

/// `YYMMDDhhmmss`; what is missing at its end is 0.
fn moment(digits: &[u8]) -> Option<i64> {
    let mut characters = *b"000000000000000+";
    characters.get_mut(..digits.len())?.copy_from_slice(digits);
    absolute(Time::new(core::str::from_utf8(&characters).ok()?).ok()?)
}

fn absolute(time: Time) -> Option<i64> {
    match time.value().ok()?? {
        TimeValue::Absolute(moment) => Some(moment),
        TimeValue::Relative { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T12:30:00Z.
    const MOMENT: i64 = 1_795_350_600_000;

    #[test]
    fn dates_of_10_12_and_14_digits() {
        for digits in ["2611221230", "261122123000", "202611221230", "20261122123000"] {
            assert_eq!(receipt_date_unix_ms(digits), Some(MOMENT), "{digits}");
        }
        assert_eq!(receipt_date_unix_ms("20261122"), Some(MOMENT - 45_000_000));
    }

    #[test]
    fn dates_with_signs_between() {
        for date in [
            "26-11-22 12:30",
            "2026-11-22 12:30:00",
            "2026/11/22 12:30",
            "2026.11.22 12:30:00",
            "2026-11-22T12:30:00Z",
            "20261122T123000",
            "20261122 123000",
            "26:11:22:12:30",
        ] {
            assert_eq!(receipt_date_unix_ms(date), Some(MOMENT), "{date}");
        }
    }

    #[test]
    fn smpp_s_own_times_keep_their_offset() {
        assert_eq!(receipt_date_unix_ms("261122153000012+"), Some(MOMENT));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for date in [
            "",
            "not a date",
            "0000000000",
            "2613221230",
            "261122",
            "26112212",
            "22-11-2026 12:30",
            "18991122123000",
            "20401122123000",
            "2611221230000",
            "202611221230001",
            "2611é2123",
            "000007000000000R",
        ] {
            assert_eq!(receipt_date_unix_ms(date), None, "{date}");
        }
    }
}
