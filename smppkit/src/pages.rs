//! The web console as each server is handed it: the pages, and what they can do without the server.

use smppkit_client::web;
use smppkit_ops::Pages;

/// The routes that know nothing of the server: the codec, and sessions of the pages' own.
pub(crate) fn pages(client: web::Settings) -> Pages {
    let targets = client.target_names();
    Pages::default().routes(smppkit_admin::codec::routes().merge(web::routes(client))).client_targets(targets)
}
