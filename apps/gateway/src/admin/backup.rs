//! A copy of the store while it runs.

use std::path::{Component, Path, PathBuf};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use smppkit_ops::{Json, Problem};
use utoipa::ToSchema;

use super::Operated;
use super::operated::of_store;

/// Where to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    /// The name of a file that is not there yet, in the directory `backup` of the data directory.
    #[schema(example = "monday.sqlite", max_length = 100)]
    to: String,
}

/// A copy that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Made {
    /// The whole path of the file.
    file: String,
    octets: u64,
}

/// Copies the store into a file of the data directory, as it is at the end of the call, while all goes on.
///
/// `smppkit store check` reads a copy once it lies as `messages.sqlite` in a directory of its own. The
/// server's key is not in it: keep a copy of `server.key`, too.
#[utoipa::path(post, path = "/api/v1/backup", tag = "store", request_body = To,
    responses((status = 200, body = Made), (status = 400, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn backup(
    State(operated): State<Operated>,
    Json(To { to }): Json<To>,
) -> Result<Json<Made>, Problem> {
    let dir = operated.hub.plan.load().settings.data.join(DIR);
    let file = place(&dir, &to)?;
    std::fs::create_dir_all(&dir)
        .map_err(|error| Problem::unavailable(format!("{}: {error}", dir.display())))?;
    if file.exists() {
        return Err(Problem::conflict(format!("{} is there already", file.display())));
    }
    let done = operated.hub.store.backup(file.clone()).await;
    done.map_err(|lost| Problem::unavailable(lost.to_string()))?.map_err(|error| of_store(&error))?;
    let octets = std::fs::metadata(&file).map_or(0, |metadata| metadata.len());
    Ok(Json(Made { file: file.display().to_string(), octets }))
}

/// A name, and nothing that leads elsewhere.
fn place(dir: &Path, name: &str) -> Result<PathBuf, Problem> {
    let mut parts = Path::new(name).components();
    let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    let is_plain = name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet));
    if !is_name || !is_plain || name.len() > 100 || name.starts_with('.') {
        let detail = "to: is no name of a file: up to 100 letters, digits, dashes and dots, no directory";
        return Err(Problem::unprocessable(detail).with("field", "to"));
    }
    Ok(dir.join(name))
}

const DIR: &str = "backup";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_in_its_directory() {
        let dir = Path::new("/data/backup");
        assert_eq!(place(dir, "a-1.sqlite").unwrap(), Path::new("/data/backup/a-1.sqlite"));
        for wrong in ["", ".", "..", "../x", "/x", "a/b", "a\\b", ".hidden", "a b", "a\0", &"a".repeat(101)] {
            assert!(place(dir, wrong).is_err(), "{wrong:?}");
        }
    }
}
