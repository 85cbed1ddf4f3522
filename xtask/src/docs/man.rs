//! gsyncd(8), in the language of man: the prose, and the tables.

use super::prose;
use clap::{Arg, Command};
use gsyncd_core::cli::VERSION_LINE;
use gsyncd_core::cli::document;
use gsyncd_core::cli::tunables::Role;
use gsyncd_core::conf::options::{OPTIONS, OptionSpec};

/// The page.
pub(super) fn page() -> String {
    let tree = built(document::tree());
    let parts = [
        format!(".TH GSYNCD 8 \"\" \"{}\" \"System Administration\"\n.nh\n.ad l", escaped(VERSION_LINE)),
        format!(".SH NAME\ngsyncd \\- {}", escaped(&lower(document::ABOUT))),
        section("SYNOPSIS", prose::SYNOPSIS),
        section("DESCRIPTION", prose::DESCRIPTION),
        section("DIRECTORIES", prose::DIRECTORIES),
        options(&tree),
        section("COMMANDS", prose::COMMANDS),
        tree.get_subcommands().map(command).collect(),
        section("THE OPTIONS THAT GLUSTERD USES", prose::ACTIONS),
        group("Actions", Role::Action),
        group("For one run", Role::Local),
        group("Settings, as in the config file", Role::Tunable),
        ".SH SETTINGS\nWhat config\\-get shows and config\\-set takes.".to_owned(),
        OPTIONS.iter().map(setting).collect(),
        section("FILES", prose::FILES),
        section("EXIT STATUS", prose::EXIT_STATUS),
        section("EXAMPLES", prose::EXAMPLES),
        section("SEE ALSO", ".BR ssh (1),\n.BR gluster (8),\n.BR glusterd (8)"),
    ];
    let lines: Vec<&str> =
        parts.iter().flat_map(|part| part.lines()).filter(|line| !line.is_empty()).collect();
    lines.join("\n") + "\n"
}

fn built(mut command: Command) -> Command {
    command.build();
    command
}

fn section(title: &str, text: &str) -> String {
    format!(".SH {title}\n{text}")
}

fn group(title: &str, role: Role) -> String {
    format!(".SS {title}\n{}", options(&document::options(role).mut_args(|arg| arg.hide(false))))
}

/// A subcommand: how it is called, what it is for, what it takes.
fn command(command: &Command) -> String {
    let words: String = command.get_positionals().map(|word| format!(" {}", positional(word))).collect();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let name = escaped(command.get_name());
    format!(".SS gsyncd {name}{words}\n{}\n{}", text(&sentence(&about)), options(command))
}

fn positional(word: &Arg) -> String {
    let name =
        word.get_value_names().and_then(|names| names.first()).map_or(word.get_id().as_str(), |name| name);
    if word.is_required_set() { name.to_owned() } else { format!("[{name}]") }
}

fn options(command: &Command) -> String {
    let shown = |arg: &&Arg| !arg.is_positional() && !arg.is_hide_set();
    command.get_arguments().filter(shown).map(option).collect()
}

fn option(arg: &Arg) -> String {
    let short = arg.get_short().map(|letter| format!("\\fB\\-{letter}\\fR, ")).unwrap_or_default();
    let long = escaped(arg.get_long().unwrap_or_default());
    let names = arg.get_value_names().unwrap_or_default();
    let takes_value = arg.get_action().takes_values();
    let values: String =
        names.iter().filter(|_| takes_value).map(|name| format!(" \\fI{}\\fR", escaped(name))).collect();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    format!(".TP\n{short}\\fB\\-\\-{long}\\fR{values}\n{}\n", text(&sentence(&help)))
}

fn setting(option: &OptionSpec) -> String {
    let default = match option.default {
        // what is made of the session's names is long, and no line can hold it
        Some(default) if !default.is_empty() && !option.template => format!(" (default: {default})"),
        _ => String::new(),
    };
    format!(
        ".TP\n\\fB{}\\fR\n{}\n",
        escaped(option.name),
        text(&sentence(&format!("{}{default}", option.help)))
    )
}

fn sentence(words: &str) -> String {
    if words.ends_with('?') { words.to_owned() } else { format!("{words}.") }
}

/// A line that man takes for text: a dot or a quote at its beginning would be a request.
fn text(line: &str) -> String {
    let line = escaped(line);
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

/// A sentence as the rest of a line: no capital, no full stop.
fn lower(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
