//! Where to bind and as whom: flags, then a profile, then the environment, then defaults.

use core::fmt;
use core::time::Duration;
use std::path::{Path, PathBuf};

use smppkit_net::{Bind, BindMode, Connector, Identity, Roots, SessionConfig, TlsClient};
use smppkit_ops::Span;
use smppkit_wire::Version;

use crate::profile::{Profile, ProfileError};
use crate::url::{BadUrl, Target};

/// Flags that say where to bind; the same for every subcommand that does.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Where to bind: smpp://system_id:password@host:port, or ssmpp:// for TLS. Else SMPPKIT_URL,
    /// else smpp://smppkit:smppkit@127.0.0.1:2775
    #[arg(long, value_name = "URL")]
    pub url: Option<Secret>,
    /// Host instead of the URL's
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Port instead of the URL's
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// TLS, whatever the URL says
    #[arg(long)]
    pub tls: bool,
    /// system_id instead of the URL's
    #[arg(long, value_name = "ID")]
    pub system_id: Option<String>,
    /// Password instead of the URL's. Other users can see it here; better is --password-file, or
    /// SMPPKIT_PASSWORD, which serves where the URL has none
    #[arg(long, value_name = "PASSWORD", conflicts_with = "password_file")]
    pub password: Option<Secret>,
    /// File whose first line is the password
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Profile to take what no flag says from
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// File of the profiles. Default: $XDG_CONFIG_HOME/smppkit/profiles.toml, else
    /// ~/.config/smppkit/profiles.toml
    #[arg(long, value_name = "FILE", requires = "profile")]
    pub profiles: Option<PathBuf>,
    /// Protocol version to declare: 3.3, 3.4 or 5.0 (the default)
    #[arg(long, value_name = "VERSION")]
    pub protocol: Option<Version>,
    /// system_type of the bind
    #[arg(long, value_name = "TYPE")]
    pub system_type: Option<String>,
    /// address_range of the bind
    #[arg(long, value_name = "RANGE")]
    pub address_range: Option<String>,
    /// Time to connect and bind. Default: 10s
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub bind_timeout: Option<Duration>,
    /// Time for the MC to answer. Default: 30s
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub response_timeout: Option<Duration>,
    /// With TLS, take any certificate: encrypted, but nobody knows with whom
    #[arg(long, conflicts_with = "tls_ca")]
    pub any_certificate: bool,
    /// With TLS, believe these roots (PEM) instead of those of this machine
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
    /// With TLS, certificate chain to show, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

/// Text of the command line that may hold a password, and so shows in no message.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

/// All that is needed to bind.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Where, and as whom.
    pub target: Target,
    /// The version to declare.
    pub version: Version,
    /// system_type of the bind.
    pub system_type: String,
    /// address_range of the bind.
    pub address_range: String,
    /// Sender of messages, when the profile names one.
    pub from: Option<String>,
    /// Time to connect and bind.
    pub bind_timeout: Duration,
    /// Time for the MC to answer.
    pub response_timeout: Duration,
    /// Whose certificates are believed.
    pub roots: Roots,
    /// What is shown to an MC that asks for a certificate.
    pub identity: Option<Identity>,
}

