//! What is asked of gsyncd: a shim in its place writes every command line down and then becomes the program itself.
//!
//! The lab's program is the shim: it knows itself by the name `gsyncd`. Only calls through the installed path are seen,
//! that is those of glusterd, of the gluster command and of sshd; gsyncd starts itself by another way.
use crate::command::run;
use crate::host::place;
use crate::{Done, Failure};
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The name by which the lab's program knows that it is the shim.
pub const NAME: &str = "gsyncd";
/// Where the program itself is while the shim has its place.
const PROGRAM: &str = "/srv/recorder/gsyncd";
/// One JSON object a line.
const CALLS: &str = "/srv/recorder/calls";

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The words after the program's name; what is no text is replaced.
    pub words: Vec<String>,
    /// `_GLUSTERD_CALLED_` was in its environment.
    pub by_glusterd: bool,
    /// `SSH_ORIGINAL_COMMAND`, if it was in its environment.
    pub over_ssh: Option<String>,
}

/// Puts the shim in gsyncd's place on this private host. `lab` is the lab's program.
///
/// # Errors
/// A file or a mount cannot be made.
pub fn install(lab: &str) -> Done {
    let installed = place::libexec()?.join(NAME);
    fs::create_dir_all("/srv/recorder")?;
    File::create(PROGRAM)?;
    run("mount", &["--bind".as_ref(), installed.as_os_str(), OsStr::new(PROGRAM)])?;
    run("mount", &["--bind".as_ref(), OsStr::new(lab), installed.as_os_str()])?;
    Ok(())
}

/// All calls so far.
///
/// # Errors
/// The file is not there, or not as the shim writes it.
pub fn calls() -> Done<Vec<Call>> {
    let text = fs::read_to_string(CALLS)?;
    let call =
        |line: &str| serde_json::from_str(line).map_err(|error| Failure::new(format!("{error}: {line}")));
    text.lines().map(call).collect()
}

/// What follows an option: a stand-in for each word, or `=` where the word itself makes the form.
const FOLLOWERS: [(&str, &[&str]); 9] = [
    ("-c", &["FILE"]),
    ("--config-set-rx", &["=", "VALUE"]),
    ("--config-set", &["NAME", "VALUE"]),
    ("--config-get", &["NAME"]),
    ("--config-check", &["NAME"]),
    ("--config-del", &["NAME"]),
    ("--create", &["STATUS"]),
    ("--path", &["PATH"]),
    ("--verify", &["="]),
];

/// The form of a command line: options, the order of words and the spelling of addresses, without what differs from
/// session to session.
#[must_use]
pub fn form(words: &[String]) -> String {
    let mut forms: Vec<String> = Vec::new();
    let mut followers: &[&str] = &[];
    for word in words {
        let next = match followers.split_first() {
            Some((stand_in, rest)) => {
                followers = rest;
                match *stand_in {
                    "=" => word.clone(),
                    "NAME" if word == "session-owner" => word.clone(),
                    "VALUE" if word.starts_with("--value=") => "--value=".to_owned(),
                    stand_in => stand_in.to_owned(),
                }
            }
            None => {
                followers = FOLLOWERS.iter().find(|(option, _)| option == word).map_or(&[], |(_, all)| all);
                form_of_word(word)
            }
        };
        // any number of addresses is one form
        if !(next.contains("::") && forms.last() == Some(&next)) {
            forms.push(next);
        }
    }
    forms.join(" ")
}

fn form_of_word(word: &str) -> String {
    match word.split_once('=') {
        Some((option, value)) if word.starts_with('-') => {
            let value = if value == "(null)" { value } else { "" };
            format!("{option}={value}")
        }
        _ if word.starts_with('-') || word == "." || word == "^ssh:" => word.to_owned(),
        _ if word.starts_with(':') => ":PRIMARY".to_owned(),
        _ => word.split_once("::").map_or("WORD".to_owned(), |(host, volume)| address(host, volume)),
    }
}

fn address(host: &str, volume: &str) -> String {
    let (scheme, host) = host.strip_prefix("ssh://").map_or(("", host), |host| ("ssh://", host));
    let user = if host.contains('@') { "USER@" } else { "" };
    let id = if volume.contains(':') { ":ID" } else { "" };
    format!("{scheme}{user}HOST::VOLUME{id}")
}

/// The shim: writes the call down and becomes the program.
pub fn main(name: &OsStr, words: &[OsString]) -> ExitCode {
    let call = Call {
        words: words.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        by_glusterd: std::env::var_os("_GLUSTERD_CALLED_").is_some(),
        over_ssh: std::env::var("SSH_ORIGINAL_COMMAND").ok(),
    };
    if let Err(failure) = note(&call) {
        eprintln!("gsyncd recorder: {failure}");
        return ExitCode::from(126);
    }
    let error = Command::new(PROGRAM).arg0(name).args(words).exec();
    eprintln!("gsyncd recorder: {PROGRAM}: {error}");
    ExitCode::from(127)
}

/// One write: calls come from many processes at once.
fn note(call: &Call) -> Done {
    let mut line = serde_json::to_vec(call).map_err(|error| Failure::new(error.to_string()))?;
    line.push(b'\n');
    let mut file = OpenOptions::new().append(true).create(true).open(Path::new(CALLS))?;
    Ok(file.write_all(&line)?)
}

#[cfg(test)]
mod tests {
    use super::form;

    #[test]
    fn forms() {
        for (line, wanted) in [
            ("--version", "--version"),
            ("-c /t --config-set-rx log-file /x . ^ssh:", "-c FILE --config-set-rx log-file VALUE . ^ssh:"),
            (
                "--canonicalize-url ssh://h::v ssh://i::w geo@h::v",
                "--canonicalize-url ssh://HOST::VOLUME USER@HOST::VOLUME",
            ),
            (
                ":m ssh://g@h::v:12 --config-set a --value=b",
                ":PRIMARY ssh://USER@HOST::VOLUME:ID --config-set NAME --value=",
            ),
            ("--config-set session-owner --value=1", "--config-set session-owner --value="),
            ("--path-list=(null) --path-list=--path=/b", "--path-list=(null) --path-list="),
            ("--create Stopped --verify spawning x", "--create STATUS --verify spawning WORD"),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(form(&words), wanted);
        }
    }
}
