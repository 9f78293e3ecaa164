//! The document that says what the admin listener answers.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Info, OpenApi, PathItem, RefOr};
use utoipa_axum::router::OpenApiRouter;

/// The routes of a documented router, and `/openapi.json` (OpenAPI 3.1) about them.
///
/// ```
/// use smppkit_ops::{Health, openapi};
/// use utoipa::openapi::Info;
/// use utoipa_axum::{router::OpenApiRouter, routes};
///
/// /// The version that runs.
/// #[utoipa::path(get, path = "/api/version", responses((status = 200, body = String)))]
/// async fn version() -> &'static str {
///     env!("CARGO_PKG_VERSION")
/// }
///
/// let documented = OpenApiRouter::new().routes(routes!(version));
/// let router = openapi(documented, Info::new("simulator", "0.1.0"));
/// let _: axum::Router = router.merge(Health::new().routes());
/// ```
pub fn openapi<S: Clone + Send + Sync + 'static>(router: OpenApiRouter<S>, info: Info) -> Router<S> {
    let (router, document) = documented(router, info);
    // It has no maps with keys that are no strings, so this does not fail.
    let json = serde_json::to_string(&document).unwrap_or_default();
    router.route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], json)))
}

/// The routes of a documented router, and the document alone: with what every route of an admin
/// listener may answer besides, and problems as what they are.
pub fn documented<S: Clone + Send + Sync + 'static>(
    router: OpenApiRouter<S>,
    info: Info,
) -> (Router<S>, OpenApi) {
    let (router, mut document) = router.split_for_parts();
    document.info = info;
    name(&mut document);
    let mut problem = None;
    let operations = document.paths.paths.values_mut().flat_map(operations);
    for responses in operations.map(|operation| &mut operation.responses.responses) {
        for (status, response) in responses.iter_mut() {
            if let (RefOr::T(response), true) = (response, status.starts_with(['4', '5']))
                && let Some(content) = response.content.swap_remove("application/json")
            {
                problem.get_or_insert_with(|| content.clone());
                response.content.insert(PROBLEM.to_owned(), content);
            }
        }
        for (status, description) in GUARDED {
            let mut response = utoipa::openapi::Response::new(description);
            response.content.extend(problem.clone().map(|content| (PROBLEM.to_owned(), content)));
            responses.entry(status.to_owned()).or_insert(RefOr::T(response));
        }
    }
    (router, document)
}

/// Gives each operation an id that no other has: its method and path. Handlers are called `list` more than once.
fn name(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let segments = path.split('/').filter(|segment| !["", "api", "v1"].contains(segment));
        let segments: Vec<String> = segments.map(|segment| segment.replace(['{', '}'], "")).collect();
        for (method, operation) in methods(item) {
            operation.operation_id = Some(format!("{method}_{}", segments.join("_").replace('-', "_")));
        }
    }
}

const PROBLEM: &str = "application/problem+json";
/// What the guards of the listener answer.
const GUARDED: [(&str, &str); 4] = [
    ("401", "not signed in, or another token"),
    ("403", "asked by a page of another site, or by a viewer"),
    ("421", "asked under a name that is not this machine's"),
    ("503", "too many connections, or no answer in time"),
];

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    methods(item).map(|(_, operation)| operation)
}

fn methods(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [
        ("get", get),
        ("put", put),
        ("post", post),
        ("delete", delete),
        ("options", options),
        ("head", head),
        ("patch", patch),
        ("trace", trace),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use http_body_util::BodyExt;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use utoipa_axum::routes;

    use super::*;
    use crate::{Json, Problem, Size, Span};

    #[derive(serde::Serialize, utoipa::ToSchema)]
    struct Limits {
        enquire_link: Span,
        store: Size,
    }

    #[utoipa::path(get, path = "/limits",
        responses((status = 200, body = Limits), (status = 404, body = Problem)))]
    async fn limits() -> Json<Limits> {
        Json(Limits { enquire_link: Span::secs(30), store: Size::mib(64) })
    }

    async fn ask(uri: &str) -> serde_json::Value {
        let router: Router =
            openapi(OpenApiRouter::new().routes(routes!(limits)), Info::new("test", "1.2.3"));
        let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
        let response = TowerToHyperService::new(router).call(request).await.unwrap();
        serde_json::from_slice(&response.collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn the_document_names_routes_and_schemas() {
        let document = ask("/openapi.json").await;
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["info"]["version"], "1.2.3");
        assert!(document["paths"]["/limits"]["get"].is_object());
        assert_eq!(document["components"]["schemas"]["Span"]["examples"][0], "30s");
        assert!(document["components"]["schemas"]["Problem"]["properties"]["detail"].is_object());
        let answer = ask("/limits").await;
        assert_eq!(answer, serde_json::json!({ "enquire_link": "30s", "store": "64 MiB" }));
    }
}
