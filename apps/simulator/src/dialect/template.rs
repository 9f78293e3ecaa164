//! The text of a receipt with places for what differs from one to the next.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A receipt's text with placeholders in braces. They are known to exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Plain(String),
    Place(Placeholder),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholder {
    Id,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Stat,
    State,
    Err,
    Text,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateError {
    /// There is no such placeholder.
    Unknown(String),
    /// A brace has no counterpart.
    Brace,
}

impl Template {
    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Whether there is such a placeholder in it.
    #[cfg(test)]
    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Part::Place(placeholder))
    }
}

/// SMPP 3.4, Appendix B.
const SPECIFIED: &str = "id:{id} sub:{sub} dlvrd:{dlvrd} submit date:{submit_date} done date:{done_date} \
                         stat:{stat} err:{err} text:{text}";

const NAMES: [(&str, Placeholder); 9] = [
    ("id", Placeholder::Id),
    ("sub", Placeholder::Sub),
    ("dlvrd", Placeholder::Dlvrd),
    ("submit_date", Placeholder::SubmitDate),
    ("done_date", Placeholder::DoneDate),
    ("stat", Placeholder::Stat),
    ("state", Placeholder::State),
    ("err", Placeholder::Err),
    ("text", Placeholder::Text),
];

impl Default for Template {
    fn default() -> Self {
        Self::try_from(SPECIFIED.to_owned()).expect("its placeholders are those of NAMES")
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (plain, after) = rest.split_at(rest.find(['{', '}']).unwrap_or(rest.len()));
            if !plain.is_empty() {
                parts.push(Part::Plain(plain.to_owned()));
            }
            rest = after;
            if rest.is_empty() {
                break;
            }
            let (name, after) =
                rest.strip_prefix('{').and_then(|after| after.split_once('}')).ok_or(TemplateError::Brace)?;
            let known = NAMES.iter().find(|(known, _)| *known == name);
            let &(_, placeholder) = known.ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
            parts.push(Part::Place(placeholder));
            rest = after;
        }
        Ok(Self(parts))
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        let name = |place| NAMES.iter().find(|(_, known)| *known == place).map_or("", |(name, _)| name);
        let text = |part| match part {
            Part::Plain(text) => text,
            Part::Place(place) => format!("{{{}}}", name(place)),
        };
        template.0.into_iter().map(text).collect()
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
                write!(f, "{{{name}}} is no placeholder; there are {}", names.join(", "))
            }
            Self::Brace => f.write_str("a brace without its counterpart"),
        }
    }
}

impl std::error::Error for TemplateError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_written_as_they_were_read() {
        for text in [SPECIFIED, "", "{id}{state}", "id:{id}\t"] {
            assert_eq!(String::from(Template::try_from(text.to_owned()).unwrap()), text);
        }
    }

    #[test]
    fn unknown_placeholders_are_named() {
        let error = |text: &str| Template::try_from(text.to_owned()).unwrap_err();
        assert_eq!(error("id:{di}"), TemplateError::Unknown("di".into()));
        assert!(error("id:{di}").to_string().starts_with("{di} is no placeholder"));
        for text in ["{id", "id}", "{", "}"] {
            assert_eq!(error(text), TemplateError::Brace, "{text}");
        }
    }
}
