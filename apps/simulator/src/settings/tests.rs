use super::*;

fn read(text: &str) -> Result<Settings, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn a_file_with_everything_reads_and_an_empty_one_is_the_default() {
    assert_eq!(read(""), Ok(Settings::default()));
    let settings = read(include_str!("../../../../docs/guide/simulator.toml")).unwrap();
    settings.check().unwrap();
    assert_eq!(settings.smsc.len(), 2);
    assert_eq!(settings.smsc[0].account[0].throughput, Some(100));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, line, named) in [
        ("seed = 1\nsmcs = 2\n", "line 2", "smcs"),
        ("[[smsc]]\nname = \"a\"\nreceipt_delay = \"soon\"\n", "line 3", "soon"),
        (
            "[[smsc]]\n[[smsc.rule]]\nwhen = { destination_adr = \"1\" }\n",
            "line 3",
            "did you mean destination_addr?",
        ),
        ("[[smsc]]\n[[smsc.rule]]\nthen = { status = \"ESME_RNONE\" }\n", "line 3", "ESME_RNONE"),
        ("[[smsc]]\n[[smsc.rule]]\nthen = { state = \"GONE\" }\n", "line 3", "GONE"),
        ("[[smsc]]\n[[smsc.rule]]\nshare = \"120%\"\n", "line 3", "120%"),
        ("[[smsc]]\n[[smsc.rule]]\non = \"submit\"\n", "line 3", "submit"),
        ("[[smsc]]\npresets = [\"none\"]\n", "line 2", "smppsim"),
        ("[[smsc]]\n[[smsc.account]]\nsystem_id = \"much-too-long-a-name\"\n", "line 3", "15 octets"),
        ("clock = \"today\"\n", "line 1", "today"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(line) && error.contains(named), "{error}");
    }
}

#[test]
fn names_that_stand_there_twice_and_dialects_that_are_not_there_are_refused() {
    let check = |text| read(text).unwrap().check().unwrap_err();
    assert!(check("[[smsc]]\n[[smsc]]\n").contains("two SMSCs"));
    assert!(check("[[smsc]]\ndialect = \"klingon\"\n").contains("klingon"));
}

#[test]
fn a_clock_is_read_and_written() {
    let clock: Clock = "2026-11-22T12:00:00Z".parse().unwrap();
    assert_eq!(clock, Clock(1_795_348_800_000));
    assert_eq!(clock.to_string(), "2026-11-22T12:00:00Z");
}

#[test]
fn a_password_is_never_written() {
    let account = Account::new("app", "secret");
    assert!(!serde_json::to_string(&account).unwrap().contains("secret"));
    assert!(!format!("{account:?}").contains("secret"));
}
