//! Certificates from files, as servers' settings name them.

use std::io;
use std::path::Path;

use crate::tls::{Identity, Roots, TlsClient, TlsServer};

/// The PEM files that TLS is set up from.
#[derive(Debug, Clone, Copy, Default)]
pub struct TlsFiles<'a> {
    /// The certificate chain to show, the own certificate first.
    pub certificate: Option<&'a Path>,
    /// Its private key.
    pub key: Option<&'a Path>,
    /// The roots that the other side's certificate must come from.
    pub ca: Option<&'a Path>,
}

impl TlsFiles<'_> {
    /// For a listener. Without a certificate one is made for this run, for `localhost`; without roots no
    /// client is asked for one. Errors name the file.
    pub fn server(&self) -> io::Result<TlsServer> {
        let identity = match self.identity()? {
            Some(identity) => identity,
            None => self_signed()?,
        };
        let roots = self.ca.map(read).transpose()?;
        TlsServer::new(&identity, roots.as_deref())
    }

    /// For a connector. Without roots those of this machine are believed; with `any`, everybody.
    pub fn client(&self, any: bool) -> io::Result<TlsClient> {
        let roots = match self.ca {
            _ if any => Roots::Any,
            Some(path) => Roots::Pem(read(path)?),
            None => Roots::Platform,
        };
        TlsClient::new(roots, self.identity()?.as_ref())
    }

    fn identity(&self) -> io::Result<Option<Identity>> {
        match (self.certificate, self.key) {
            (Some(certificates), Some(key)) => {
                Ok(Some(Identity { certificates: read(certificates)?, key: read(key)? }))
            }
            (None, None) => Ok(None),
            _ => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "a certificate and its key belong together"))
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display())))
}

fn self_signed() -> io::Result<Identity> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
    Ok(Identity {
        certificates: made.cert.pem().into_bytes(),
        key: made.signing_key.serialize_pem().into_bytes(),
    })
}
