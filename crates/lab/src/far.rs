//! A second host beside the private one: its own processes, files, network, sshd and glusterd.
use crate::command::{output, run};
use crate::host::{self, place};
use crate::{Done, Failure, wait};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Its name.
pub const HOST: &str = "far";
/// Its state; below `/tmp`, which ends with the private host.
const STATE: &str = "/tmp/far";

/// Where it is, and where we are for it.
const ADDRESSES: [(&str, &str); 2] = [("10.9.0.1", "lab"), ("10.9.0.2", HOST)];

/// The second host. It ends with the first.
pub struct Far(());

impl Far {
    /// Starts it with the same gsyncd, and waits until its sshd answers. `lab` is the lab's program, `gsyncd` the
    /// one under test or `stock`. Nobody is let in yet.
    ///
    /// # Errors
    /// A step fails, or its sshd does not answer within 20 s.
    pub fn start(lab: &str, gsyncd: &str) -> Done<Far> {
        network()?;
        fs::create_dir_all(STATE)?;
        let [(our_address, we), (address, _)] = ADDRESSES;
        fs::write(Path::new(STATE).join(place::NAME), HOST)?;
        fs::write(Path::new(STATE).join(place::NEIGHBOURS), format!("{our_address} {we}\n"))?;
        fs::OpenOptions::new()
            .append(true)
            .open("/etc/hosts")?
            .write_all(format!("{address} {HOST}\n").as_bytes())?;
        let mut command = Command::new("ip");
        command.args(["netns", "exec", HOST, "unshare", "--pid", "--fork", "--kill-child", "--mount"]);
        command.args(["--mount-proc", "--uts", "--ipc", "--propagation", "private"]);
        command.args([lab, host::INNER, STATE, "host", gsyncd, "sleep", "infinity"]);
        command.stdin(Stdio::null()).spawn()?;
        wait::until(Duration::from_secs(20), "the far sshd answers", || {
            let answer = output("ssh-keyscan", &["-T", "2", HOST]).map_err(|failure| failure.to_string())?;
            if answer.stdout.is_empty() { Err("no key".to_owned()) } else { Ok(()) }
        })?;
        Ok(Far(()))
    }

    /// Lets root of this host in.
    ///
    /// # Errors
    /// A key file cannot be read or written.
    pub fn let_us_in(&self) -> Done {
        let key = fs::read("/root/.ssh/id_ed25519.pub")?;
        let file = Path::new(STATE).join("ssh/authorized_keys");
        Ok(fs::OpenOptions::new().append(true).open(file)?.write_all(&key)?)
    }

    /// Runs a command line there.
    ///
    /// # Errors
    /// Its exit code is not 0.
    #[track_caller]
    pub fn run(&self, line: &str) -> Done<String> {
        run("ssh", &[HOST, line])
    }

    /// Starts glusterd there, and a volume of one brick.
    ///
    /// # Errors
    /// The gluster CLI's.
    pub fn volume(&self, name: &str) -> Done<PathBuf> {
        self.run("pidof glusterd || glusterd --log-level=WARNING")?;
        wait::until(Duration::from_secs(20), "the far glusterd answers", || {
            self.run("gluster --mode=script volume list").map_err(|failure| failure.to_string())
        })?;
        let brick = format!("/srv/{name}/brick");
        self.run(&format!(
            "mkdir -p {brick} && gluster --mode=script volume create {name} {HOST}:{brick} force"
        ))?;
        self.run(&format!("gluster --mode=script volume start {name}"))?;
        Ok(Path::new(STATE).join("bricks").join(name).join("brick"))
    }

    /// What its `authorized_keys` holds.
    pub fn authorized_keys(&self) -> String {
        fs::read_to_string(Path::new(STATE).join("ssh/authorized_keys")).unwrap_or_default()
    }
}

fn network() -> Done {
    let [(ours, _), (theirs, _)] = ADDRESSES;
    let lines = [
        format!("netns add {HOST}"),
        format!("link add near0 type veth peer name far0 netns {HOST}"),
        format!("addr add {ours}/24 dev near0"),
        "link set near0 up".to_owned(),
        format!("-n {HOST} addr add {theirs}/24 dev far0"),
        format!("-n {HOST} link set far0 up"),
    ];
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        run("ip", &words).map_err(|failure| Failure::new(format!("two hosts: {failure}")))?;
    }
    Ok(())
}
