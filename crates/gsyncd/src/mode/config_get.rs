//! `config-get`, `--config-get`, `--config-get-all` (spec: glusterd-interface 4.10).

use super::{print, session};
use crate::exit::Outcome;
use gsyncd_core::cli::ConfigGetArgs;
use gsyncd_core::conf::options::{Access, canonical_name, find};
use gsyncd_core::conf::{ConfigError, Settings};
use serde_json::{Value, json};

/// Prints the options asked for.
///
/// # Errors
/// A name that has no value, or a config file that cannot be read.
pub fn run(args: &ConfigGetArgs) -> Outcome {
    let settings = session::load(&args.session, &args.common, "config-get")?.settings;
    let names = selected(args, &settings)?;
    if args.json {
        let options: Vec<Value> = names.iter().map(|name| object(name, &settings)).collect();
        return print(&Value::Array(options).to_string());
    }
    let lines: Vec<String> = names.iter().map(|name| line(args, name, &settings)).collect();
    if lines.is_empty() { Ok(()) } else { print(&lines.join("\n")) }
}

fn selected(args: &ConfigGetArgs, settings: &Settings) -> Result<Vec<String>, ConfigError> {
    let shown = |name: &&str| args.show_defaults || (settings.is_modified(name) && is_configurable(name));
    let names: Vec<String> = settings.names().filter(shown).map(str::to_owned).collect();
    let Some(asked) = &args.name else { return Ok(names) };
    let name = canonical_name(asked);
    if names.contains(&name) { Ok(vec![name]) } else { Err(ConfigError::InvalidName(asked.clone())) }
}

fn is_configurable(name: &str) -> bool {
    find(name).is_none_or(|option| option.access == Access::Open)
}

/// One line whatever the value holds: a session's file may have continuation lines.
fn line(args: &ConfigGetArgs, name: &str, settings: &Settings) -> String {
    let value = settings.text(name).replace(['\n', '\r'], " ");
    if args.only_value {
        return value;
    }
    let name = if args.use_underscore { name.replace('-', "_") } else { name.to_owned() };
    format!("{name}:{value}")
}

fn object(name: &str, settings: &Settings) -> Value {
    json!({
        "name": name,
        "value": settings.text(name),
        "default": find(name).and_then(|option| option.default).unwrap_or_default(),
        "configurable": is_configurable(name),
        "modified": settings.is_modified(name),
    })
}
