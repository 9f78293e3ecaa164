//! References that are made from the code: tables of settings out of their schemas.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::Value;
use utoipa::{OpenApi, PartialSchema};

/// A reference in the making, as Markdown.
#[derive(Debug)]
pub struct Reference {
    text: String,
    /// The shapes of all settings by their names.
    schemas: Value,
}

impl Reference {
    /// Begins with a heading and what stands under it. `All` names the schemas that sections ask for.
    pub fn new<All: OpenApi>(head: &str) -> Self {
        let document = serde_json::to_value(All::openapi()).unwrap_or_default();
        let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
        Self { text: head.to_owned(), schemas }
    }

    /// A section about a type: a row for each key.
    pub fn table<T: PartialSchema>(&mut self, title: &str, about: &str) {
        let schema = serde_json::to_value(T::schema()).unwrap_or_default();
        self.section(title, about, &schema);
    }

    /// A section about a schema by its name.
    pub fn named(&mut self, name: &str, title: &str, about: &str) {
        let schema = self.schemas.get(name).cloned().unwrap_or_default();
        self.section(title, about, &schema);
    }

    /// A section of another kind: its columns, and its rows.
    pub fn list(
        &mut self,
        title: &str,
        about: &str,
        columns: &[&str],
        rows: impl Iterator<Item = Vec<String>>,
    ) {
        let rules = vec!["---"; columns.len()];
        let head = format!("| {} |\n| {} |", columns.join(" | "), rules.join(" | "));
        _ = write!(self.text, "\n## {title}\n\n{about}\n\n{head}\n");
        for row in rows {
            let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
            _ = writeln!(self.text, "| {} |", cells.join(" | "));
        }
    }

    /// The whole text.
    pub fn done(self) -> String {
        self.text
    }

    fn section(&mut self, title: &str, about: &str, schema: &Value) {
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let row = |(name, property): (&String, &Value)| {
            let described = described(property, &self.schemas);
            let default = property.get("default").map(shown).unwrap_or_default();
            let example = property.get("example").map(|example| format!(" Example: {}", shown(example)));
            vec![format!("`{name}`"), described + &example.unwrap_or_default(), default]
        };
        let rows: Vec<Vec<String>> = properties.map(row).collect();
        self.list(title, about, &["key", "what it is", "default"], rows.into_iter());
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

/// A document that is generated: its name, and what makes it.
pub type Document = (&'static str, fn() -> String);

/// The program that writes generated documents: prints the one that its first argument names; with
/// `--check FILE` fails when the file is another, with `--write FILE` makes it the same.
pub fn write_documents(documents: &[Document]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let named = arguments.first().and_then(|which| documents.iter().find(|(name, _)| name == which));
    let Some((_, make)) = named else { return usage(documents) };
    let text = make();
    match arguments.get(1..).unwrap_or_default() {
        [] => print!("{text}"),
        ["--check", file] if std::fs::read_to_string(file).is_ok_and(|found| found == text) => {}
        ["--check", file] => {
            eprintln!("{file} is not what the code says; run: cargo xtask bless");
            return ExitCode::FAILURE;
        }
        ["--write", file] => {
            if let Err(error) = std::fs::write(file, text) {
                eprintln!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        }
        _ => return usage(documents),
    }
    ExitCode::SUCCESS
}

fn usage(documents: &[Document]) -> ExitCode {
    let names: Vec<&str> = documents.iter().map(|(name, _)| *name).collect();
    eprintln!("usage: docs {} [--check FILE | --write FILE]", names.join("|"));
    ExitCode::from(2)
}
