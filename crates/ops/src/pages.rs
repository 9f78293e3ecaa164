//! What an admin listener serves besides the app's own routes.

use core::fmt;
use std::borrow::Cow;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::sign_in;

/// The web console as an app is handed it: pages for everyone, and documented routes that know nothing of
/// the app. An app adds the routes to its own, and gives the whole to its [`Admin`](crate::Admin).
///
/// ```
/// use smppkit_ops::{Admin, AdminConfig, Pages, fallbacks, openapi};
/// use utoipa::openapi::Info;
/// use utoipa_axum::router::OpenApiRouter;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let pages = Pages::none();
/// let routes = pages.add_routes(OpenApiRouter::new());
/// let router = fallbacks(openapi(routes, Info::new("simulator", "0.1.0")));
/// let admin = Admin::bind(AdminConfig::default()).await?.pages("simulator", &pages);
/// admin.serve(router, async {}).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Pages {
    name: Option<Cow<'static, str>>,
    public: Option<Router>,
    routes: OpenApiRouter,
    client_targets: Option<Vec<String>>,
    looks: Vec<&'static str>,
}

/// What pages are told about what serves them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) name: Cow<'static, str>,
    pub(crate) client_targets: Option<Vec<String>>,
    pub(crate) looks: Vec<&'static str>,
}

impl Pages {
    /// No pages; of further routes only those to sign in.
    pub fn none() -> Self {
        Self::default()
    }

    /// With these pages. The router is asked for every path that the app has no route for, by everybody,
    /// signed in or not; it answers what it does not know with [`nothing_at`](crate::nothing_at).
    pub fn new(public: Router) -> Self {
        Self { public: Some(public), ..Self::default() }
    }

    /// With a name for what serves them, in place of the app's own.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// With further routes, for those who are signed in.
    #[must_use]
    pub fn routes(mut self, routes: OpenApiRouter) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// With the networks that a client in the pages may connect to.
    #[must_use]
    pub fn client_targets(mut self, networks: Vec<String>) -> Self {
        self.client_targets = Some(networks);
        self
    }

    /// The networks that were said; nothing where there is no such client.
    pub fn targets(&self) -> Option<&[String]> {
        self.client_targets.as_deref()
    }

    /// With paths that viewers may POST to, since nothing is changed there; one that ends in `/` is for all below it,
    /// a segment in braces stands for any.
    #[must_use]
    pub fn looks(mut self, paths: &[&'static str]) -> Self {
        self.looks.extend(paths);
        self
    }

    /// An app's routes, with the further ones and those to sign in.
    pub fn add_routes<S: Clone + Send + Sync + 'static>(&self, routes: OpenApiRouter<S>) -> OpenApiRouter<S> {
        routes.merge(sign_in::routes().merge(self.routes.clone()).with_state(()))
    }

    pub(crate) fn public(&self) -> Option<Router> {
        self.public.clone()
    }

    pub(crate) fn told(&self, name: &'static str) -> Told {
        let name = self.name.clone().unwrap_or(Cow::Borrowed(name));
        Told { name, client_targets: self.client_targets.clone(), looks: self.looks.clone() }
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Pages");
        shown.field("name", &self.name).field("public", &self.public.is_some()).finish_non_exhaustive()
    }
}
