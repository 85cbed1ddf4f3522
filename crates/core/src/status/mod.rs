//! The status of a session: what the monitor says, what a worker says of its brick, what people are shown.

pub mod brick;
pub mod checkpoint;
pub mod display;
pub mod session;

pub use brick::BrickStatus;
pub use checkpoint::Checkpoint;
pub use display::stamp;

/// Texts of the monitor's status file that have a meaning (spec: glusterd-interface 8.1). glusterd may write others.
pub mod monitor {
    /// The session exists and was never started.
    pub const CREATED: &str = "Created";
    /// The workers are launched.
    pub const STARTED: &str = "Started";
    /// The process group is stopped by a signal.
    pub const PAUSED: &str = "Paused";
    /// Nothing runs.
    pub const STOPPED: &str = "Stopped";
}

/// Texts of a brick's `worker_status` (spec: glusterd-interface 8.2).
pub mod worker {
    /// The monitor has started a worker that is not ready yet.
    pub const INITIALIZING: &str = "Initializing...";
    /// Syncing.
    pub const ACTIVE: &str = "Active";
    /// Another brick of the replica syncs.
    pub const PASSIVE: &str = "Passive";
    /// The worker died; it will be restarted.
    pub const FAULTY: &str = "Faulty";
    /// As [`FAULTY`], and in a way that no worker fails of itself.
    pub const INCONSISTENT: &str = "inconsistent";
}

/// Texts of a brick's `crawl_status`.
pub mod crawl {
    /// The first sync: the brick is walked.
    pub const HYBRID: &str = "Hybrid Crawl";
    /// Changelogs from before the worker's start.
    pub const HISTORY: &str = "History Crawl";
    /// Changelogs as they come.
    pub const CHANGELOG: &str = "Changelog Crawl";
}

/// Shown where there is nothing to say.
pub const NOT_APPLICABLE: &str = "N/A";

/// Name of a brick's status file: `brick_%2Fbricks%2Fb1.status`, encoded as Python 3's `quote_plus` does.
#[must_use]
pub fn brick_file_name(brick: &[u8]) -> String {
    let mut name = "brick_".to_owned();
    for &byte in brick {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => {
                name.push(char::from(byte))
            }
            b' ' => name.push('+'),
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name.push_str(".status");
    name
}

/// The name that Python 2's `quote_plus` makes where it is another one: it encodes `~`. Sessions of releases 3 have it.
#[must_use]
pub fn former_brick_file_name(brick: &[u8]) -> Option<String> {
    brick.contains(&b'~').then(|| brick_file_name(brick).replace('~', "%7E"))
}

/// The brick that a status file is of; None when the name is not one that [`brick_file_name`] makes.
#[must_use]
pub fn brick_of_file_name(name: &str) -> Option<Vec<u8>> {
    let encoded = name.strip_prefix("brick_")?.strip_suffix(".status")?;
    let mut brick = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        brick.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'+' => b' ',
            _ => byte,
        });
    }
    Some(brick)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::{brick_file_name, brick_of_file_name, former_brick_file_name};
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};

    proptest! {
        #[test]
        fn file_names_tell_their_brick(brick in vec(any::<u8>(), 0..40)) {
            assert_eq!(brick_of_file_name(&brick_file_name(&brick)), Some(brick));
        }

        #[test]
        fn other_names_are_taken(name in any::<String>()) {
            let _brick = brick_of_file_name(&format!("brick_{name}.status"));
        }
    }

    #[test]
    fn file_names_are_encoded() {
        assert_eq!(brick_file_name(b"/tmp/g f/b~1\xff"), "brick_%2Ftmp%2Fg+f%2Fb~1%FF.status");
        let former = former_brick_file_name(b"/tmp/g f/b~1\xff").unwrap();
        assert_eq!(former, "brick_%2Ftmp%2Fg+f%2Fb%7E1%FF.status");
        assert_eq!(brick_of_file_name(&former).unwrap(), b"/tmp/g f/b~1\xff");
        assert_eq!(former_brick_file_name(b"/b/1"), None);
    }
}
