use smppkit_wire::pdu::table::EnquireLink;
use smppkit_wire::{Pdu, Version};

use super::*;

fn pdus(from: u32, count: u32) -> Vec<u8> {
    let mut octets = Vec::new();
    for number in from..from + count {
        Pdu::request(number, EnquireLink::default()).encode(Version::V50, &mut octets);
    }
    octets
}

fn party() -> Arc<Party> {
    let place = Place::Smsc("smsc".into());
    Arc::new(Party::new(1, place, ([127, 0, 0, 1], 1).into(), false))
}

fn moment(unix_ms: i64) -> At {
    At { unix_ms, mono: Instant::now() }
}

fn numbers(read: &Read) -> Vec<(u64, u32)> {
    read.entries
        .iter()
        .map(|entry| (entry.number, smppkit_wire::Header::read(&entry.octets).unwrap().sequence_number))
        .collect()
}

#[test]
fn the_latest_are_kept_in_so_many_octets_and_what_is_missed_is_said() {
    let party = party();
    // Room for three runs of three PDUs of 16 octets, and a little.
    let record = Record::new(3 * (48 + size_of::<Run>()) + 16, Instant::now());
    for at in 0..5 {
        record.push(&party, Direction::In, moment(0), &pdus(at * 3 + 1, 3), 3);
        let read = record.read(1, 100);
        let last = u64::from(at * 3 + 3);
        assert_eq!(read.next, last + 1);
        let kept = numbers(&read);
        assert_eq!(kept.last(), Some(&(last, last as u32)));
        assert!(kept.windows(2).all(|two| two[0].0 + 1 == two[1].0 && two[0].1 + 1 == two[1].1), "{kept:?}");
        assert!(kept.len() <= 10);
        assert_eq!(read.missed, kept[0].0 - 1);
    }
    assert_eq!(numbers(&record.read(13, 100)), [(13, 13), (14, 14), (15, 15)]);
    assert_eq!(numbers(&record.read(14, 100)), [(14, 14), (15, 15)], "from the middle of a run");
    assert!(record.read(16, 100).entries.is_empty());
}

#[test]
fn many_short_batches_take_no_more_memory_than_few_long_ones() {
    let party = party();
    let record = Record::new(100_000, Instant::now());
    for at in 0..100_000 {
        record.push(&party, Direction::In, moment(0), &pdus(at, 1), 1);
    }
    let inside = record.inside();
    let runs = inside.runs.capacity() * size_of::<Run>();
    assert!(inside.ring.len() + runs <= 2 * 100_000, "{} runs", inside.runs.len());
    assert!(inside.runs.len() > 500);
}

#[test]
fn a_reader_takes_its_time_and_goes_on_where_it_was() {
    let party = party();
    let record = Record::new(1 << 20, Instant::now());
    for at in 0..10 {
        record.push(&party, Direction::Out, moment(0), &pdus(at * 10, 10), 10);
    }
    let mut all = Vec::new();
    let mut from = 1;
    loop {
        let read = record.read(from, 25);
        if read.entries.is_empty() {
            break;
        }
        all.extend(numbers(&read));
        from = read.next;
    }
    assert_eq!(all.len(), 100);
    assert_eq!(all[99], (100, 99));
}

#[test]
fn what_is_no_pdu_is_kept_all_the_same_and_a_reset_forgets_all_but_the_numbers() {
    let party = party();
    let record = Record::new(1 << 20, Instant::now());
    let octets = [pdus(1, 1), vec![0xFF; 20]].concat();
    assert_eq!(count(&octets, |_, _| ()), 2);
    record.push(&party, Direction::Out, moment(0), &octets, 2);
    assert_eq!(record.read(1, 10).entries[1].octets.len(), 20);
    record.reset();
    assert_eq!((record.read(1, 10).entries.len(), record.next()), (0, 3));
    record.push(&party, Direction::Out, moment(0), &pdus(9, 1), 1);
    assert_eq!(numbers(&record.read(1, 10)), [(3, 9)]);
}

#[test]
fn a_password_is_not_shown() {
    use smppkit_wire::pdu::table::BindTransceiver;
    let bind = BindTransceiver {
        system_id: "app".parse().unwrap(),
        password: "secret".parse().unwrap(),
        ..BindTransceiver::default()
    };
    let mut octets = Vec::new();
    Pdu::request(1, bind).encode(Version::V50, &mut octets);
    let record = Record::new(1 << 20, Instant::now());
    record.push(&party(), Direction::In, moment(1_795_348_800_123), &octets, 1);
    let json = record.read(1, 1).entries[0].json();
    let text = json.to_string();
    assert!(!text.contains("secret") && !text.contains("736563726574"), "{text}");
    assert_eq!(json["pdu"]["password"], "******");
    assert_eq!(json["time"], "2026-11-22T12:00:00.123Z");
}
