//! The keeper: a small process that owns one aux mount's client, and outlives whoever asked for it by half a second.
//!
//! Why a process of its own: the client must not be in the session's process group (a group SIGSTOP would freeze it with
//! cluster locks held), and still must go whichever way its user dies, SIGKILL included. The keeper leaves the group, hides
//! the mount as soon as the user has it open, and waits for the end of the user's socket, which is its standard input.
//!
//! Talk on the socket, keeper to user: `M<path>\0` mounted, `D\0` detached, `F<reason>\0` failed. User to keeper: `O` opened,
//! `R` ready. Everything up to `R` is bounded by the deadline; a client that hangs is killed then, which wakes the user
//! from whatever system call it is stuck in.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gsyncd_sys::child::{self, Watched};
use gsyncd_sys::{mount, poll};

use super::place::Place;

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "keeper";

/// How long the client may take to leave by itself after its user has gone.
const GRACE: Duration = Duration::from_millis(500);
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// What the keeper is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Directory to make the mount directory in.
    pub base: PathBuf,
    /// Bound of everything up to "ready".
    pub timeout: Duration,
    /// The client's program and arguments, but for the mount point, which is added at the end.
    pub client: Vec<OsString>,
}

impl Order {
    /// The words after the program's name.
    #[must_use]
    pub fn to_words(&self) -> Vec<OsString> {
        let milliseconds = self.timeout.as_millis().to_string();
        let mut words = vec![SUBCOMMAND.into(), self.base.clone().into_os_string(), milliseconds.into()];
        words.extend(self.client.iter().cloned());
        words
    }

    /// Reads the words after `keeper`.
    fn from_words(words: &[OsString]) -> Option<Order> {
        let [base, milliseconds, client @ ..] = words else { return None };
        let milliseconds = milliseconds.to_str()?.parse().ok()?;
        let order = Order {
            base: base.into(),
            timeout: Duration::from_millis(milliseconds),
            client: client.to_vec(),
        };
        (!client.is_empty()).then_some(order)
    }
}

/// Runs the keeper; `words` are those after `keeper`, standard input is the socket. Returns the exit code.
#[must_use]
pub fn run(words: &[OsString]) -> i32 {
    let Some(order) = Order::from_words(words) else { return 2 };
    let Ok(user) = std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else { return 2 };
    // EPERM: it leads a group already, somebody started it by hand.
    let _ = child::start_session();
    match keep(&order, &user) {
        Ok(()) => 0,
        Err(reason) => {
            let _ = say(&user, b'F', reason.as_bytes());
            1
        }
    }
}

fn keep(order: &Order, user: &UnixStream) -> Result<(), String> {
    let deadline = Instant::now() + order.timeout;
    let place = Place::create(&order.base)
        .map_err(|error| format!("make a mount directory in {}: {error}", order.base.display()))?;
    let mut client = start_client(order, &place.mount_point())?;
    let handed_over = hand_over(&mut client, place, user, deadline);
    if handed_over.is_err() {
        client.kill_and_reap();
        return handed_over;
    }
    wait_for_the_end(&mut client, user);
    Ok(())
}

fn start_client(order: &Order, mount_point: &Path) -> Result<Watched, String> {
    let program = order.client.first().map_or(OsStr::new(""), OsString::as_os_str);
    let mut command = Command::new(program);
    command.args(order.client.iter().skip(1)).arg(mount_point);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    child::prepare(&mut command, Vec::new());
    Watched::spawn(&mut command).map_err(|error| error.to_string())
}

/// From the client's start to a hidden mount that its user has open and found ready.
fn hand_over(client: &mut Watched, place: Place, user: &UnixStream, deadline: Instant) -> Result<(), String> {
    let lost = |error: std::io::Error| format!("talk to the mount's user: {error}");
    let mount_point = place.mount_point();
    wait_mounted(client, &mount_point, user, deadline)?;
    say(user, b'M', mount_point.as_os_str().as_bytes()).map_err(lost)?;
    expect(client, user, b'O', deadline)?;
    drop(place);
    say(user, b'D', b"").map_err(lost)?;
    expect(client, user, b'R', deadline)
}

fn wait_mounted(
    client: &mut Watched,
    point: &Path,
    user: &UnixStream,
    deadline: Instant,
) -> Result<(), String> {
    while !mount::is_mount_point(point).map_err(|error| error.to_string())? {
        if Instant::now() >= deadline {
            return Err("the client did not mount in time".to_owned());
        }
        let ready = poll::wait_readable(&[user.as_fd(), client.as_fd()], Some(LOOK_INTERVAL));
        match ready.map_err(|error| error.to_string())?.as_slice() {
            [true, _] => return Err("the mount's user has gone".to_owned()),
            [_, true] => return Err("the client ended before it had mounted".to_owned()),
            _ => {}
        }
    }
    Ok(())
}

fn expect(client: &mut Watched, mut user: &UnixStream, answer: u8, deadline: Instant) -> Result<(), String> {
    let left = deadline.saturating_duration_since(Instant::now());
    let ready = poll::wait_readable(&[user.as_fd(), client.as_fd()], Some(left));
    match ready.map_err(|error| error.to_string())?.as_slice() {
        [true, _] => {}
        [_, true] => return Err("the client ended while the mount was being opened".to_owned()),
        _ => return Err("the mount did not answer in time".to_owned()),
    }
    let mut said = [0];
    let got = user.read(&mut said).map_err(|error| error.to_string())?;
    if got == 1 && said == [answer] { Ok(()) } else { Err("the mount's user has gone".to_owned()) }
}

/// Returns when the user or the client has gone, and sees to it that both have.
fn wait_for_the_end(client: &mut Watched, user: &UnixStream) {
    let _ = poll::wait_readable(&[user.as_fd(), client.as_fd()], None);
    // Nobody has the mount open now, so the kernel has closed the client's connection and it leaves by itself.
    if !matches!(client.wait(Some(GRACE)), Ok(Some(_))) {
        client.kill_and_reap();
    }
}

fn say(mut user: &UnixStream, kind: u8, text: &[u8]) -> std::io::Result<()> {
    let mut message = vec![kind];
    message.extend(text.iter().filter(|byte| **byte != 0));
    message.push(0);
    user.write_all(&message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_survives_its_words() {
        let order = Order {
            base: "/run/gluster".into(),
            timeout: Duration::from_secs(60),
            client: vec!["/usr/sbin/glusterfs".into(), OsStr::from_bytes(b"--volfile-id=\xff").into()],
        };
        let words = order.to_words();
        assert_eq!(words.first(), Some(&OsString::from(SUBCOMMAND)));
        assert_eq!(Order::from_words(&words[1..]), Some(order));
        for bad in [&words[..1], &words[1..3], &[]] {
            assert_eq!(Order::from_words(bad), None);
        }
    }
}
