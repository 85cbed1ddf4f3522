//! A session whose file is of the old format: what it comes to, and the commands of glusterd 3.7 to 3.13 on it
//! (spec: glusterd-interface 4.1 to 4.6).

use super::machine::Machine;
use super::urls::resolve;
use super::{cut_for_glusterd, one_line, print};
use crate::exit::{Failure, Outcome};
use crate::store::conf_file::{self, Format};
use gsyncd_core::cli::{Common, ConfigGetArgs, Session, tunables};
use gsyncd_core::conf::change::VALUE_LIMIT_BYTES;
use gsyncd_core::conf::old::flatten::{self, flatten};
use gsyncd_core::conf::old::section::in_order;
use gsyncd_core::conf::old::settings::old_entry;
use gsyncd_core::conf::old::upgrade::{Release, upgrade};
use gsyncd_core::conf::old::{Peers, Section, Sources, change, settings as modern};
use gsyncd_core::conf::{Document, Facts, Settings};
use gsyncd_core::url::quote_plus;
use gsyncd_core::vocabulary;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// What the daemon and its commands run with.
///
/// # Errors
/// A file cannot be read, or holds a bad expression.
pub fn settings(
    machine: &Machine,
    (session, common): (&Session, &Common),
    config_file: &Path,
    facts: &Facts,
) -> Result<Settings, Failure> {
    let map = map(machine, (session, common), config_file, facts)?;
    Ok(modern::settings(&machine.table, &map, facts))
}

/// What a serving end runs with.
///
/// # Errors
/// As [`settings`].
pub fn serving_settings(machine: &Machine, facts: &Facts) -> Result<Settings, Failure> {
    let peers = Peers::serving(&facts.secondary_volume);
    let given = |name: &str| match name {
        "iprefix" => Some(machine.data_directory().to_owned()),
        "local_id" => facts.primary_brick.as_ref().map(|path| local_id(path)),
        _ => facts.arguments.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()),
    };
    let template = current(machine, &machine.template_file())?;
    let map = flatten(&template, &Sources { peers: &peers, default: &default, given: &given })?;
    Ok(modern::serving_settings(&machine.table, &map, facts))
}

/// The settings of the session in the old generation's names. Where the session's file has no general sections
/// (there is none yet, or it is of another generation), those of the template apply.
fn map(
    machine: &Machine,
    (session, common): (&Session, &Common),
    config_file: &Path,
    facts: &Facts,
) -> Result<BTreeMap<String, String>, Failure> {
    let peers = Peers::of(session, resolve);
    let given = |name: &str| {
        let said = common.given.iter().find(|given| given.name == modern_name(name));
        said.map(|given| given.value.to_string_lossy().into_owned()).or_else(|| match name {
            // glusterd gives it with most calls, and means this with the others.
            "iprefix" => Some(machine.data_directory().to_owned()),
            "local_id" => facts.local_path.as_ref().map(|path| local_id(path)),
            _ => None,
        })
    };
    let sources = Sources { peers: &peers, default: &default, given: &given };
    let own = current(machine, config_file)?;
    let has_general = in_order(&own).iter().any(|(_, section)| matches!(section, Section::Regex(_)));
    let mut map = BTreeMap::new();
    if !has_general {
        let template = current(machine, &machine.template_file())?;
        flatten::flatten_onto(&mut map, &template, &sources)?;
    }
    flatten::flatten_onto(&mut map, &own, &sources)?;
    Ok(map)
}

fn modern_name(name: &str) -> String {
    vocabulary::modern(&name.replace('_', "-"))
}

/// `.` and the encoded brick, as releases 3.7 to 3.13 name files of a brick (spec: glusterd-interface 9.3).
fn local_id(brick: &Path) -> String {
    format!(".{}", quote_plus(&String::from_utf8_lossy(brick.as_os_str().as_bytes())))
}

/// The default of the one option that is the program itself: what stands in its place in the series of glusterd.
const OWN_NAME: &str = "/usr/libexec/glusterfs/gsyncd";

fn default(name: &str) -> Option<String> {
    tunables::find(name)?.default(OWN_NAME).map(str::to_owned)
}

/// The file with the automatic upgrade applied, which is written back where it changed anything (spec:
/// glusterd-interface 4.6).
fn current(machine: &Machine, file: &Path) -> Result<Document, Failure> {
    let mut document = conf_file::load(file, Format::Old)?;
    let mend = |document: &mut Document| {
        upgrade(document, machine.release(), Machine::is_template(file), machine.places())
    };
    if mend(&mut document) {
        // What was read is used all the same.
        let _ = conf_file::update(file, Format::Old, |document| Ok::<_, Failure>(mend(document)));
    }
    Ok(document)
}

/// `--config-get`, `--config-get-all`: what is configured, not the defaults (spec: glusterd-interface 4.4).
///
/// # Errors
/// As [`settings`]; an option that no such release has.
pub fn get(machine: &Machine, args: &ConfigGetArgs) -> Outcome {
    let config_file = machine.config_file(&args.session, &args.common);
    let facts = machine.facts(Facts::of(&args.session));
    let wanted = args.name.as_deref().map(known).transpose()?;
    let map = map(machine, (&args.session, &args.common), &config_file, &facts)?;
    match wanted {
        Some(name) => map.get(&name).map_or(Ok(()), |value| print(&one_line(value))),
        None if map.is_empty() => Ok(()),
        None => {
            let lines: Vec<String> = map
                .iter()
                .map(|(key, value)| cut_for_glusterd(format!("{key}: {}", one_line(value))))
                .collect();
            print(&lines.join("\n"))
        }
    }
}

/// `--config-check`: nothing is printed.
///
/// # Errors
/// No release of the old generation has the option.
pub fn check(name: &str) -> Outcome {
    known(name).map(|_| ()).map_err(|failure| Failure { message: String::new(), ..failure })
}

/// The option's name in the file.
///
/// # Errors
/// There is none of that name.
pub fn known(name: &str) -> Result<String, Failure> {
    let (old, _) = old_entry(name, "");
    if tunables::find(&old).is_some() {
        Ok(old)
    } else {
        Err(Failure::new(format!("not a valid option: {name}")))
    }
}

/// Sets an option of a session, or deletes it.
///
/// # Errors
/// An option that is not known, or the file.
pub fn change(session: &Session, common: &Common, name: &str, value: Option<&str>) -> Outcome {
    let machine = Machine::get();
    let key = known(name)?;
    if value.is_some_and(|value| value.len() > VALUE_LIMIT_BYTES) {
        return Err(Failure::new(format!("the value of {name} is too long")));
    }
    let file = machine.config_file(session, common);
    let peers = Peers::of(session, resolve);
    conf_file::update(&file, Format::Old, |document| {
        upgrade(document, machine.release(), false, machine.places());
        let section = own_section(document, &peers, machine.release());
        Ok::<_, Failure>(match value {
            Some(value) => change::set(document, &section, &key, &old_entry(name, value).1),
            None => change::delete(document, &section, &key),
        })
    })
}

/// The session's section as it is in the file, or as the release would name it.
fn own_section(document: &Document, peers: &Peers, release: Release) -> Section {
    let mut literal = in_order(document).into_iter().map(|(_, section)| section);
    let there =
        literal.find(|section| matches!(section, Section::Literal(parts) if flatten::is_of(parts, peers)));
    there.unwrap_or_else(|| {
        let parts = if release == Release::Early { peers.canonical() } else { peers.volumes() };
        Section::Literal(parts.into_iter().map(str::to_owned).collect())
    })
}
