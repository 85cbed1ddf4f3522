//! `config` of every option there is, on a session that does not run: get, set, get, reset, get, a wrong value.
use gsyncd_core::conf::options::{Access, Kind, OPTIONS, OptionSpec, Validation};
use gsyncd_lab::cluster::Cluster;
use gsyncd_lab::command::output;
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::on_a_private_host;
use gsyncd_lab::session::Session;
use gsyncd_lab::{Done, Failure};

/// Options that glusterd itself refuses to set (spec: glusterd-interface 2.8).
const RESERVED: [&str; 4] = ["gluster-command", "pid-file", "state-file", "state-socket-unencoded"];

#[test]
fn every_option() -> Done {
    on_a_private_host("every_option", env!("CARGO_BIN_EXE_gsyncd-lab"), Rsync::Host, || {
        let cluster = Cluster::start()?;
        cluster.volume("pvol")?;
        cluster.volume("svol")?;
        let session = Session::planned("pvol", "svol");
        session.geo(&["create", "no-verify"])?;
        let mut wrong = Vec::new();
        for option in OPTIONS {
            if let Err(failure) = option_works(&session, option) {
                wrong.push(format!("{}: {failure}", option.name));
            }
        }
        println!("{} options", OPTIONS.len());
        if wrong.is_empty() { Ok(()) } else { Err(Failure::new(wrong.join("\n"))) }
    })
}

fn option_works(session: &Session, option: &OptionSpec) -> Done {
    let before = get(session, option.name);
    if option.default.is_some() {
        expect(before.is_ok(), &format!("get: {before:?}"))?;
        expect(get(session, &option.name.replace('-', "_")) == before, "the same by its other spelling")?;
    }
    let (right, wrong) = values(option);
    let is_reserved = RESERVED.contains(&option.name);
    let set = config(session, &[option.name, right]);
    if is_reserved || option.access == Access::Fixed {
        expect(set.is_err(), &format!("a set is refused: {set:?}"))?;
    } else {
        set.map_err(|text| Failure::new(format!("set {right}: {text}")))?;
        let after = get(session, option.name);
        let is_set = match right {
            "now" => after.clone().is_ok_and(|text| text.parse::<u64>().is_ok_and(|seconds| seconds > 0)),
            _ => after.as_deref() == Ok(right),
        };
        expect(is_set, &format!("get after set: {after:?}"))?;
    }
    let refused = wrong.map(|wrong| config(session, &[option.name, wrong]).is_err());
    let reset = config(session, &[&format!("!{}", option.name)]);
    expect(reset.is_ok() != is_reserved, &format!("reset: {reset:?}"))?;
    expect(get(session, option.name) == before, "get after reset is as before")?;
    // glusterd takes what it does not know for false, and says no more when the value is false already
    let refused_now = wrong.map(|wrong| config(session, &[option.name, wrong]).is_err());
    let is_refused = refused.into_iter().chain(refused_now).any(|refused| refused);
    expect(is_refused || wrong.is_none(), &format!("{wrong:?} is refused"))?;
    expect(get(session, option.name) == before, "nothing wrong was set")
}

/// A value that is right and not the default, and one that is wrong, if anything is.
fn values(option: &OptionSpec) -> (&'static str, Option<&'static str>) {
    match (option.validation, option.kind) {
        (Validation::Choice(words), _) => {
            let other = words.iter().find(|word| Some(**word) != option.default);
            (other.copied().unwrap_or_default(), Some("no-such-word"))
        }
        // the CLI makes it an epoch
        (Validation::UnixTime, _) => ("now", Some("1")),
        (Validation::Range(..), _) => ("7", Some("100000")),
        (Validation::Executable, _) => ("/bin/true", Some("/no/such/program")),
        (_, Kind::Int) => ("7", Some("seven")),
        (_, Kind::Bool) if option.default == Some("true") => ("false", Some("perhaps")),
        (_, Kind::Bool) => ("true", Some("perhaps")),
        (_, Kind::Text) if option.name == "special-sync-mode" => ("recover", Some("magic")),
        (_, Kind::Path) => ("/srv/some path", Some("some/path")),
        (_, Kind::Text) => ("/srv/some text", None),
    }
}

fn get(session: &Session, name: &str) -> Result<String, String> {
    config(session, &[name])
}

/// What `config` printed, or both outputs when it failed.
fn config(session: &Session, words: &[&str]) -> Result<String, String> {
    let url = session.url();
    let mut all = vec!["--mode=script", "volume", "geo-replication", "pvol", &url, "config"];
    all.extend(words);
    let output = output("gluster", &all).map_err(|failure| failure.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!("{} {}", text(&output.stdout), text(&output.stderr))),
    }
}

#[track_caller]
fn expect(condition: bool, what: &str) -> Done {
    if condition { Ok(()) } else { Err(Failure::new(what)) }
}
