//! What people read, made from the tables of the three syntaxes: the help, and the trees of options that the man
//! page and the completions are made of.

use super::subcommand::{COMMON, Spec, TABLE};
use super::tunables::{Role, SEED, SeedOption};
use super::words::{Flag, Value};
use super::{Topic, directory};
use crate::conf;
use clap::{Arg, ArgAction, Command, ValueHint};

/// The program in a few lines.
pub const ABOUT: &str = "Keeps a file tree on another site equal to the one here, over ssh.";

const DIRECTORIES: &str = "\
Usage: gsyncd [options] SOURCE TARGET
       gsyncd status [--json] [--state-dir DIR]
       gsyncd <command> <primary volume> [user@]<host>::<secondary volume> [options]

The target follows the source from now on: first all of it, then every change as it happens, until the program is
stopped. Started again, it goes on where it was. SOURCE is a directory here; TARGET is one too, or one on another
host, where gsyncd must be installed: host:/path, user@host:/path, ssh://user@host:port:/path.

Examples:
  gsyncd /src /dst                      follow, with a line that says how far it is
  gsyncd /src backup@vault:/srv/copy    the same over ssh
  gsyncd --once /src /dst               bring it up to date and end
  gsyncd --daemon /src vault:/srv/copy  in the background; `gsyncd status` shows it
";

const AFTER_DIRECTORIES: &str = "\
Exit codes: 0 all is well, 1 it failed or not everything could be synced, 2 the command line is wrong.

To let a key write below one directory only, put this before it in authorized_keys on the other host:
  command=\"gsyncd restricted --root /srv/copy\",restrict ssh-ed25519 …
";

const VOLUMES: &str = "\
GlusterFS volumes: `gluster volume geo-replication` calls this program; by hand:
  gsyncd <command> <primary volume> [user@]<host>::<secondary volume> [options]
";

const OPTIONS: &str = "\
Usage: gsyncd <action> [options] :<primary volume> [user@]<host>::<secondary volume>
       gsyncd <action on urls> URL...

What glusterd says, every release from 3.7 on. Options and addresses may be mixed; names may be shortened as long
as one option is meant; of what is repeated the last counts. Where a name has primary or secondary, master or slave
is the same. The settings are those of the config file; a glusterd of releases 4 and later sets nothing here.
";

const VOCABULARY: &str = "Where a name has primary or secondary, master or slave is the same.\n";

/// The help on a topic, as `--help` prints it.
#[must_use]
pub fn help(topic: Topic) -> String {
    match topic {
        Topic::All => everything(),
        Topic::Options => option_syntax(),
        Topic::Settings => settings(),
        Topic::Subcommand(name) => match TABLE.iter().find(|spec| spec.name == name) {
            Some(spec) => one(spec),
            None => everything(),
        },
    }
}

/// The tree of what people say: directories at its root, a subcommand a branch.
#[must_use]
pub fn tree() -> Command {
    let place = |arg: Arg| arg.hide(false).value_hint(ValueHint::AnyPath);
    let root = directory::clap_command()
        .about(ABOUT)
        .mut_arg("SOURCE", |arg| place(arg).help("A directory here"))
        .mut_arg("TARGET", |arg| place(arg).help("A directory here or [user@]host:/path"))
        .subcommand(
            Command::new("help")
                .about("Show help on a subcommand, on options (of glusterd), or on settings")
                .arg(Arg::new("SUBCOMMAND").value_parser(topics())),
        );
    root.disable_help_subcommand(true).subcommands(TABLE.iter().map(branch))
}

/// The options that glusterd uses; those of one role. What only programs say is hidden, as it ever was.
#[must_use]
pub fn options(role: Role) -> Command {
    let rows = SEED.iter().filter(|option| option.role == role);
    bare("gsyncd").args(rows.map(|option| argument(&option.flag)))
}

fn topics() -> Vec<&'static str> {
    TABLE.iter().map(|spec| spec.name).chain(["options", "settings"]).collect()
}

