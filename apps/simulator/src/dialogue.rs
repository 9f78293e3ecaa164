//! Two-way dialogues: a subscriber who sends keywords, and what the application has to answer.

use serde::{Deserialize, Serialize};
use smppkit_inspect::Pattern;
use smppkit_ops::Span;
use utoipa::ToSchema;

use crate::rules::Delay;

/// A dialogue between a subscriber and an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dialogue {
    /// What it is called.
    pub name: String,
    /// The subscriber's number.
    #[schema(max_length = 20)]
    pub subscriber: String,
    /// The number the subscriber sends to.
    #[schema(max_length = 20)]
    pub application: String,
    /// The account that is spoken to. Default: the one that serves the number, or the only one bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_id: Option<String>,
    /// The steps, one after the other.
    pub step: Vec<Step>,
}

/// One step: something is sent, or something is expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, untagged)]
pub enum Step {
    /// The subscriber sends a text.
    Send {
        /// The text.
        send: String,
        /// How long it takes to type it.
        #[serde(default = "at_once")]
        #[schema(value_type = String, example = "1s..3s")]
        after: Delay,
    },
    /// The application has to send the subscriber a text.
    Expect {
        /// What the text has to be: exactly this, with `*`, or a `/regex/`.
        #[serde(with = "pattern")]
        #[schema(value_type = String, example = "/your code is [0-9]{4}/i")]
        expect: Pattern,
        /// How long that may take.
        #[serde(default = "ten_seconds")]
        within: Span,
    },
}

/// How a dialogue went.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Outcome {
    /// Its name.
    pub dialogue: String,
    /// Whether all was as expected.
    pub passed: bool,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What was said, in order.
    pub said: Vec<Said>,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Said {
    /// `subscriber` or `application`.
    pub by: &'static str,
    /// The text.
    pub text: String,
}

fn at_once() -> Delay {
    Delay::NONE
}

fn ten_seconds() -> Span {
    Span::secs(10)
}

mod pattern {
    use serde::{Deserialize, Deserializer, Serializer};
    use smppkit_inspect::Pattern;

    pub(super) fn serialize<S: Serializer>(pattern: &Pattern, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(pattern)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