/// Flags, profile or environment do not make a connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The profile.
    Profile(ProfileError),
    /// A URL of the profile or the environment.
    Url(&'static str, BadUrl),
    /// A file.
    File(PathBuf, std::io::Error),
    /// A value that cannot be; the field and what is wrong.
    Value(&'static str, String),
    /// TLS cannot be set up.
    Tls(std::io::Error),
}

impl ConnectionArgs {
    /// What the flags come to, with the profile and the environment.
    pub fn resolve(&self) -> Result<Connection, ConnectionError> {
        self.resolve_in(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn resolve_in(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Connection, ConnectionError> {
        let profile = match &self.profile {
            Some(name) => Profile::read(name, self.profiles.as_deref()).map_err(ConnectionError::Profile)?,
            None => Profile::default(),
        };
        let target = self.target(&profile, env)?;
        let time = |given: Option<Duration>, named: &Option<String>, key, default| match (given, named) {
            (Some(time), _) => Ok(time),
            (None, Some(text)) => duration(text).map_err(|why| ConnectionError::Value(key, why)),
            (None, None) => Ok(Duration::from_secs(default)),
        };
        let version = match (self.protocol, &profile.protocol) {
            (Some(version), _) => version,
            (None, Some(text)) => text.parse().map_err(|why: smppkit_wire::version::UnknownVersion| {
                ConnectionError::Value("protocol", why.to_string())
            })?,
            (None, None) => Version::V50,
        };
        let either = |flag: &Option<PathBuf>, key: &Option<PathBuf>| flag.clone().or_else(|| key.clone());
        let roots = match either(&self.tls_ca, &profile.tls_ca) {
            _ if self.any_certificate => Roots::Any,
            Some(path) => Roots::Pem(read(&path)?),
            None if profile.any_certificate => Roots::Any,
            None => Roots::Platform,
        };
        let identity =
            match (either(&self.tls_cert, &profile.tls_cert), either(&self.tls_key, &profile.tls_key)) {
                (Some(chain), Some(key)) => Some(Identity { certificates: read(&chain)?, key: read(&key)? }),
                (None, None) => None,
                _ => {
                    let why = "needs its counterpart: tls_cert and tls_key go together";
                    return Err(ConnectionError::Value("tls_cert", why.to_owned()));
                }
            };
        let connection = Connection {
            target,
            version,
            system_type: self.system_type.clone().or(profile.system_type).unwrap_or_default(),
            address_range: self.address_range.clone().or(profile.address_range).unwrap_or_default(),
            from: profile.from,
            bind_timeout: time(self.bind_timeout, &profile.bind_timeout, "bind_timeout", 10)?,
            response_timeout: time(self.response_timeout, &profile.response_timeout, "response_timeout", 30)?,
            roots,
            identity,
        };
        connection.bind()?;
        Ok(connection)
    }

    fn target(
        &self,
        profile: &Profile,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Target, ConnectionError> {
        let parse = |from, text: &str| text.parse().map_err(|error| ConnectionError::Url(from, error));
        let mut target: Target = match (&self.url, &profile.url, env("SMPPKIT_URL")) {
            (Some(url), ..) => parse("--url", &url.0)?,
            (None, Some(url), _) => parse("url of the profile", url)?,
            (None, None, Some(url)) => parse("SMPPKIT_URL", &url)?,
            (None, None, None) if self.host.is_none() && self.system_id.is_none() => {
                parse("default", DEFAULT_URL)?
            }
            (None, None, None) => parse("default", "smpp://127.0.0.1")?,
        };
        if self.tls && !target.tls {
            target.speak_tls();
        }
        if let Some(host) = &self.host {
            target.set_host(host);
        }
        if let Some(port) = self.port {
            target.set_port(port);
        }
        if let Some(system_id) = &self.system_id {
            target.system_id.clone_from(system_id);
        }
        let file = self.password_file.as_ref();
        let file = file.or(profile.password_file.as_ref().filter(|_| self.url.is_none()));
        if let Some(password) = &self.password {
            target.password.clone_from(&password.0);
        } else if let Some(path) = file {
            target.password = first_line(path)?;
        } else if target.password.is_empty()
            && let Some(password) = env("SMPPKIT_PASSWORD")
        {
            target.password = password;
        }
        Ok(target)
    }
}

impl Connection {
    /// A connector to it.
    pub fn connector(&self) -> Result<Connector, ConnectionError> {
        let connector = Connector::new(self.target.address.clone()).session(self.session());
        let connector = connector.timeout(self.bind_timeout);
        Ok(if self.target.tls { connector.tls(self.tls()?) } else { connector })
    }

    /// How its sessions are configured.
    pub fn session(&self) -> SessionConfig {
        SessionConfig {
            version: self.version,
            session_init: Some(self.bind_timeout),
            response: Some(self.response_timeout),
            ..SessionConfig::default()
        }
    }

    fn tls(&self) -> Result<TlsClient, ConnectionError> {
        TlsClient::new(self.roots.clone(), self.identity.as_ref()).map_err(ConnectionError::Tls)
    }

    /// What it says of itself when it binds.
    pub fn bind(&self) -> Result<Bind, ConnectionError> {
        fn field<T: core::str::FromStr<Err: fmt::Display>>(
            name: &'static str,
            text: &str,
        ) -> Result<T, ConnectionError> {
            text.parse().map_err(|error: T::Err| ConnectionError::Value(name, error.to_string()))
        }
        Ok(Bind {
            system_id: field("system_id", &self.target.system_id)?,
            password: field("password", &self.target.password)?,
            system_type: field("system_type", &self.system_type)?,
            address_range: field("address_range", &self.address_range)?,
            interface_version: Some(self.version.into()),
            ..Bind::default()
        })
    }

    /// A mode that the version has: 3.3 has no transceiver.
    pub fn mode(&self, wanted: Option<BindMode>, without_transceiver: BindMode) -> BindMode {
        match wanted {
            Some(mode) => mode,
            None if self.version == Version::V33 => without_transceiver,
            None => BindMode::Transceiver,
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ConnectionError> {
    std::fs::read(path).map_err(|error| ConnectionError::File(path.to_owned(), error))
}

fn first_line(path: &Path) -> Result<String, ConnectionError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| ConnectionError::File(path.to_owned(), error))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// `500ms`, `1s`, `2m`, `1h`; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<Span>().map(|span| span.0).map_err(|error| error.to_string())
}

impl core::str::FromStr for Secret {
    type Err = core::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile(error) => error.fmt(f),
            Self::Url(from, error) => write!(f, "{from}: {error}"),
            Self::File(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Value(field, why) => write!(f, "{field}: {why}"),
            Self::Tls(error) => write!(f, "TLS: {error}"),
        }
    }
}

impl std::error::Error for ConnectionError {}

/// That of a simulator without flags, which takes any credentials.
const DEFAULT_URL: &str = "smpp://smppkit:smppkit@127.0.0.1:2775";

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(args: &ConnectionArgs, env: &[(&str, &str)]) -> Connection {
        let env: Vec<(String, String)> =
            env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let look = |name: &str| env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        args.resolve_in(&look).unwrap()
    }

    #[test]
    fn flags_go_before_the_environment_and_that_before_the_default() {
        let target = resolved(&ConnectionArgs::default(), &[]).target;
        assert_eq!((target.address.as_str(), target.system_id.as_str()), ("127.0.0.1:2775", "smppkit"));
        let env = [("SMPPKIT_URL", "smpp://env@h:1"), ("SMPPKIT_PASSWORD", "secret")];
        let target = resolved(&ConnectionArgs::default(), &env).target;
        assert_eq!((target.address.as_str(), target.password.as_str()), ("h:1", "secret"));
        let args = ConnectionArgs {
            url: Some(Secret("smpp://flag:own@g".into())),
            port: Some(9),
            ..ConnectionArgs::default()
        };
        let target = resolved(&args, &env).target;
        assert_eq!((target.address.as_str(), target.password.as_str()), ("g:9", "own"));
    }

    #[test]
    fn parts_replace_those_of_the_url() {
        let args = ConnectionArgs {
            url: Some(Secret("smpp://a:b@h".into())),
            host: Some("::1".into()),
            tls: true,
            system_id: Some("c".into()),
            password: Some(Secret("d".into())),
            ..ConnectionArgs::default()
        };
        let target = resolved(&args, &[]).target;
        assert_eq!((target.address.as_str(), target.tls), ("[::1]:3550", true));
        assert_eq!((target.system_id.as_str(), target.password.as_str()), ("c", "d"));
    }

    #[test]
    fn what_no_bind_can_hold_is_named_without_its_value() {
        let args =
            ConnectionArgs { password: Some(Secret("much-too-long".into())), ..ConnectionArgs::default() };
        let error = args.resolve_in(&|_| None).unwrap_err().to_string();
        assert!(error.contains("password") && !error.contains("much"), "{error}");
    }
}