fn everything() -> String {
    let commands: String = TABLE
        .iter()
        .filter(|spec| !spec.is_hidden)
        .map(|spec| format!("  {:16} {}\n", spec.name, spec.about))
        .collect();
    let between: Vec<&str> = TABLE.iter().filter(|spec| spec.is_hidden).map(|spec| spec.name).collect();
    format!(
        "{ABOUT}\n\n{DIRECTORIES}\nOptions:\n{}\n\n{AFTER_DIRECTORIES}\n{VOLUMES}{commands}  {}   used between programs\n\n\
         `gsyncd help COMMAND` tells more, `gsyncd help settings` what can be set.\n\n\
         glusterd says the same in options (`gsyncd help options`):\n{}",
        directory::options(),
        between.join(", "),
        listed(SEED.iter().filter(|option| option.role == Role::Action && !option.flag.is_hidden)),
    )
}

/// Names with their values, in lines.
fn listed<'a>(rows: impl Iterator<Item = &'a SeedOption>) -> String {
    const WIDTH: usize = 100;
    let mut text = String::new();
    let mut line = String::new();
    for row in rows {
        let name = format!(
            "  --{}{}{}",
            row.flag.name,
            if row.flag.metavar.is_empty() { "" } else { " " },
            row.flag.metavar
        );
        if line.len() + name.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line.clear();
        }
        line.push_str(&name);
    }
    text + &line + "\n"
}

fn option_syntax() -> String {
    let part = |title: &str, role| {
        let options = options(role).help_template("{options}").render_help().to_string();
        format!("\n{title}:\n{}\n", options.trim_end())
    };
    let actions = part("Actions", Role::Action);
    format!("{OPTIONS}{actions}{}{}", part("For this run", Role::Local), part("Settings", Role::Tunable))
}

/// What config-set takes, a name, its default and its meaning each.
fn settings() -> String {
    let mut text = "Settings of a session of volumes, with what they are by default:\n".to_owned();
    let open = conf::options::OPTIONS.iter().filter(|option| option.access == conf::options::Access::Open);
    for option in open {
        let default = option.default.filter(|default| !default.is_empty()).unwrap_or("-");
        text.push_str(&format!("  {} = {default}\n      {}\n", option.name, option.help));
    }
    text + VOCABULARY
}

fn one(spec: &'static Spec) -> String {
    let mut command = branch(spec).bin_name(format!("gsyncd {}", spec.name));
    format!("{}\n{VOCABULARY}", command.render_help().to_string().trim_end())
}

fn bare(name: &'static str) -> Command {
    Command::new(name).disable_help_flag(true).disable_version_flag(true).term_width(100)
}

fn branch(spec: &'static Spec) -> Command {
    let positional = |(at, name): (usize, &&'static str)| {
        Arg::new(*name).value_name(*name).required(at < spec.required).help(meaning(spec.name, name))
    };
    bare(spec.name)
        .about(spec.about)
        .hide(spec.is_hidden)
        .args(spec.positionals.iter().enumerate().map(positional))
        .args(spec.flags.iter().map(argument))
        .args(COMMON.iter().map(argument))
}

fn meaning(command: &str, positional: &str) -> &'static str {
    match positional {
        "PRIMARY" => "The primary volume",
        "SECONDARY" => "The secondary volume: [user@]host::volume",
        "HOST" => "A node of the other cluster",
        "VOLNAME" => "The volume",
        "NAME" if command == "config-reset" => "The option, or `all`",
        "NAME" => "The option",
        "VALUE" => "Its value",
        "STATUS" => "The text",
        _ => "",
    }
}

fn argument(flag: &Flag) -> Arg {
    let mut argument = Arg::new(flag.name).long(flag.name).help(flag.help).hide(flag.is_hidden);
    if flag.short != 0 {
        argument = argument.short(char::from(flag.short));
    }
    if flag.words == 0 {
        return argument.action(ArgAction::SetTrue);
    }
    let is_path = flag.value == Value::Path || ["FILE", "DIR"].contains(&flag.metavar);
    let hint = if is_path { ValueHint::AnyPath } else { ValueHint::Other };
    argument
        .action(ArgAction::Set)
        .value_names(flag.metavar.split(' '))
        .num_args(usize::from(flag.words))
        .value_hint(hint)
}
