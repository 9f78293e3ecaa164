//! What is kept, and for how long it is looked for, is bounded.

use super::*;

#[test]
fn what_still_waits_is_kept_beyond_the_ring_and_bounded() {
    let config = SmscSettings {
        messages: 10,
        pending: 5,
        receipt_delay: Duration::from_secs(10).into(),
        ..SmscSettings::default()
    };
    let mut centre = Centre::with(config);
    let esme = centre.esme();
    let taken = (0..100).filter(|_| centre.submit(&esme, &message(1)).is_ok()).count();
    assert_eq!(taken, 15, "ten in the ring, five beyond it");
    assert_eq!(centre.submit(&esme, &message(1)), Err(CommandStatus::ESME_RMSGQFUL));
    for _ in 0..100 {
        assert!(centre.submit(&esme, &message(0)).is_ok() || centre.smsc.messages.is_full());
    }
    assert_eq!(centre.after(10).receipts(&esme).len(), 15, "no receipt is forgotten");
    assert!(centre.smsc.messages.len() <= 15);
}

#[test]
fn a_full_outbox_drops_the_oldest_and_counts_it() {
    let config =
        SmscSettings { outbox: 3, receipt_delay: Duration::from_secs(1).into(), ..SmscSettings::default() };
    let mut centre = Centre::with(config);
    let esme = centre.esme();
    let ids: Vec<_> = (0..5).map(|_| centre.submit(&esme, &message(1)).unwrap().to_text()).collect();
    let receipts = centre.after(1).receipts(&esme);
    assert_eq!(receipts.iter().map(|(_, id, _)| id.as_str()).collect::<Vec<_>>(), &ids[2..]);
    assert_eq!(centre.smsc.dropped, 2);
}

#[test]
fn what_replace_sm_and_cancel_sm_leave_behind_does_not_pile_up() {
    let mut centre = Centre::new();
    let esme = centre.esme();
    let kept = centre.submit(&esme, &message(0x11)).unwrap();
    let replace = ReplaceSm {
        message_id: kept,
        source_addr: source(),
        registered_delivery: RegisteredDelivery(1),
        ..ReplaceSm::default()
    };
    for _ in 0..20_000 {
        centre.smsc.replace_sm(centre.now, &esme, &replace).unwrap();
        let message_id = centre.submit(&esme, &message(0x11)).unwrap();
        let cancel = CancelSm { message_id, source_addr: source(), ..CancelSm::default() };
        centre.smsc.cancel_sm(centre.now, &esme, &cancel).unwrap();
    }
    assert!(centre.smsc.due.len() <= 2 * crate::smsc::DUE_LIMIT, "{} things to do", centre.smsc.due.len());
    assert_eq!(centre.delivered(&esme).len(), 20_000, "receipts of those that were cancelled");
    let ended: Vec<_> = centre.after(20).receipts(&esme).into_iter().map(|(.., state)| state).collect();
    assert!(ended.ends_with(&[MessageState::DELIVERED]), "{ended:?}");
}

#[test]
fn what_a_session_gives_back_leaves_in_the_order_it_was_made() {
    let mut centre = Centre::with(SmscSettings {
        receipt_delay: Duration::from_secs(1).into(),
        ..SmscSettings::default()
    });
    let esme = centre.esme();
    let ids: Vec<_> = (0..4).map(|_| centre.submit(&esme, &message(1)).unwrap().to_text()).collect();
    centre.after(1);
    let taken: Vec<_> = (0..3).filter_map(|_| centre.smsc.next_delivery(&esme)).collect();
    for delivery in taken {
        centre.smsc.give_back(delivery);
    }
    let receipts = centre.receipts(&esme);
    assert_eq!(receipts.iter().map(|(_, id, _)| id).collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
}

#[test]
fn texts_are_bounded_in_octets_not_only_in_number() {
    let config = SmscSettings { message_octets: smppkit_ops::Size(1_000), ..SmscSettings::default() };
    let mut centre = Centre::with(config);
    let esme = centre.esme();
    let long = |registered| SubmitSm {
        short_message: ShortMessage::new(vec![b'x'; 100]).unwrap(),
        ..message(registered)
    };
    for _ in 0..100 {
        centre.submit(&esme, &long(0)).unwrap();
    }
    assert_eq!(centre.smsc.messages.len(), 10);
    let taken = (0..100).filter(|_| centre.submit(&esme, &long(1)).is_ok()).count();
    assert_eq!(taken, 20, "ten of the latest, ten that wait beyond them");
    let receipts = centre.after(1).receipts(&esme).len() as u64;
    assert!(receipts < 20, "the outbox is bounded, too");
    assert_eq!(receipts + centre.smsc.dropped, 20, "what is dropped is counted");
}

#[test]
fn operations_without_an_index_may_look_through_so_much_in_a_second() {
    let mut centre = Centre::with(SmscSettings { messages: 100_000, ..SmscSettings::default() });
    let esme = centre.esme();
    for _ in 0..50_000 {
        centre.submit(&esme, &message(0)).unwrap();
    }
    let cancel =
        CancelSm { source_addr: source(), destination_addr: "1".parse().unwrap(), ..CancelSm::default() };
    let mut looked = 0;
    while centre.smsc.cancel_sm(centre.now, &esme, &cancel) == Err(CommandStatus::ESME_RCANCELFAIL) {
        looked += 1;
        assert!(looked < 1_000);
    }
    assert_eq!(looked, 40);
    assert_eq!(centre.smsc.cancel_sm(centre.now, &esme, &cancel), Err(CommandStatus::ESME_RTHROTTLED));
    centre.after(1);
    assert_eq!(centre.smsc.cancel_sm(centre.now, &esme, &cancel), Err(CommandStatus::ESME_RCANCELFAIL));
}
