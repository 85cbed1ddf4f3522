//! `--config-set-rx` and its kin: general settings, which a starting glusterd and one that makes a session send; and
//! the files that a glusterd expects after it has talked to us (spec: glusterd-interface 2.2, 3.7, 4.2).

use super::machine::Machine;
use super::old_session;
use crate::exit::{self, Failure, Outcome};
use crate::store::conf_file::{self, Format};
use gsyncd_core::cli::{Command, Common, RuleArgs, RuleScope};
use gsyncd_core::conf::old::{Section, change, flatten};
use gsyncd_core::conf::{Document, Generation};
use std::fs;
use std::path::Path;

/// What every call in glusterd's syntax does first: the template exists afterwards, and the session's file where
/// the session's directory exists. That directory is never made: its existence means "already created". A glusterd
/// of the old generation sends a series to a session's file that does not exist, so it is not made for that one.
pub fn prepare(command: &Command) {
    let machine = Machine::get();
    // The parent is glusterd's; where it is missing there is no glusterd to please.
    let _ = fs::create_dir(&machine.sessions);
    let _ = conf_file::create_empty(&machine.template_file());
    if let Some(session) = command.session()
        && machine.generation() != Generation::Seed
    {
        let _ = conf_file::create_empty(&machine.config_file(session, &Common::default()));
    }
}

/// Sets or deletes a general setting. One by regular expressions is never refused but for its expression: a glusterd
/// does not start when one of these calls fails.
///
/// # Errors
/// What no release understands: an expression, an option, a call that only the old generation has.
pub fn run(args: &RuleArgs) -> Outcome {
    let machine = Machine::get();
    let file = args.file.clone().unwrap_or_else(|| machine.template_file());
    if !is_config(&file) {
        return Ok(());
    }
    if args.scope == RuleScope::Regex && args.value.is_some() {
        check(&section(args))?;
        make(&file);
        return if Machine::is_template(&file) {
            keep_in_template(args, &file)
        } else {
            keep_in_session(args, &file)
        };
    }
    if machine.generation() != Generation::Seed {
        let message = "the glusterd here has no such settings: it is not of releases 3.7 to 3.13";
        return Err(Failure { message: message.to_owned(), code: exit::USAGE });
    }
    let key = old_session::known(&args.name)?;
    check(&section(args))?;
    conf_file::update(&file, Format::Old, |document| Ok::<_, Failure>(put(document, args, &key)))
}

/// Where the setting stands in the file.
fn section(args: &RuleArgs) -> Section {
    match args.scope {
        RuleScope::Regex => Section::Regex(args.patterns.clone()),
        RuleScope::Glob => Section::of_globs(&args.patterns),
    }
}

fn check(section: &Section) -> Outcome {
    match section {
        Section::Regex(expressions) => Ok(flatten::check(expressions)?),
        Section::Literal(_) => Ok(()),
    }
}

fn is_config(file: &Path) -> bool {
    Machine::is_template(file) || file.file_name().is_some_and(|name| name == "gsyncd.conf")
}

fn make(file: &Path) {
    if let Some(directory) = file.parent() {
        let _ = fs::create_dir(directory);
    }
    let _ = conf_file::create_empty(file);
}

/// The series of a starting glusterd. Which generation it is of, is told in its last block only: what comes before is
/// kept, and dropped again when it turns out to be of a later one, whose gsyncd has it built in.
fn keep_in_template(args: &RuleArgs, file: &Path) -> Outcome {
    let told = Generation::told_by(&args.name, args.patterns.len());
    let known = Machine::get().generation();
    // Made anew at every start: it need not survive a crash of the machine.
    let kept = conf_file::update_relaxed(file, Format::Old, |document| {
        let is_news = told.is_some_and(|told| told.remember(document));
        let changed = match told.unwrap_or(known) {
            Generation::Seed => put(document, args, &args.name),
            _ if told.is_some() => drop_sections(document),
            _ => may_be_old(args) && put(document, args, &args.name),
        };
        is_news || changed
    });
    tell(kept);
    Ok(())
}

/// In the last block there is one pattern, or names that the first block does not have.
fn may_be_old(args: &RuleArgs) -> bool {
    const LATER: [&str; 4] = ["${session_owner}", "${primaryvol}", "${secondaryvol}", "${eSecondary}"];
    let value = args.value.as_deref().unwrap_or_default();
    args.patterns.len() == 2 && !LATER.iter().any(|word| value.contains(word))
}

fn drop_sections(document: &mut Document) -> bool {
    let names: Vec<String> = document.sections().map(str::to_owned).collect();
    let general = names.iter().filter(|name| {
        Section::parse(name).is_some() || ["__meta__", "__section_order__"].contains(&name.as_str())
    });
    general.fold(false, |changed, name| document.remove_section(name) | changed)
}

fn keep_in_session(args: &RuleArgs, file: &Path) -> Outcome {
    if Machine::get().generation() == Generation::Seed {
        let kept = conf_file::update(file, Format::Old, |document| {
            Ok::<_, Failure>(put(document, args, &args.name))
        });
        tell(kept);
    }
    Ok(())
}

/// glusterd would not go on if this failed, and nothing of it depends on what was not kept.
fn tell(kept: Outcome) {
    if let Err(failure) = kept {
        tracing::warn!("a general setting was not kept: {failure}");
    }
}

fn put(document: &mut Document, args: &RuleArgs, name: &str) -> bool {
    let section = section(args);
    match &args.value {
        Some(value) if is_name(name) => change::set(document, &section, name, value),
        Some(_) => false,
        None => change::delete(document, &section, name),
    }
}

/// What can stand before a `=` in the file.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}
