//! Where a configuration is wrong, and why.

use core::fmt;
use core::ops::Range;
use std::io;

/// A configuration that cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    Read {
        /// Its name.
        file: String,
        /// Why not.
        error: io::Error,
    },
    /// The file is not TOML, or says what no configuration of this kind says.
    Text {
        /// The file's name.
        file: String,
        /// Where it is wrong, if one place is to blame.
        place: Option<Place>,
        /// What is wrong there.
        message: String,
    },
    /// A variable of the environment that overrides the file is wrong.
    Variable {
        /// The variable's name.
        name: String,
        /// What is wrong with it.
        message: String,
    },
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// The whole line, what is secret masked.
    pub excerpt: String,
    /// How many characters are to blame, at least 1.
    pub width: usize,
}

impl ConfigError {
    /// The line to blame, counted from 1.
    pub fn line(&self) -> Option<usize> {
        self.place().map(|place| place.line)
    }

    /// The first character of the line to blame, counted from 1.
    pub fn column(&self) -> Option<usize> {
        self.place().map(|place| place.column)
    }

    fn place(&self) -> Option<&Place> {
        match self {
            Self::Text { place, .. } => place.as_ref(),
            Self::Read { .. } | Self::Variable { .. } => None,
        }
    }

    pub(super) fn at(file: &str, text: &str, error: &toml::de::Error) -> Self {
        Self::text(file, text, error.message(), error.span())
    }

    pub(super) fn text(file: &str, text: &str, message: &str, span: Option<Range<usize>>) -> Self {
        let mut message = message.trim().replace('\n', ", ");
        let place = span.and_then(|span| Place::find(text, span, &mut message));
        Self::Text { file: file.to_owned(), place, message }
    }
}

impl Place {
    /// The place of a span; a secret there is taken out of the message.
    fn find(text: &str, span: Range<usize>, message: &mut String) -> Option<Self> {
        let before = text.get(..span.start)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text.get(line_start..)?.lines().next().unwrap_or_default();
        let column = before.get(line_start..)?.chars().count() + 1;
        let blamed = text.get(span.clone()).unwrap_or_default();
        let mut width = blamed.lines().next().unwrap_or_default().chars().count().max(1);
        let mut excerpt = line.to_owned();
        // A key that is not known may be a secret's, misspelt, where there could be one.
        let may_be = message.starts_with("unknown field") && is_secret(message);
        if let Some((key, _)) = line.split_once('=').filter(|_| is_secret(line) || may_be) {
            excerpt = format!("{key}= ***");
            if span.start - line_start > key.len() {
                hide(blamed, message);
                width = 3;
            }
        }
        Some(Self { line: before.matches('\n').count() + 1, column, excerpt, width })
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { file, error } => write!(f, "{file}: cannot be read: {error}"),
            Self::Variable { name, message } => write!(f, "environment variable {name}: {message}"),
            Self::Text { file, place: None, message } => write!(f, "{file}: {message}"),
            Self::Text { file, place: Some(place), message } => {
                writeln!(f, "{file}:{}:{}: {message}", place.line, place.column)?;
                let number = place.line.to_string();
                writeln!(f, "  {number} | {}", place.excerpt)?;
                // Tabs stay tabs, or the caret would stand beside its place.
                let blank = |c: char| if c == '\t' { '\t' } else { ' ' };
                let blanks: String = place.excerpt.chars().map(blank).take(place.column - 1).collect();
                write!(f, "  {:1$} | {blanks}{2}", "", number.len(), "^".repeat(place.width))
            }
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { error, .. } => Some(error),
            Self::Text { .. } | Self::Variable { .. } => None,
        }
    }
}

/// Whether a key, or a line with one, is about something that no log may show.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "passwd", "secret", "token"].iter().any(|word| key.contains(word))
}

/// Takes a secret out of a message, with or without its quotes.
pub(super) fn hide(secret: &str, message: &mut String) {
    let bare = secret.trim().trim_matches(['"', '\'']);
    if !bare.is_empty() {
        *message = message.replace(bare, "***");
    }
}
