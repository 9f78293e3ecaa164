//! Axum's extractors, with [`Problem`]s for what they refuse.

use axum::Router;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// A JSON body, either way.
///
/// 400 where it is not JSON, 415 where it does not claim to be, 422 where it says something else than
/// is asked for; the problem's `field` then tells where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

/// What follows the `?`; 400 where it cannot be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

/// The variable parts of a path; 400 where one cannot be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Path<T>(pub T);

/// The router, with problems for what it has no route or no method for. Add routes before.
pub fn fallbacks<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.fallback(nothing_at).method_not_allowed_fallback(method_not_allowed)
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(JsonRejection::JsonDataError(error)) => Err(in_field(error.status(), &error.body_text())),
            Err(JsonRejection::JsonSyntaxError(error)) => {
                let text = error.body_text();
                Err(Problem::new(error.status(), format!("the body is not JSON: {}", cause(&text))))
            }
            Err(JsonRejection::MissingJsonContentType(error)) => {
                Err(Problem::new(error.status(), "the body must be application/json"))
            }
            Err(other) if other.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::new(other.status(), "the body is too long"))
            }
            Err(other) => Err(Problem::new(other.status(), other.body_text())),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(QueryRejection::FailedToDeserializeQueryString(error)) => {
                Err(in_field(error.status(), &error.body_text()))
            }
            Err(other) => Err(Problem::new(other.status(), other.body_text())),
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                Err(Problem::new(error.status(), format!("in the path: {}", cause(&error.body_text()))))
            }
            Err(other) => Err(Problem::new(other.status(), other.body_text())),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// What is wrong with one field. Axum says `what was tried: field: what is wrong`, without the field
/// where the whole is wrong.
fn in_field(status: StatusCode, text: &str) -> Problem {
    let cause = cause(text);
    let problem = Problem::new(status, cause);
    match cause.split_once(": ") {
        Some((field, _)) if !field.contains(' ') => problem.with("field", field),
        _ => problem,
    }
}

/// Axum's text without what was tried.
fn cause(text: &str) -> &str {
    text.split_once(": ").map_or(text, |(_, cause)| cause)
}

/// The problem that a path has nothing behind it: a fallback.
pub async fn nothing_at(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path()))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}; the Allow header says what it does", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::{get, post};
    use http_body_util::BodyExt;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Message {
        to: String,
        parts: Option<Vec<Part>>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Part {
        esm_class: u8,
    }

    #[derive(Debug, Deserialize)]
    struct Page {
        limit: Option<u8>,
    }

    fn router() -> Router {
        let router = Router::new()
            .route("/messages", post(async |Json(message): Json<Message>| message.to))
            .route("/messages/{id}", get(async |Path(id): Path<u32>| id.to_string()))
            .route("/page", get(async |Query(page): Query<Page>| Json(page.limit)));
        fallbacks(router)
    }

    async fn ask(method: &str, uri: &str, kind: Option<&str>, body: &'static str) -> (u16, Value, Response) {
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let request = request.body(Body::from(body)).unwrap();
        let (parts, body) = TowerToHyperService::new(router()).call(request).await.unwrap().into_parts();
        let octets = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&octets)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&octets).into()));
        (parts.status.as_u16(), json, Response::from_parts(parts, Body::empty()))
    }

    #[tokio::test]
    async fn what_is_asked_for_gets_through() {
        let json = Some("application/json; charset=utf-8");
        assert_eq!(ask("POST", "/messages", json, "{\"to\": \"a\"}").await.1, "a");
        assert_eq!(ask("GET", "/messages/7", None, "").await.1, 7);
        assert_eq!(ask("GET", "/page?limit=9", None, "").await.1, 9);
    }

    #[tokio::test]
    async fn bodies_are_refused_with_the_reason() {
        let json = Some("application/json");
        let cases = [
            (
                json,
                "{\"to\": ",
                400,
                "the body is not JSON: to: EOF while parsing a value at line 1 column 7",
                "",
            ),
            (Some("text/plain"), "{}", 415, "the body must be application/json", ""),
            (None, "{}", 415, "the body must be application/json", ""),
            (json, "{}", 422, "missing field `to` at line 1 column 2", ""),
            (
                json,
                "{\"to\": \"a\", \"form\": 1}",
                422,
                "form: unknown field `form`, expected `to` or `parts` at line 1 column 18",
                "form",
            ),
            (
                json,
                "{\"to\": \"a\", \"parts\": [{\"esm_class\": 256}]}",
                422,
                "parts[0].esm_class: invalid value: integer `256`, expected u8 at line 1 column 39",
                "parts[0].esm_class",
            ),
        ];
        for (kind, body, status, detail, field) in cases {
            let (got, problem, response) = ask("POST", "/messages", kind, body).await;
            assert_eq!((got, problem["detail"].as_str()), (status, Some(detail)), "{body}");
            assert_eq!(problem["field"].as_str().unwrap_or_default(), field, "{body}");
            assert!(crate::problem::is_problem(&response));
        }
    }

    #[tokio::test]
    async fn paths_and_queries_are_refused_with_the_reason() {
        let (status, problem, _) = ask("GET", "/messages/x", None, "").await;
        assert_eq!(status, 400);
        assert_eq!(problem["detail"], "in the path: Cannot parse `x` to a `u32`");
        let (status, problem, _) = ask("GET", "/page?limit=256", None, "").await;
        assert_eq!((status, problem["field"].as_str()), (400, Some("limit")));
        assert_eq!(problem["detail"], "limit: number too large to fit in target type");
    }

    #[tokio::test]
    async fn what_there_is_no_route_for_is_a_problem() {
        let (status, problem, _) = ask("GET", "/nowhere", None, "").await;
        assert_eq!((status, problem["detail"].as_str()), (404, Some("there is nothing at /nowhere")));
        let (status, problem, response) = ask("DELETE", "/page", None, "").await;
        assert_eq!((status, problem["title"].as_str()), (405, Some("Method Not Allowed")));
        assert_eq!(response.headers()["allow"], "GET,HEAD");
    }
}
