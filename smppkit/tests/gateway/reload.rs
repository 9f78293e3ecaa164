//! The file read again while sessions stay.

use smppkit_wire::CommandStatus;

use crate::harness::{Esme, Gateway, Login, Mc, account, connector, message, prompt, secs, until, usual};

async fn read_again(gateway: &Gateway, settings: &str, says: &str) {
    let before = gateway.log().matches(says).count();
    gateway.write(settings);
    gateway.signal("HUP");
    until(says, secs(10), || gateway.log().matches(says).count() > before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_switched_off_is_unbound_and_others_stay() {
    let mc = Mc::start(prompt).await;
    let bank = account("bank");
    let gateway = Gateway::start(&format!("{}{bank}", usual(&mc)));
    let shop = Esme::bind(gateway.address, Login::new("shop")).await;
    let off = Esme::bind(gateway.address, Login::new("bank")).await;
    read_again(&gateway, &format!("{}{bank}enabled = false\n", usual(&mc)), "read again").await;
    until("it is unbound", secs(5), || off.has_ended()).await;
    let refused = Esme::try_bind(gateway.address, Login::new("bank"), off.ledger.clone(), None).await;
    assert_eq!(refused.err(), Some(Some(CommandStatus::ESME_RBINDFAIL)));
    shop.submit(message(4, "447700900123")).await.unwrap();
    until("the other goes on", secs(10), || shop.count() == 1).await;
    // And on again.
    read_again(&gateway, &format!("{}{bank}", usual(&mc)), "read again").await;
    Esme::bind(gateway.address, Login::new("bank")).await;
    // Without it, it is as unknown as any.
    read_again(&gateway, &usual(&mc), "read again").await;
    let refused = Esme::try_bind(gateway.address, Login::new("bank"), off.ledger.clone(), None).await;
    assert_eq!(refused.err(), Some(Some(CommandStatus::ESME_RBINDFAIL)));
    assert!(!shop.has_ended());
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_file_changes_nothing_and_the_log_says_where() {
    let mc = Mc::start(prompt).await;
    let good = usual(&mc);
    let gateway = Gateway::start(&good);
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    // data and listen are two lines in front.
    let wrong = good.replace("password = \"secret\"", "passwort = \"geheim\"");
    read_again(&gateway, &wrong, "stay as they were").await;
    let log = gateway.log();
    assert!((log.contains("line 5, column 1") || log.contains(":5:1:")) && log.contains("passwort"), "{log}");
    assert!(!log.contains("geheim"), "{log}");
    for (wrong, says) in [
        (good.replace("to = \"up\"", "to = \"down\""), "down"),
        (good.replace("system_id = \"shop\"", "system_id = \"shopshopshopshop\""), "15 octets"),
        (good.replace("[[route]]", "[[route]"), "gateway.toml:"),
        (format!("node = 5000\n{good}"), "1023"),
    ] {
        let before = gateway.log().len();
        read_again(&gateway, &wrong, "stay as they were").await;
        assert!(gateway.log()[before..].contains(says), "{says}: {}", gateway.log());
    }
    esme.submit(message(4, "447700900123")).await.unwrap();
    until("it goes on", secs(10), || esme.count() == 1).await;
    Esme::bind(gateway.address, Login::new("shop")).await;
    gateway.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_and_connectors_follow_the_file() {
    let (left, right) = (Mc::start(prompt).await, Mc::start(prompt).await);
    let settings =
        |connector: &str, to: &str| format!("{}{connector}[[route]]\nto = \"{to}\"\n", account("shop"));
    let gateway = Gateway::start(&settings(&connector("left", &left), "left"));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    esme.submit(message(1, "447700900123")).await.unwrap();
    until("by the left", secs(10), || left.count() == 1 && esme.count() == 1).await;
    let both = format!("{}{}", connector("left", &left), connector("right", &right));
    read_again(&gateway, &settings(&both, "right"), "read again").await;
    until("the right is bound", secs(10), || right.bound() == 1).await;
    // A session goes by the routes of now.
    esme.submit(message(2, "447700900123")).await.unwrap();
    until("by the right", secs(10), || right.count() == 1 && esme.count() == 2).await;
    read_again(&gateway, &settings(&connector("right", &right), "right"), "read again").await;
    until("the left is unbound", secs(10), || left.bound() == 0).await;
    assert!(!esme.has_ended());
    let totals = gateway.finish();
    assert_eq!(totals.open, 0, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_changes_counts_for_the_next_bind() {
    let mc = Mc::start(prompt).await;
    let gateway = Gateway::start(&usual(&mc));
    let esme = Esme::bind(gateway.address, Login::new("shop")).await;
    read_again(&gateway, &usual(&mc).replace("\"secret\"", "\"other\""), "read again").await;
    let refused = Esme::try_bind(gateway.address, Login::new("shop"), esme.ledger.clone(), None).await;
    assert_eq!(refused.err(), Some(Some(CommandStatus::ESME_RBINDFAIL)));
    Esme::bind(gateway.address, Login::new("shop").password("other")).await;
    assert!(!esme.has_ended(), "who is bound stays");
    gateway.finish();
}
