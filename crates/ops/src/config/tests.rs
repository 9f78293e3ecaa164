use serde::Deserialize;

use super::*;
use crate::{Span, Token};

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct Config {
    name: String,
    listener: Listener,
    accounts: std::collections::BTreeMap<String, Account>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct Listener {
    address: String,
    port: u16,
    #[serde(rename = "enquire-link")]
    enquire_link: Span,
    networks: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Account {
    password: String,
    token: Option<Token>,
}

fn error(text: &str) -> String {
    parse::<Config>(text, "smppkit.toml").unwrap_err().to_string()
}

fn with(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    parse_with(text, "smppkit.toml", variables).map_err(|error| error.to_string())
}

#[test]
fn unknown_key_is_shown_with_line_and_column() {
    let text = "name = \"a\"\n\n[listener]\nadress = \"0.0.0.0:2775\"\n";
    let expected = "smppkit.toml:4:1: unknown field `adress`, expected one of `address`, `port`, \
                    `enquire-link`, `networks`\n  4 | adress = \"0.0.0.0:2775\"\n    | ^^^^^^";
    assert_eq!(error(text), expected);
    let error = parse::<Config>(text, "smppkit.toml").unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(4), Some(1)));
}

#[test]
fn a_misspelt_secret_is_not_shown() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Account {
        #[allow(dead_code, reason = "only its name counts")]
        password: String,
    }
    let error = parse::<Account>("passwort = \"geheim\"\n", "smppkit.toml").unwrap_err().to_string();
    assert!(error.contains("1:1: unknown field `passwort`") && error.contains("passwort = ***"), "{error}");
    assert!(!error.contains("geheim"), "{error}");
}

#[test]
fn wrong_type_is_shown_with_line_and_column() {
    let expected = "smppkit.toml:2:9: invalid type: string \"2775\", expected u16\n  \
                    2 | \tport = \"2775\" # ours\n    | \t       ^^^^^^";
    assert_eq!(error("[listener]\n\tport = \"2775\" # ours\n"), expected);
}

#[test]
fn custom_error_in_a_nested_table_is_shown_with_line_and_column() {
    let expected = "smppkit.toml:3:16: \"1x\" is not a time such as 500ms, 1s, 2m, 1h\n  \
                    3 | enquire-link = \"1x\"\n    |                ^^^^";
    assert_eq!(error("[listener]\r\nport = 1\r\nenquire-link = \"1x\"\r\n"), expected);
}

#[test]
fn broken_toml_is_shown_with_line_and_column() {
    let error = error("name = \"ä\"\nname = \n");
    assert!(error.starts_with("smppkit.toml:2:"), "{error}");
}

#[test]
fn missing_key_is_blamed_on_its_table() {
    let error = error("\n[accounts.a]\n");
    assert!(error.starts_with("smppkit.toml:2:1: missing field `password`\n  2 | [accounts.a]\n"), "{error}");
}

#[test]
fn columns_are_characters() {
    let error = parse::<Config>("listener = { address = \"äöü\", port = true }", "f").unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(1), Some(38)));
}

#[test]
fn secrets_are_not_shown() {
    let shown = error("[accounts.a]\npassword = 12345678\n");
    let expected = "smppkit.toml:2:12: invalid type: integer `***`, expected a string\n  \
                    2 | password = ***\n    |            ^^^";
    assert_eq!(shown, expected);
    let shown = with("", &[("SMPPKIT__ACCOUNTS__A__PASSWORD", "[\"hunter2\"]")]);
    let expected =
        "environment variable SMPPKIT__ACCOUNTS__A__PASSWORD: invalid type: sequence, expected a string";
    assert_eq!(shown.unwrap_err(), expected);
    let shown =
        with("[accounts.a]\npassword = ''", &[("SMPPKIT__ACCOUNTS__A__TOKEN", "hunter 2")]).unwrap_err();
    assert!(!shown.contains("hunter"), "{shown}");
    let shown = with("[accounts.a]\npassword = ''", &[("SMPPKIT__ACCOUNTS__A__TOKEN", "''")]).unwrap_err();
    assert_eq!(shown, "environment variable SMPPKIT__ACCOUNTS__A__TOKEN: the token is empty");
}

#[test]
fn variables_override_the_file() {
    let text = "[listener]\naddress = \"a\"\nenquire-link = \"30s\"\nport = 1\n";
    let config = with(
        text,
        &[
            ("SMPPKIT__NAME", "b c"),
            ("SMPPKIT__LISTENER__ADDRESS", "0.0.0.0:2775"),
            ("SMPPKIT__LISTENER__ENQUIRE_LINK", "5"),
            ("SMPPKIT__LISTENER__NETWORKS", "[\"::1/128\"]"),
            ("SMPPKIT__ACCOUNTS__ALICE__PASSWORD", "12345678"),
            ("SMPPKIT_LOG", "debug"),
        ],
    )
    .unwrap();
    assert_eq!(config.name, "b c");
    assert_eq!(config.listener.address, "0.0.0.0:2775");
    assert_eq!(config.listener.enquire_link, Span::secs(5));
    assert_eq!(config.listener.networks, ["::1/128"]);
    assert_eq!(config.listener.port, 1);
    assert_eq!(config.accounts["alice"].password, "12345678");
}

