//! TLS in front: an account may be tied to a certificate.

use std::net::{SocketAddr, TcpListener};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use smppkit_net::{Bind, BindError, BindMode, Connector, Identity, Roots, TlsClient};
use smppkit_wire::CommandStatus;

use crate::harness::{Gateway, Mc, account, prompt, usual};

/// A root, and what it vouches for.
struct Root {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Root {
    fn new() -> Self {
        let key = KeyPair::generate().expect("ring makes keys");
        let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("it signs itself").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn identity(&self, name: &str) -> Identity {
        let key = KeyPair::generate().expect("ring makes keys");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a DNS name");
        let certificate = params.signed_by(&key, &self.issuer).expect("the root signs");
        Identity { certificates: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }
}

async fn bind(address: SocketAddr, system_id: &str, identity: Option<&Identity>) -> Option<CommandStatus> {
    let mut connector = Connector::new(address.to_string());
    if let Some(identity) = identity {
        let tls = TlsClient::new(Roots::Any, Some(identity)).expect("the identity is one");
        connector = connector.tls(tls);
    }
    let who = Bind::new(system_id, "secret").expect("short enough");
    match connector.bind(BindMode::Transceiver, who).await {
        Ok((esme, _inbox)) => {
            esme.unbind().await;
            Some(CommandStatus::ESME_ROK)
        }
        Err(BindError::Refused(status)) => Some(status),
        Err(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_with_a_certificate_binds_with_that_one_only() {
    let (root, other) = (Root::new(), Root::new());
    let mc = Mc::start(prompt).await;
    let tls = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port is free");
    let ca =
        std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("ca-{}.pem", std::process::id()));
    std::fs::write(&ca, &root.pem).expect("the target directory is ours");
    let ours = format!("tls_listen = [\"{tls}\"]\ntls_client_ca = '{}'\n", ca.display());
    let bank = format!("{}certificate = \"bank.example.net\"\n", account("bank"));
    let gateway = Gateway::start(&format!("{ours}{}{bank}", usual(&mc)));

    let (refused, good) = (Some(CommandStatus::ESME_RBINDFAIL), Some(CommandStatus::ESME_ROK));
    let right = root.identity("bank.example.net");
    assert_eq!(bind(tls, "bank", Some(&right)).await, good);
    assert_eq!(bind(tls, "bank", Some(&root.identity("shop.example.net"))).await, refused, "another's");
    assert_eq!(bind(gateway.address, "bank", None).await, refused, "none, without TLS");
    assert_eq!(bind(tls, "bank", Some(&other.identity("bank.example.net"))).await, None, "of a strange root");
    assert_eq!(bind(tls, "shop", Some(&right)).await, good, "an account that asks for none");
    let _ = std::fs::remove_file(ca);
    gateway.finish();
}
