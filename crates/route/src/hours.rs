//! When something is open, written as a rule's hours, weekdays and zone are.

use crate::error::BadRoute;
use crate::limits::Budget;
use crate::time::{MINUTE_MS, Spans, Zone};
use crate::written::Patterns;

/// Hours of the week at which something is open.
///
/// ```
/// use smppkit_route::{Hours, Patterns};
///
/// let hours = Patterns(vec!["mon-fri 08:00-20:00".to_owned(), "sat 10:00-14:00".to_owned()]);
/// let hours = Hours::new(&hours, &Patterns::default(), Some("+01:00"))?.expect("hours are given");
/// let monday_noon = 1_795_431_600_000; // 2026-11-23 11:00 UTC
/// assert!(hours.is_open(monday_noon));
/// assert_eq!(hours.next_change(monday_noon), Some(monday_noon + 8 * 3_600_000));
/// # Ok::<(), smppkit_route::BadRoute>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    zone: Zone,
    /// Minutes of the week at which it opens or closes, in order. None if it is open always.
    changes: Vec<(u32, bool)>,
}

impl Hours {
    /// Nothing where no hours are given: open always. What is never open is an error, as is a zone that says
    /// nothing.
    pub fn new(hours: &Patterns, weekdays: &Patterns, zone: Option<&str>) -> Result<Option<Self>, BadRoute> {
        let bad = |field: &str, why| BadRoute { rule: String::new(), field: field.to_owned(), why };
        let mut budget = Budget::default();
        let at = zone.map_or(Ok(Zone::default()), Zone::parse).map_err(|why| bad("zone", why))?;
        let spans = Spans::hours(hours, &mut budget).map_err(|why| bad("hours", why))?;
        let days = Spans::weekdays(weekdays, &mut budget).map_err(|why| bad("weekdays", why))?;
        if hours.is_empty() && weekdays.is_empty() {
            if zone.is_some() {
                return Err(bad("zone", "says nothing without hours or weekdays; remove it".to_owned()));
            }
            return Ok(None);
        }
        let is_open = |minute: u32| {
            let (day, minute) = (minute / DAY, minute % DAY);
            days.hold(day) && spans.hold(day, minute)
        };
        let changes = (0..WEEK).filter_map(|minute| {
            let now = is_open(minute);
            (is_open((minute + WEEK - 1) % WEEK) != now).then_some((minute, now))
        });
        let changes: Vec<(u32, bool)> = changes.collect();
        if changes.is_empty() && !is_open(0) {
            let field = if hours.is_empty() { "weekdays" } else { "hours" };
            return Err(bad(field, "hold at no time of the week; write enabled = false instead".to_owned()));
        }
        Ok(Some(Self { zone: at, changes }))
    }

    /// Whether it is open at that moment, in milliseconds since 1970.
    pub fn is_open(&self, unix_ms: i64) -> bool {
        let next = self.next(self.minute_of_week(unix_ms));
        // What comes next is the other.
        next.is_none_or(|(_, opens)| !opens)
    }

    /// The next moment at which it opens or closes; none if it never closes.
    pub fn next_change(&self, unix_ms: i64) -> Option<i64> {
        let minute = self.minute_of_week(unix_ms);
        let (next, _) = self.next(minute)?;
        let minutes = (next + WEEK - minute - 1) % WEEK + 1;
        // Zones are whole minutes away from UTC.
        Some(unix_ms - unix_ms.rem_euclid(MINUTE_MS) + i64::from(minutes) * MINUTE_MS)
    }

    /// The first change after a minute of the week.
    fn next(&self, minute: u32) -> Option<(u32, bool)> {
        let after = self.changes.partition_point(|&(at, _)| at <= minute);
        self.changes.get(after).or(self.changes.first()).copied()
    }

    fn minute_of_week(&self, unix_ms: i64) -> u32 {
        self.zone.weekday(unix_ms) * DAY + self.zone.minute_of_day(unix_ms)
    }
}

/// Minutes.
const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 2026-11-23, 00:00 UTC.
    const MONDAY: i64 = 1_795_392_000_000;
    const HOUR: i64 = 60 * MINUTE_MS;

    fn hours(hours: &[&str], weekdays: &str, zone: Option<&str>) -> Result<Option<Hours>, String> {
        let hours = Patterns(hours.iter().map(|&text| text.to_owned()).collect());
        let weekdays = if weekdays.is_empty() { Patterns::default() } else { weekdays.into() };
        Hours::new(&hours, &weekdays, zone).map_err(|error| error.to_string())
    }

    #[test]
    fn it_opens_and_closes_as_the_patterns_say() {
        let of = hours(&["Mon-Fri 08:00-20:00", "Sat 10:00-14:00"], "", None).unwrap().unwrap();
        for (at, is_open, next) in [
            (0, false, 8),
            (8 * HOUR, true, 20),
            (20 * HOUR - 1, true, 20),
            (20 * HOUR, false, 32),
            (4 * 24 * HOUR + 20 * HOUR, false, 5 * 24 + 10),
            (5 * 24 * HOUR + 14 * HOUR, false, 7 * 24 + 8),
            (5 * 24 * HOUR + 13 * HOUR + 59 * MINUTE_MS + 59_999, true, 5 * 24 + 14),
        ] {
            assert_eq!(of.is_open(MONDAY + at), is_open, "{at}");
            assert_eq!(of.next_change(MONDAY + at), Some(MONDAY + next * HOUR), "{at}");
        }
        let before_1970 = MONDAY - 3_000 * 7 * 24 * HOUR;
        assert!(of.is_open(before_1970 + 8 * HOUR) && !of.is_open(before_1970 + 8 * HOUR - 1));
    }

    #[test]
    fn zones_weekdays_and_midnight_are_as_in_routes() {
        let night = hours(&["22:00-06:00"], "mon", Some("+02:00")).unwrap().unwrap();
        assert!(night.is_open(MONDAY - 2 * HOUR) && !night.is_open(MONDAY + 4 * HOUR));
        assert!(
            night.is_open(MONDAY + 20 * HOUR) && !night.is_open(MONDAY + 22 * HOUR),
            "two parts of Monday"
        );
        let week = hours(&[], "!sun", None).unwrap().unwrap();
        assert!(week.is_open(MONDAY));
        assert_eq!(week.next_change(MONDAY), Some(MONDAY + 6 * 24 * HOUR));
        let always = hours(&["00:00-24:00"], "", None).unwrap().unwrap();
        assert!(always.is_open(MONDAY) && always.next_change(MONDAY).is_none());
        assert_eq!(hours(&[], "", None), Ok(None));
    }

    #[test]
    fn a_calendar_that_says_nothing_or_never_holds_is_refused_by_its_field() {
        for (of, weekdays, zone, says) in [
            (&["8-20"][..], "", None, "hours: "),
            (&["08:00-20:00"], "someday", None, "weekdays: "),
            (&["08:00-20:00"], "", Some("Europe/Berlin"), "zone: "),
            (&[], "", Some("+01:00"), "zone: says nothing"),
            (&["!00:00-24:00"], "", None, "hours: hold at no time"),
            (&["mon 08:00-20:00"], "tue", None, "hours: hold at no time"),
            (&[], "!mon-sun", None, "weekdays: hold at no time"),
        ] {
            let error = hours(of, weekdays, zone).unwrap_err();
            assert!(error.starts_with(says), "{error}");
        }
    }
}