#[test]
fn a_wrong_variable_is_named() {
    let error = with("", &[("SMPPKIT__NAME", "a"), ("SMPPKIT__LISTENER__PORT", "true")]).unwrap_err();
    let expected = "environment variable SMPPKIT__LISTENER__PORT: invalid type: boolean `true`, expected u16";
    assert_eq!(error, expected);
    let error = with("", &[("SMPPKIT__LISTENER__PORT", "a b")]).unwrap_err();
    let expected = "environment variable SMPPKIT__LISTENER__PORT: invalid type: string \"a b\", expected u16";
    assert_eq!(error, expected);
    let error = with("", &[("SMPPKIT__LISTENER__PROT", "1")]).unwrap_err();
    assert!(
        error.starts_with("environment variable SMPPKIT__LISTENER__PROT: unknown field `prot`"),
        "{error}"
    );
    let error = with("name = 'a'", &[("SMPPKIT__NAME__FIRST", "1")]).unwrap_err();
    assert_eq!(error, "environment variable SMPPKIT__NAME__FIRST: `name` is not a table");
    let error = with("", &[("SMPPKIT____X", "1")]).unwrap_err();
    assert_eq!(error, "environment variable SMPPKIT____X: must read SMPPKIT__SECTION__KEY");
}

#[test]
fn an_error_in_the_file_stays_there_under_overrides() {
    let error = with("[listener]\nport = 'x'", &[("SMPPKIT__NAME", "a")]).unwrap_err();
    assert!(error.starts_with("smppkit.toml:2:8: "), "{error}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let directory = std::env::temp_dir().join(format!("smppkit-ops-config-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let missing = directory.join("missing.toml");
    let error = load::<Config>(&missing).unwrap_err();
    assert!(error.to_string().starts_with(&format!("{}: cannot be read: ", missing.display())), "{error}");
    let latin = directory.join("latin.toml");
    std::fs::write(&latin, b"name = 'a'\n# caf\xE9\n").unwrap();
    let error = load::<Config>(&latin).unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(2), Some(6)));
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn no_text_makes_it_panic() {
    let text = "näme = \"ä\"\n[listener]\nport = 1\n[[a.b]]\n'x' = { y = [1, \"\"\"\n\"\"\"] }\n";
    for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
        let _ = parse::<Config>(&text[..end], "f").map_err(|error| error.to_string());
        let _ = with(&text[..end], &[("SMPPKIT__LISTENER__PORT", "[")]);
    }
}

/// The environment cannot be changed safely, so this runs itself once more with another.
#[test]
fn the_environment_overrides_what_is_loaded() {
    let path = std::env::temp_dir().join(format!("smppkit-ops-environment-{}.toml", std::process::id()));
    std::fs::write(&path, "[listener]\nport = 1\n").unwrap();
    if std::env::var_os("SMPPKIT_OPS_TEST_CHILD").is_some() {
        let config = load::<Config>(&path).unwrap();
        assert_eq!((config.listener.port, config.name.as_str()), (2775, "from outside"));
    } else {
        assert_eq!(load::<Config>(&path).unwrap().listener.port, 1);
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "config::tests::the_environment_overrides_what_is_loaded", "--quiet"]);
        child.env("SMPPKIT__LISTENER__PORT", "2775").env("SMPPKIT__NAME", "from outside");
        child.env("SMPPKIT_OPS_TEST_CHILD", "1").stdout(std::process::Stdio::null());
        assert!(child.status().unwrap().success());
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_setting_is_blamed_where_it_or_what_has_it_stands() {
    let path = std::env::temp_dir().join(format!("smppkit-blame-{}.toml", std::process::id()));
    std::fs::write(&path, "a = 1\n[[peer]]\nname = \"x\"\n[[peer]]\n  window = 0\n").unwrap();
    let said = |way: &[Step]| {
        let error = blame(&path, way, "is wrong");
        (error.line(), error.column())
    };
    let second: [Step; 2] = ["peer".into(), 1.into()];
    assert_eq!(said(&[&second[..], &["window".into()]].concat()), (Some(5), Some(12)));
    assert_eq!(said(&[&second[..], &["name".into()]].concat()), (Some(4), Some(1)));
    assert_eq!(said(&["b".into()]), (None, None));
    assert!(
        blame(&path, &second, "is wrong")
            .to_string()
            .ends_with(":4:1: is wrong\n  4 | [[peer]]\n    | ^^^^^^^^")
    );
    std::fs::remove_file(&path).unwrap();
    assert_eq!(said(&second), (None, None));
}
