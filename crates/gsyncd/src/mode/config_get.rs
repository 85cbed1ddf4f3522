//! `config-get`, `--config-get`, `--config-get-all` (spec: glusterd-interface 4.10).

use super::machine::Machine;
use super::{cut_for_glusterd, old_session, one_line, print, session};
use crate::exit::Outcome;
use gsyncd_core::cli::{ConfigGetArgs, Syntax};
use gsyncd_core::conf::options::{Access, spoken_value};
use gsyncd_core::conf::{ConfigError, Generation, Settings, Table};
use serde_json::{Value, json};

/// Prints the options asked for. A glusterd of the old generation gets what that one printed.
///
/// # Errors
/// A name that has no value, or a config file that cannot be read.
pub fn run(args: &ConfigGetArgs, syntax: Syntax) -> Outcome {
    let machine = Machine::get();
    if machine.generation() == Generation::Seed && syntax == Syntax::Options {
        return old_session::get(machine, args);
    }
    session::bring_up_to_date(&args.session, &args.common);
    let settings = session::load(&args.session, &args.common, "config-get")?.settings;
    let mut rows: Vec<Row> = selected(args, syntax, &machine.table, &settings)?;
    rows.sort_by(|a, b| a.spoken.cmp(&b.spoken));
    if args.json {
        let options: Vec<Value> = rows.iter().map(|row| object(row, &machine.table, &settings)).collect();
        return print(&Value::Array(options).to_string());
    }
    let shown = |row: &Row| match syntax {
        Syntax::Options => cut_for_glusterd(line(args, row)),
        Syntax::Subcommand | Syntax::Directories => line(args, row),
    };
    let lines: Vec<String> = rows.iter().map(shown).collect();
    if lines.is_empty() { Ok(()) } else { print(&lines.join("\n")) }
}

/// An option as it is shown.
struct Row {
    /// In the table.
    name: String,
    /// In the words of the generation, or as it was asked for.
    spoken: String,
    value: String,
}

fn selected(
    args: &ConfigGetArgs,
    syntax: Syntax,
    table: &Table,
    settings: &Settings,
) -> Result<Vec<Row>, ConfigError> {
    let is_shown =
        |name: &&str| args.show_defaults || (settings.is_modified(name) && is_configurable(table, name));
    let row = |name: &str, asked: &str| Row {
        name: name.to_owned(),
        spoken: table.spoken(name),
        value: one_line(&spoken_value(asked, settings.text(name))),
    };
    let Some(asked) = &args.name else {
        return Ok(settings.names().filter(is_shown).map(|name| row(name, name)).collect());
    };
    let name = table.resolve(asked);
    let is_it = |found: &&str| *found == name || found.replace('_', "-") == name.replace('_', "-");
    match settings.names().filter(is_shown).find(is_it) {
        Some(found) => Ok(vec![Row { spoken: asked.replace('_', "-"), ..row(found, asked) }]),
        None if syntax == Syntax::Options => Err(ConfigError::InvalidName(asked.replace('_', "-"))),
        None => Err(ConfigError::InvalidName(asked.clone())),
    }
}

fn is_configurable(table: &Table, name: &str) -> bool {
    table.find(name).is_none_or(|option| option.access == Access::Open)
}

fn line(args: &ConfigGetArgs, row: &Row) -> String {
    match (args.only_value, args.use_underscore) {
        (true, _) => row.value.clone(),
        (false, true) => format!("{}:{}", row.spoken.replace('-', "_"), row.value),
        (false, false) => format!("{}:{}", row.spoken, row.value),
    }
}

fn object(row: &Row, table: &Table, settings: &Settings) -> Value {
    json!({
        "name": row.spoken,
        "value": row.value,
        "default": table.find(&row.name).and_then(|option| option.default.as_deref()).unwrap_or_default(),
        "configurable": is_configurable(table, &row.name),
        "modified": settings.is_modified(&row.name),
    })
}
