//! One geo-replication session, driven through the gluster CLI as an administrator does.
use crate::census::Census;
use crate::cluster::{HOST, gluster};
use crate::{Done, Failure, wait};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// A session from one volume to another of the same cluster.
pub struct Session {
    primary: String,
    secondary: String,
    /// What ran on the host before the session was started.
    pub census: Census,
}

/// Waits until the hook of `create push-pem` has done its work.
///
/// # Errors
/// It does not finish within 30 s.
#[track_caller]
pub fn after_create(secondary: &str) -> Done {
    wait::until(Duration::from_secs(30), "the create hook ends", || {
        let keys = fs::read_to_string("/root/.ssh/authorized_keys").unwrap_or_default();
        let info = gluster(&["volume", "info", secondary]).map_err(|failure| failure.to_string())?;
        match (keys.contains("gsyncd"), info.contains("features.read-only: on")) {
            (true, true) => Ok(()),
            (keys, read_only) => Err(format!("key pushed: {keys}, secondary read-only: {read_only}")),
        }
    })
}

/// One line of `status`: the element names of the CLI's XML and their texts.
pub type Pair = BTreeMap<String, String>;

impl Session {
    /// Makes and pushes the keys and creates the session; returns when the create hook has done its work (it works in
    /// the background: keys copied, the secondary made read-only). Mount before: what runs now is not the session's.
    ///
    /// # Errors
    /// The CLI's, or the hook does not finish within 30 s.
    pub fn create(primary: &str, secondary: &str) -> Done<Session> {
        gluster(&["system::", "execute", "gsec_create"])?;
        let census = Census::take();
        let session = Session { primary: primary.into(), secondary: secondary.into(), census };
        session.geo(&["create", "push-pem"])?;
        after_create(secondary)?;
        Ok(Session { census: Census::take(), ..session })
    }

    /// A session that is still to be created; what runs now is not its own.
    pub fn planned(primary: &str, secondary: &str) -> Session {
        Session { primary: primary.into(), secondary: secondary.into(), census: Census::take() }
    }

    /// Makes the keys and creates the session without pushing them: nobody is let in yet. The text to add to the
    /// other side's `authorized_keys` comes with it.
    ///
    /// # Errors
    /// The CLI's.
    pub fn create_unpushed(primary: &str, secondary: &str) -> Done<(Session, String)> {
        gluster(&["system::", "execute", "gsec_create"])?;
        let session =
            Session { primary: primary.into(), secondary: secondary.into(), census: Census::take() };
        session.geo(&["create", "no-verify"])?;
        let keys = fs::read_to_string("/var/lib/glusterd/geo-replication/common_secret.pem.pub")?;
        Ok((session, keys))
    }

    /// `gluster volume geo-replication PRIMARY SECONDARY words…`.
    ///
    /// # Errors
    /// The CLI's.
    #[track_caller]
    pub fn geo(&self, words: &[&str]) -> Done<String> {
        let url = self.url();
        let mut all = vec!["volume", "geo-replication", &self.primary, &url];
        all.extend(words);
        gluster(&all)
    }

    /// The secondary as the CLI wants it.
    pub fn url(&self) -> String {
        format!("root@{HOST}::{}", self.secondary)
    }

    /// # Errors
    /// The CLI's.
    #[track_caller]
    pub fn start(&self) -> Done {
        self.geo(&["start"]).map(drop)
    }

    /// # Errors
    /// The CLI's.
    #[track_caller]
    pub fn stop(&self) -> Done {
        self.geo(&["stop"]).map(drop)
    }

    /// Stops, and waits until no process of the session and no mount is left.
    ///
    /// # Errors
    /// The CLI's, or something stays for more than 10 s.
    pub fn stop_clean(&self) -> Done {
        self.stop()?;
        self.wait_gone(Duration::from_secs(10))
    }

    /// Waits until no process of the session and no mount is left.
    ///
    /// # Errors
    /// Something stays for longer than `bound`: each is named.
    pub fn wait_gone(&self, bound: Duration) -> Done {
        wait::until(bound, "every process and mount of the session ends", || {
            let left = self.census.left();
            if left.is_empty() { Ok(()) } else { Err(left.join("\n")) }
        })
    }

    /// The lines of `status` (one for each brick).
    ///
    /// # Errors
    /// The CLI's, or its XML has not the form known.
    pub fn status(&self) -> Done<Vec<Pair>> {
        let text = self.geo(&["status", "--xml"])?;
        let document = roxmltree::Document::parse(&text).map_err(|error| format!("{error}: {text}"))?;
        let pairs = document.descendants().filter(|node| node.has_tag_name("pair"));
        let texts = |node: roxmltree::Node<'_, '_>| {
            (node.tag_name().name().to_owned(), node.text().unwrap_or("").trim().to_owned())
        };
        Ok(pairs.map(|pair| pair.children().filter(|node| node.is_element()).map(texts).collect()).collect())
    }

    /// The one line of a session of one brick.
    ///
    /// # Errors
    /// As [`Session::status`], or there is not exactly one.
    pub fn pair(&self) -> Done<Pair> {
        let mut pairs = self.status()?;
        match (pairs.pop(), pairs.len()) {
            (Some(pair), 0) => Ok(pair),
            (_, more) => Err(Failure::new(format!("status has {more} other lines"))),
        }
    }

    /// Waits until `field` of the status has a text that `wanted` accepts; returns the line.
    ///
    /// # Errors
    /// Not within `bound`.
    #[track_caller]
    pub fn wait_status(&self, bound: Duration, field: &str, wanted: impl Fn(&str) -> bool) -> Done<Pair> {
        wait::until(bound, &format!("status: {field} as wanted"), || {
            let pair = self.pair().map_err(|failure| failure.to_string())?;
            let text = pair.get(field).map(String::as_str).unwrap_or_default();
            if wanted(text) { Ok(pair) } else { Err(format!("{pair:?}")) }
        })
    }

    /// Waits until the session is Active.
    ///
    /// # Errors
    /// Not within `bound`.
    #[track_caller]
    pub fn wait_active(&self, bound: Duration) -> Done<Pair> {
        self.wait_status(bound, "status", |text| text == "Active")
    }
}
