//! `cargo xtask docs`: the man page and the completions of three shells, made from the program's own tables.

mod man;
mod prose;

use clap_complete::{Shell, generate};
use gsyncd_core::cli::document;
use gsyncd_lab::{Done, Failure};
use std::fs;
use std::path::{Path, PathBuf};

/// Writes them to `target/docs`.
pub(crate) fn run() -> Done {
    let directory = directory();
    fs::create_dir_all(&directory).map_err(|error| failed(&directory, &error))?;
    for (name, content) in all() {
        let path = directory.join(name);
        fs::write(&path, content).map_err(|error| failed(&path, &error))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Below cargo's own directory, wherever that is.
fn directory() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    target.unwrap_or_else(|| workspace.join("target")).join("docs")
}

/// File names, as packages install them, and contents.
fn all() -> [(&'static str, Vec<u8>); 4] {
    [
        ("gsyncd.8", man::page().into_bytes()),
        ("gsyncd.bash", completion(Shell::Bash)),
        ("_gsyncd", completion(Shell::Zsh)),
        ("gsyncd.fish", completion(Shell::Fish)),
    ]
}

fn completion(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    generate(shell, &mut document::tree(), "gsyncd", &mut text);
    text
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::all;
    use gsyncd_core::cli::document;
    use gsyncd_core::cli::tunables::SEED;
    use gsyncd_core::conf::options::OPTIONS;

    fn text(name: &str) -> String {
        let (_, content) = all().into_iter().find(|(file, _)| *file == name).unwrap();
        String::from_utf8(content).unwrap()
    }

    /// Every word that people may say: subcommands that are shown, and the options of each and of the root.
    fn said() -> Vec<(String, Vec<String>)> {
        let tree = document::tree();
        let options = |command: &clap::Command| {
            let shown = command.get_arguments().filter(|option| !option.is_hide_set());
            shown.filter_map(|option| option.get_long()).map(str::to_owned).collect()
        };
        let mut all = vec![(String::new(), options(&tree))];
        all.extend(tree.get_subcommands().map(|command| (command.get_name().to_owned(), options(command))));
        assert!(all.len() > 12, "{all:?}");
        all
    }

    #[test]
    fn the_man_page_tells_of_every_option_and_subcommand() {
        let page = text("gsyncd.8").replace("\\-", "-");
        for (command, options) in said() {
            assert!(page.contains(&format!("gsyncd {command}")), "{command}");
            for option in options {
                assert!(page.contains(&format!("--{option}")), "{command} --{option}");
            }
        }
        for option in SEED {
            assert!(page.contains(&format!("--{}\\fR", option.name())), "--{}", option.name());
        }
        for option in OPTIONS {
            assert!(page.contains(&format!("\\fB{}\\fR", option.name)), "{}", option.name);
        }
        assert!(page.lines().all(|line| !line.is_empty()), "an empty line is an empty paragraph to man");
    }

    #[test]
    fn the_completions_offer_every_option_and_subcommand() {
        for (file, long) in [("gsyncd.bash", "--"), ("_gsyncd", "--"), ("gsyncd.fish", "-l ")] {
            let script = text(file);
            for (command, options) in said() {
                assert!(script.contains(&command), "{file}: {command}");
                for option in options {
                    assert!(script.contains(&format!("{long}{option}")), "{file}: {command} --{option}");
                }
            }
        }
    }

    #[test]
    fn bash_reads_its_completion() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gsyncd.bash");
        std::fs::write(&path, text("gsyncd.bash")).unwrap();
        let output = std::process::Command::new("bash").arg("-n").arg(&path).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}
