//! The two ends of a session as the old generation names them in templates (spec: glusterd-interface 4.3).

use crate::cli::Session;
use crate::url::quote_plus;
use std::net::IpAddr;

/// One end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Peer {
    normal: String,
    canonical: String,
    volume: String,
}

/// Both ends of a session, or the one that a serving end knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peers {
    local: Peer,
    remote: Option<(Peer, String)>,
}

impl Peers {
    /// The ends of a session on the primary's side. `resolve` gives a host's address, where it has one.
    #[must_use]
    pub fn of(session: &Session, resolve: impl Fn(&str) -> Option<IpAddr>) -> Peers {
        let secondary = &session.secondary;
        // A host without an address stays as it is written: the session has to be found all the same.
        let host =
            resolve(&secondary.host).map_or_else(|| secondary.host.clone(), |address| address.to_string());
        let user = secondary.user.as_deref().unwrap_or("root");
        let remote = Peer {
            normal: format!("ssh://{}::{}", secondary.login(), secondary.volume),
            canonical: format!("ssh://{user}@{host}:gluster://127.0.0.1:{}", secondary.volume),
            volume: secondary.volume.clone(),
        };
        Peers { local: local(&session.primary), remote: Some((remote, secondary.host.clone())) }
    }

    /// The one end that a serving end is.
    #[must_use]
    pub fn serving(volume: &str) -> Peers {
        Peers { local: local(volume), remote: None }
    }

    /// The canonical addresses, local first.
    #[must_use]
    pub fn canonical(&self) -> Vec<&str> {
        let remote = self.remote.iter().map(|(remote, _)| remote.canonical.as_str());
        std::iter::once(self.local.canonical.as_str()).chain(remote).collect()
    }

    /// The volumes, local first.
    #[must_use]
    pub fn volumes(&self) -> Vec<&str> {
        let remote = self.remote.iter().map(|(remote, _)| remote.volume.as_str());
        std::iter::once(self.local.volume.as_str()).chain(remote).collect()
    }

    /// What a name in a template stands for: `${NAME}` the normal address, `${Name}` the canonical one, `${eName}`
    /// that one escaped, `${NAMEvol}` the volume, `${remotehost}`. The words of 10 and later mean the same.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        if name == "remotehost" {
            return self.remote.as_ref().map(|(_, host)| host.clone());
        }
        if let Some(peer) = name.strip_suffix("vol").and_then(|word| self.peer(word)) {
            return Some(peer.volume.clone());
        }
        if let Some(peer) = self.peer(name) {
            return Some(peer.normal.clone());
        }
        let (is_escaped, word) = name.strip_prefix('e').map_or((false, name), |word| (true, word));
        let first = word.chars().next().filter(char::is_ascii_uppercase)?;
        let lower = format!("{}{}", first.to_ascii_lowercase(), word.get(1..)?);
        let canonical = &self.peer(&lower)?.canonical;
        Some(if is_escaped { quote_plus(canonical) } else { canonical.clone() })
    }

    fn peer(&self, word: &str) -> Option<&Peer> {
        match (word, &self.remote) {
            ("local", _) | ("master" | "primary", Some(_)) | ("slave" | "secondary", None) => {
                Some(&self.local)
            }
            ("remote" | "slave" | "secondary", Some((remote, _))) => Some(remote),
            _ => None,
        }
    }
}

fn local(volume: &str) -> Peer {
    Peer {
        normal: format!("gluster://localhost:{volume}"),
        canonical: format!("gluster://127.0.0.1:{volume}"),
        volume: volume.to_owned(),
    }
}
