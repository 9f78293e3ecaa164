//! `docs/gateway.md`: every setting and key of a route, made from the code.

use std::fmt::Write as _;

use serde_json::Value;
use smppkit_route::Rule;
use utoipa::{OpenApi, PartialSchema, ToSchema};

use crate::settings::Settings;

/// The reference, as Markdown.
pub fn reference() -> String {
    let mut out = String::from(HEAD);
    let schemas = schemas();
    table::<Settings>(&mut out, "Settings of the whole", "At the top of the file.", &schemas);
    for (name, title, about) in SECTIONS {
        section(&mut out, title, about, schemas.get(name).unwrap_or(&Value::Null), &schemas);
    }
    table::<Rule>(&mut out, "`[[route]]` and `[[mo_route]]`", ROUTES, &schemas);
    out
}

const HEAD: &str = "\
# The gateway's settings

Generated from the code by `cargo xtask bless gateway`. `smppkit gateway --config FILE` reads them from a TOML file;
`--check` says whether a file is good, `smppkit gateway explain` where a message would go by it. A file is read again
when it changes and on SIGHUP; a wrong one changes nothing. The environment goes on top:
`SMPPKIT__ADMIN__LISTEN=127.0.0.1:2781`. Accounts, connectors and routes can be made over REST, too, beside those of
the file: [openapi](gateway-openapi.json).
";

/// Schema, heading and introduction of each section.
const SECTIONS: [(&str, &str, &str); 10] = [
    ("AdminSettings", "`[admin]`", "Where operators are answered. `smppkit ctl` asks 127.0.0.1:2781."),
    ("StoreSettings", "`[store]`", "What is kept, and how much of it."),
    ("RetrySettings", "`[retry]`", "When what was not taken is tried again."),
    ("LifeSettings", "`[life]`", "How long things may wait."),
    ("SessionSettings", "`[session]`", "Sessions of ESMEs."),
    ("LockoutSettings", "`[lockout]`", "How often a password may be tried."),
    ("AccountSettings", "`[[account]]`", "Who may bind. Nobody else may."),
    ("BindLimits", "`[account.binds]`", "Sessions that an account may have bound at once."),
    ("ReceiptSettings", "`[account.receipts]`", "How an account gets its receipts."),
    ("ConnectorSettings", "`[[connector]]`", "Message centres that the gateway binds to."),
];
const ROUTES: &str = "\
The first rule whose conditions all hold is the one that counts: a route's for messages of accounts, to a connector;
a mo_route's for messages of connectors, to an account. A condition is a pattern or a list of them: `1234`, `4477*`,
`44?7`, `/regex/`, `100..199`; one of the plain ones has to hold, and none of those that begin with `!`.";

/// The shapes of all settings by their names.
fn schemas() -> Value {
    #[derive(OpenApi)]
    #[openapi(components(schemas(Settings, Rule)))]
    struct All;

    let document = serde_json::to_value(All::openapi()).unwrap_or_default();
    document.pointer("/components/schemas").cloned().unwrap_or_default()
}

fn table<T: PartialSchema + ToSchema>(out: &mut String, title: &str, about: &str, schemas: &Value) {
    let own = serde_json::to_value(T::schema()).unwrap_or_default();
    section(out, title, about, &own, schemas);
}

fn section(out: &mut String, title: &str, about: &str, schema: &Value, schemas: &Value) {
    _ = write!(out, "\n## {title}\n\n{about}\n\n| key | what it is | default |\n| --- | --- | --- |\n");
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, property) in properties {
        let described = described(property, schemas);
        let default = property.get("default").map(shown).unwrap_or_default();
        let example = property
            .get("example")
            .map(|example| format!(" Example: {}", shown(example)))
            .unwrap_or_default();
        _ = writeln!(out, "| `{name}` | {}{} | {} |", cell(&described), example, cell(&default));
    }
}

/// What a property says of itself, and the values it may have.
fn described(property: &Value, schemas: &Value) -> String {
    let several = property.get("oneOf").and_then(Value::as_array);
    let one = several.and_then(|all| all.iter().find(|one| one.get("$ref").is_some()));
    let own = property.get("description").or_else(|| one?.get("description"));
    let mut text = own.and_then(Value::as_str).unwrap_or_default().to_owned();
    let reference =
        property.get("$ref").or_else(|| one?.get("$ref")).or_else(|| property.pointer("/items/$ref"));
    let name = reference.and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    if let Some(schema) = name.and_then(|name| schemas.get(name)) {
        let values: Vec<String> = match (schema.get("enum"), schema.get("oneOf")) {
            (Some(Value::Array(values)), _) => values.iter().map(shown).collect(),
            (None, Some(Value::Array(kinds))) => kinds
                .iter()
                .filter_map(|kind| {
                    let value = kind.pointer("/enum/0")?;
                    let about = kind.get("description").and_then(Value::as_str).unwrap_or_default();
                    Some(format!("{} ({})", shown(value), about.trim_end_matches('.')))
                })
                .collect(),
            _ => Vec::new(),
        };
        if !values.is_empty() {
            _ = write!(text, " One of {}.", values.join(", "));
        }
    }
    text
}

fn shown(value: &Value) -> String {
    match value {
        // An object has a section of its own.
        Value::Null | Value::Object(_) => String::new(),
        Value::Array(items) if items.is_empty() => String::new(),
        Value::String(text) if text.is_empty() => String::new(),
        other => format!("`{other}`"),
    }
}

fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|").trim().to_owned()
}
