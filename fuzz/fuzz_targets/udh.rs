//! User data headers: read, made again, and what their places in long messages lead to.
//!
//! Input: user data, one after another, each behind its length, a group and key, and a time step.
#![no_main]

use core::time::Duration;

use libfuzzer_sys::fuzz_target;
use smppkit_text::reassembly::{Limits, Load, Outcome, Reassembly};
use smppkit_text::{Concatenation, Ports, Udh, UdhBuilder};

const LIMITS: Limits = Limits {
    all: Load { messages: 4, parts: 10, octets: 200 },
    group: Load { messages: 3, parts: 6, octets: 100 },
    time: Duration::from_secs(100),
};

fuzz_target!(|data: &[u8]| {
    header(data);
    let mut table = Reassembly::new(LIMITS);
    let mut now = Duration::ZERO;
    let mut given = 0;
    let mut back = 0;
    let mut left = data;
    while let Some((&[length, whose, seconds], rest)) = left.split_first_chunk() {
        let (user_data, rest) = rest.split_at(usize::from(length).min(rest.len()));
        left = rest;
        now += Duration::from_secs(u64::from(seconds));
        let Some((place, body)) = header(user_data) else { continue };
        given += 1;
        let key = (whose, place.reference(), place.width());
        let offered = table.offer(whose & 1, key, place, body.to_vec(), now);
        for message in &offered.dropped {
            assert!(message.parts.len() < usize::from(message.total));
            assert!(message.parts.windows(2).all(|pair| pair[0].0 < pair[1].0));
            back += message.parts.len();
        }
        back += match offered.outcome {
            Outcome::Complete(parts) => {
                assert_eq!(parts.len(), usize::from(place.total()));
                parts.len()
            }
            Outcome::Waiting { missing } => {
                assert!((1..place.total()).contains(&missing));
                0
            }
            Outcome::Duplicate(part) | Outcome::Refused(part, _) => {
                assert_eq!(part, body);
                1
            }
        };
        within(table.held(), LIMITS.all);
        within(table.held_for(&0), LIMITS.group);
        within(table.held_for(&1), LIMITS.group);
        assert_eq!(table.held(), table.held_for(&0) + table.held_for(&1));
        assert_eq!(given, back + table.held().parts, "no part is lost, none comes twice");
        assert!(table.next_deadline().is_none_or(|deadline| deadline > now));
    }
    back += table.expire(now + LIMITS.time).iter().map(|message| message.parts.len()).sum::<usize>();
    assert_eq!((given, table.held()), (back, Load::default()));
    assert_eq!(table.next_deadline(), None);
});

fn within(held: Load, limit: Load) {
    assert!(held.messages <= limit.messages && held.parts <= limit.parts && held.octets <= limit.octets);
}

/// A header read is made again octet for octet, and its views from what they say.
fn header(user_data: &[u8]) -> Option<(Concatenation, &[u8])> {
    let (udh, body) = match Udh::parse(user_data) {
        Ok(read) => read,
        Err(error) => {
            let _ = error.to_string();
            return None;
        }
    };
    assert_eq!(udh.octets() + body.len(), user_data.len());
    let mut again = UdhBuilder::new();
    for element in udh.elements() {
        again.element(element.iei, element.data).expect("it fitted before");
        let _ = element.iei.name();
    }
    assert_eq!(again.to_octets(), user_data[..udh.octets()]);
    let shifts = udh.shifts();
    let mut views = UdhBuilder::new();
    let (place, ports) = (udh.concatenation(), udh.ports());
    if let Some(place) = place {
        assert!((1..=place.total()).contains(&place.sequence()));
        views.concatenation(place).expect("six octets fit");
    }
    if let Some(ports @ (Ports::Eight { .. } | Ports::Sixteen { .. })) = ports {
        views.ports(ports).expect("six octets fit");
    }
    views.shifts(shifts).expect("six octets fit");
    let octets = views.to_octets();
    let (views, rest) = Udh::parse(&octets).expect("we made it");
    assert!(rest.is_empty());
    assert_eq!((views.concatenation(), views.ports(), views.shifts()), (place, ports, shifts));
    place.map(|place| (place, body))
}
