//! What went wrong with a request, as a document for programs: RFC 9457.

use core::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A problem document, answered as `application/problem+json` with its status.
///
/// ```
/// use axum::http::StatusCode;
/// use smppkit_ops::Problem;
///
/// let problem = Problem::new(StatusCode::NOT_FOUND, "there is no account \"a\"").with("account", "a");
/// assert_eq!(problem.status, 404);
/// assert_eq!(problem.title, "Not Found");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// What kind it is: `about:blank`, or the address of a page about it.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: String,
    /// The kind in words, the same for each occurrence.
    #[schema(example = "Not Found")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What is wrong this time, and what to do about it.
    pub detail: String,
    /// Further fields of the kind.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
    #[serde(skip)]
    headers: Box<HeaderMap>,
}

impl Problem {
    /// Of no particular kind: the status says it.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Unknown").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            fields: Map::new(),
            headers: Box::default(),
        }
    }

    /// What was named is not there.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// What was sent can be read, and cannot be.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// Something stands against it now.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// It may be possible later.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// Of a kind with a page of its own.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>, title: impl Into<String>) -> Self {
        self.kind = kind.into();
        self.title = title.into();
        self
    }

    /// With a further field. The names that every problem has are not for this, and left aside.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !["type", "title", "status", "detail"].contains(&name) {
            self.fields.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Answered with a header, such as Retry-After.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Answered with a Retry-After, in seconds rounded up.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        self
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Only a map with keys that are no strings would fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = *self.headers;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        response
    }
}

pub(crate) fn is_problem(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|there| there == CONTENT_TYPE)
}

const CONTENT_TYPE: &str = "application/problem+json";

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;

    #[test]
    fn a_problem_is_one_flat_object() {
        let problem = Problem::new(StatusCode::CONFLICT, "bound already")
            .kind("https://smppkit.example/problems/bound", "Already bound")
            .with("account", "a")
            .with("status", 200);
        let json: Value = serde_json::from_slice(&problem.to_json()).unwrap();
        let expected = serde_json::json!({
            "type": "https://smppkit.example/problems/bound", "title": "Already bound", "status": 409,
            "detail": "bound already", "account": "a",
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn the_answer_has_its_status_and_type() {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "slower");
        let response = problem.header(header::RETRY_AFTER, "1").into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }

    #[test]
    fn the_schema_allows_further_fields() {
        let schema = serde_json::to_value(Problem::schema()).unwrap();
        let text = schema.to_string();
        assert!(text.contains("\"type\":{") && text.contains("additionalProperties"), "{text}");
        assert!(!text.contains("headers"), "{text}");
    }
}
