//! `docs/simulator.md`: every setting, rule key, preset and dialect, made from the code.

use std::fmt::Write as _;

use serde_json::Value;
use utoipa::{OpenApi, PartialSchema, ToSchema};

use crate::dialect::Dialect;
use crate::rules::{PRESETS, Rule};
use crate::settings::{Settings, SmscSettings};

/// The reference, as Markdown.
pub fn reference() -> String {
    let mut out = String::from(HEAD);
    let schemas = schemas();
    table::<Settings>(&mut out, "Settings of the whole", "At the top of the file.", &schemas);
    for (name, title, about) in [
        ("AdminSettings", "`[admin]`", "Where operators and test suites are answered."),
        ("RecordSettings", "`[record]`", "How much of what came and went is kept."),
    ] {
        section(&mut out, title, about, schemas.get(name).unwrap_or(&Value::Null), &schemas);
    }
    table::<SmscSettings>(&mut out, "`[[smsc]]`", "One SMSC; several run in one process.", &schemas);
    for (name, title, about) in [
        ("Account", "`[[smsc.account]]`", "Who may bind. Nobody listed means anybody."),
        ("MoFile", "`[[smsc.mo_file]]`", "Mobile-originated messages from a file."),
        ("Dialogue", "`[[smsc.dialogue]]`", "A subscriber who sends keywords, and what has to be answered."),
    ] {
        section(&mut out, title, about, schemas.get(name).unwrap_or(&Value::Null), &schemas);
    }
    table::<Rule>(
        &mut out,
        "`[[smsc.rule]]`",
        "The first rule that a PDU matches is the one that counts.",
        &schemas,
    );
    section(
        &mut out,
        "`then`",
        "What a rule does; what is left out stays as it is.",
        schemas.get("Then").unwrap_or(&Value::Null),
        &schemas,
    );
    out.push_str("\n## Presets\n\nSets of rules, named in `presets` or with `--preset`.\n\n| name | what it does |\n| --- | --- |\n");
    for preset in PRESETS {
        _ = writeln!(out, "| `{}` | {} |", preset.name, cell(&preset.about()));
    }
    out.push_str(
        "\n## Dialects\n\nForms of message_id and receipts, named in `dialect`, in a rule or with `--dialect`. Each is a file in\n\
         `apps/simulator/dialects/`; one's own go into `[dialect.NAME]`.\n\n| name | what is different | seen |\n| --- | --- | --- |\n",
    );
    for (name, dialect) in Dialect::all() {
        _ = writeln!(out, "| `{name}` | {} | {} |", cell(&dialect.about), cell(&dialect.seen));
    }
    out
}

const HEAD: &str = "\
# The simulator's settings

Generated from the code by `cargo xtask bless simulator`. `smppkit simulator --config FILE` reads them from a TOML
file, [guide/simulator.toml](guide/simulator.toml) is one with everything in it; `--check` says whether a file is
good. A file is read again when it changes and on SIGHUP; a wrong one changes nothing. The environment goes on top:
`SMPPKIT__ADMIN__LISTEN=127.0.0.1:0`. What can change while it runs is on REST, too: [openapi](simulator-openapi.json).
";

/// The shapes of all settings by their names.
fn schemas() -> Value {
    #[derive(OpenApi)]
    #[openapi(components(schemas(Settings, SmscSettings, Rule)))]
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
        Value::Null => String::new(),
        Value::Array(items) if items.is_empty() => String::new(),
        Value::String(text) if text.is_empty() => String::new(),
        other => format!("`{other}`"),
    }
}

fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|").trim().to_owned()
}
