//! Who may bind, from where, how often, and in whose name.

use std::net::{IpAddr, Ipv4Addr};

use smppkit_net::BindMode;
use smppkit_wire::pdu::table::SubmitSm;
use smppkit_wire::value::{EsmClass, Ton};
use smppkit_wire::{CommandStatus, Version};

use crate::harness::{
    Act, Esme, Gateway, Login, Mc, account, connector, message, millis, prompt, raw_bind, receipt,
    receipt_by, secs, submit, taken, until, usual,
};

const REFUSED: Option<CommandStatus> = Some(CommandStatus::ESME_RBINDFAIL);

async fn refusal(gateway: &Gateway, login: Login) -> Option<CommandStatus> {
    match Esme::try_bind(gateway.address, login, std::sync::Arc::default(), None).await {
        Ok(_) => None,
        Err(status) => status,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_account_get_the_same_answer() {
    let mc = Mc::start(prompt).await;
    let gateway = Gateway::start(&usual(&mc));
    for login in [
        Login::new("shop").password("wrong"),
        Login::new("shop").password("secre"),
        Login::new("shop").password("secrets"),
        Login::new("shop").password("SECRET"),
        Login::new("shop2"),
        Login::new("SHOP"),
    ] {
        assert_eq!(refusal(&gateway, login.clone()).await, REFUSED, "{login:?}");
    }
    assert_eq!(refusal(&gateway, Login::new("shop")).await, None);
    let log = gateway.log();
    assert!(!log.contains("secret") && !log.contains("wrong"), "a password in the log: {log}");
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_waits_and_nobody_else_does() {
    let mc = Mc::start(prompt).await;
    let lockout = "[lockout]\ntries = 3\nfirst_delay = \"3s\"\n";
    let gateway = Gateway::start(&format!("{lockout}{}{}", usual(&mc), account("bank")));
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let there = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let bind = |from, name, password| raw_bind(from, gateway.address, name, password);
    for _ in 0..4 {
        assert_eq!(bind(here, "shop", "guess").await, CommandStatus::ESME_RBINDFAIL);
    }
    assert_eq!(bind(here, "shop", "secret").await, CommandStatus::ESME_RBINDFAIL, "it is locked");
    assert_eq!(bind(there, "shop", "secret").await, CommandStatus::ESME_ROK, "not from elsewhere");
    assert_eq!(bind(here, "bank", "secret").await, CommandStatus::ESME_ROK, "not another account");
    tokio::time::sleep(millis(3_200)).await;
    assert_eq!(bind(here, "shop", "secret").await, CommandStatus::ESME_ROK, "not for ever");
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_binds_from_its_networks_only() {
    let mc = Mc::start(prompt).await;
    let office = format!("{}networks = [\"127.0.0.0/30\"]\n", account("office"));
    let gateway = Gateway::start(&format!("{}{office}", usual(&mc)));
    for (last, wanted) in [(1, true), (3, true), (4, false), (77, false)] {
        let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        let status = raw_bind(from, gateway.address, "office", "secret").await;
        assert_eq!(status.is_ok(), wanted, "127.0.0.{last}: {status}");
    }
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_as_many_sessions_as_it_may() {
    let mc = Mc::start(prompt).await;
    let limited = format!("{}binds = {{ sessions = 3, receiver = 1 }}\n", account("limited"));
    let old = format!("{}versions = [\"3.4\"]\n", account("old"));
    let gateway = Gateway::start(&format!("{}{limited}{old}", usual(&mc)));
    let login = |mode| Login::new("limited").mode(mode);
    let receiver = Esme::bind(gateway.address, login(BindMode::Receiver)).await;
    assert_eq!(refusal(&gateway, login(BindMode::Receiver)).await, REFUSED, "one receiver");
    let _two = [
        Esme::bind(gateway.address, login(BindMode::Transceiver)).await,
        Esme::bind(gateway.address, login(BindMode::Transmitter)).await,
    ];
    assert_eq!(refusal(&gateway, login(BindMode::Transmitter)).await, REFUSED, "three in all");
    receiver.unbind().await;
    until("a seat is free", secs(5), || gateway.log().contains("session ended system_id=limited")).await;
    let again = Esme::bind(gateway.address, login(BindMode::Receiver)).await;
    // A connection that breaks gives its seat up, too.
    again.cut().await;
    tokio::time::sleep(millis(300)).await;
    let _again = Esme::bind(gateway.address, login(BindMode::Receiver)).await;
    assert_eq!(refusal(&gateway, Login::new("old").version(Version::V50)).await, REFUSED);
    assert_eq!(refusal(&gateway, Login::new("old")).await, None);
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_sends_in_its_own_name_only() {
    let mc = Mc::start(prompt).await;
    let strict =
        format!("{}sources = {{ allowed = [\"alphanumeric:SHOP\", \"4420*\"] }}\n", account("strict"));
    let other = "{ allowed = [\"SHOP\"], otherwise = { rewrite = \"alphanumeric:SHOP\" } }";
    let rewritten = format!("{}sources = {other}\n", account("rewritten"));
    let gateway = Gateway::start(&format!("{}{strict}{rewritten}", usual(&mc)));
    let named = |name, ton| SubmitSm { source_addr_ton: ton, ..submit(name, "447700900123", "#00000004") };
    let strict = Esme::bind(gateway.address, Login::new("strict")).await;
    let refused = Err(CommandStatus::ESME_RINVSRCADR);
    assert_eq!(strict.submit(named("BANK", Ton::ALPHANUMERIC)).await, refused);
    assert_eq!(strict.submit(named("SHOP", Ton::INTERNATIONAL)).await, refused, "as a number");
    assert_eq!(strict.submit(named("4421", Ton::UNKNOWN)).await, refused);
    assert_eq!(strict.submit(named("", Ton::UNKNOWN)).await, refused);
    assert!(strict.submit(named("SHOP", Ton::ALPHANUMERIC)).await.is_ok());
    assert!(strict.submit(named("442012", Ton::UNKNOWN)).await.is_ok());
    let rewritten = Esme::bind(gateway.address, Login::new("rewritten")).await;
    assert!(rewritten.submit(named("BANK", Ton::ALPHANUMERIC)).await.is_ok());
    until("three are upstream", secs(10), || mc.count() == 3).await;
    let last = mc.came().remove(2).pdu;
    assert_eq!((last.source_addr.to_text(), last.source_addr_ton), ("SHOP".to_owned(), Ton::ALPHANUMERIC));
    gateway.finish();
}

/// T29: what another upstream says of a message does not count, nor what a handset sends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_counts_only_from_the_upstream_that_took_the_message() {
    let mine =
        Mc::start(|came| vec![taken(format!("{:x}", 0x00AB_C000 + came.number.unwrap_or_default()))]).await;
    let other = Mc::start(prompt).await;
    let settings = format!(
        "{}{}{}[[route]]\nto = \"mine\"\n",
        account("shop"),
        connector("mine", &mine),
        connector("other", &other)
    );
    let gateway = Gateway::start(&settings);
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    until("both are bound", secs(10), || mine.bound() == 1 && other.bound() == 1).await;
    for number in 1..=20 {
        esme.send(number, message(number, "447700900123"));
    }
    until("all are taken", secs(10), || mine.count() == 20 && esme.acked() == 20).await;
    let shape = crate::harness::Shape { in_text: true, in_tlv: true, esm_class: EsmClass::DELIVERY_RECEIPT };
    for came in mine.came() {
        let number = came.number.unwrap_or_default();
        let false_outcome = message(number + 1, "447700900123");
        other.deliver(receipt_by(&false_outcome, &format!("{:x}", 0x00AB_C000 + number), shape));
    }
    until("the forged ones are answered", secs(20), || other.delivered() == 20).await;
    assert_eq!(esme.count(), 0, "nothing is told");
    for came in mine.came() {
        let id = format!("{:x}", 0x00AB_C000 + came.number.unwrap_or_default());
        if let Act::Deliver(body) = receipt(&came.pdu, &id) {
            mine.deliver(body);
        }
    }
    until("the true ones are told", secs(20), || esme.count() == 20).await;
    assert_eq!(esme.check_receipts(), 0);
    let totals = gateway.finish();
    assert_eq!((totals.open, totals.orphans), (0, 20), "{totals:?}");
}
