//! What an administrator types and is to read: a file of commands with their exit codes and outputs.
//!
//! ```text
//! == a heading: what it is about, with the section of the specification
//! $ stop                          `gluster volume geo-replication PRIMARY SECONDARY stop`
//! = 0                             its exit code, then what it prints, two blanks before each line
//!   Stopping geo-replication …
//! $$ volume list                  any other gluster command
//! @ active                        something else to do or to wait for: the test knows the word
//! ```
//!
//! A command can have an answer for the stock gsyncd (`= 1 stock`) beside ours (`= 0 ours`, with the reason in a
//! comment above). Lines that begin with `#` are comments.
use crate::command::output;
use crate::{Done, Failure};
use std::fmt::Write as _;

/// What a command came to, or is to come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whose it is: `stock`, `ours`, or nothing for both.
    of: String,
    /// Exit code, then lines.
    text: String,
}

/// One thing of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// What a part is about.
    Heading(String),
    /// A comment.
    Comment(String),
    /// A gluster command and its answers.
    Command(String, Vec<Answer>),
    /// Something that the test does.
    Action(String),
}

/// Reads a transcript.
///
/// # Errors
/// A line that is none of a transcript.
pub fn parse(text: &str) -> Done<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    for line in text.lines() {
        let answers = match steps.last_mut() {
            Some(Step::Command(_, answers)) => Some(answers),
            _ => None,
        };
        match (line.split_once(' ').unwrap_or((line, "")), answers) {
            (("", ""), _) => {}
            (("==", rest), _) => steps.push(Step::Heading(rest.to_owned())),
            (("#", _), _) => steps.push(Step::Comment(line.to_owned())),
            (("$" | "$$", _), _) => steps.push(Step::Command(line.to_owned(), Vec::new())),
            (("@", rest), _) => steps.push(Step::Action(rest.to_owned())),
            (("=", rest), Some(answers)) => {
                let (code, of) = rest.split_once(' ').unwrap_or((rest, ""));
                answers.push(Answer { of: of.to_owned(), text: format!("= {code}\n") });
            }
            (("", _), Some(answers)) if !answers.is_empty() => {
                let text = answers.last_mut().map(|answer| &mut answer.text);
                text.into_iter().for_each(|text| text.push_str(&format!("{line}\n")));
            }
            _ => return Err(Failure::new(format!("no line of a transcript: {line}"))),
        }
    }
    Ok(steps)
}

/// Plays a transcript: runs its commands, `act` its actions. `session` are the words before those of `$`.
///
/// Returns what it really came to, as a transcript, and how many answers are not as they should be.
///
/// # Errors
/// An action's.
pub fn play(
    steps: &[Step],
    session: &[&str],
    who: &str,
    mut act: impl FnMut(&str) -> Done,
) -> Done<(String, Vec<String>)> {
    let (mut played, mut wrong) = (String::new(), Vec::new());
    let mut heading = "";
    for step in steps {
        // writing to a String cannot fail
        let _ = match step {
            Step::Heading(text) => {
                heading = text;
                writeln!(played, "\n== {text}")
            }
            Step::Comment(text) => writeln!(played, "{text}"),
            Step::Action(text) => {
                act(text)
                    .map_err(|failure| Failure::new(format!("{heading}: @ {text}: {failure}\n{played}")))?;
                writeln!(played, "@ {text}")
            }
            Step::Command(line, answers) => {
                let found = answer(line, session)?;
                let mine = |answer: &&Answer| answer.of.is_empty() || answer.of == who;
                let wanted = answers.iter().find(mine).map_or("nothing is known", |answer| &answer.text);
                if wanted != found {
                    wrong.push(format!("{heading}: {line}\n--- wanted\n{wanted}--- found\n{found}"));
                }
                write!(played, "{line}\n{found}")
            }
        };
    }
    Ok((played, wrong))
}

fn answer(line: &str, session: &[&str]) -> Done<String> {
    let (sign, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut words = vec!["--mode=script"];
    if sign == "$" {
        words.extend(session);
    }
    words.extend(rest.split(' ').filter(|word| !word.is_empty()));
    let output = output("gluster", &words)?;
    let code = output.status.code().map_or("signal".to_owned(), |code| code.to_string());
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let lines = text.lines().map(ordinary).filter(|line| !line.is_empty());
    Ok(lines.fold(format!("= {code}\n"), |all, line| format!("{all}  {line}\n")))
}

/// The line without what differs from run to run: `DATE`, `UUID` and `SECONDS` (since 1970), one blank for many, no
/// rulers.
#[must_use]
pub fn ordinary(line: &str) -> String {
    let mut words: Vec<String> = line.split_whitespace().map(masked).collect();
    while let Some(at) = words.windows(2).position(|pair| pair == ["DAY", "TIME"]) {
        words.splice(at..at + 2, ["DATE".to_owned()]);
    }
    words.retain(|word| !(word.len() > 9 && word.bytes().all(|byte| byte == b'-')));
    words.join(" ")
}

/// The same for one word, which may have others beside it: `<a>2026-01-01`.
fn masked(word: &str) -> String {
    let mut text = String::new();
    let mut rest = word;
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-' || c == ':';
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let length = from.find(|c| !is_part(c)).unwrap_or(from.len());
        let (part, after) = from.split_at(length);
        text.push_str(before);
        let goes_on = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let inside_a_name = goes_on && !part.starts_with(':');
        let is_whole = mask(part) != part;
        match (inside_a_name, is_whole) {
            (true, _) => text.push_str(part),
            (_, true) => text.push_str(mask(part)),
            _ => text.push_str(&part.split(':').map(mask).collect::<Vec<_>>().join(":")),
        }
        rest = after;
    }
    text + rest
}

fn mask(part: &str) -> &str {
    let shape: String = part.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let groups: Vec<usize> = part.split('-').map(str::len).collect();
    match shape.as_str() {
        "0000-00-00" => "DAY",
        "00:00:00" => "TIME",
        "0000000000" => "SECONDS",
        _ if groups == [8, 4, 4, 4, 12] => "UUID",
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, ordinary, parse};

    #[test]
    fn what_differs_from_run_to_run_is_masked() {
        for (line, wanted) in [
            ("lab    pvol   2026-11-23 06:25:45   N/A ", "lab pvol DATE N/A"),
            ("<t>2026-11-23 06:25:45</t>", "<t>DAY TIME</t>"),
            (
                "<s>b897814e-847d-4e94-9312-21fb2914c8b8:ssh://lab::svol:f24878f8-dcc4-42f1-8108-e6f12c5d2043</s>",
                "<s>UUID:ssh://lab::svol:UUID</s>",
            ),
            ("svol:ca6b0e7a-b12c-48a9-a505-d1f35700077b", "svol:UUID"),
            ("<u>1e1cc4b7-d1c2-4a2b-9e52-3f6d8d3f3b11</u>", "<u>UUID</u>"),
            ("checkpoint:1795356663 now", "checkpoint:SECONDS now"),
            ("set to 1795356663", "set to SECONDS"),
            ("---------------", ""),
            ("a-b face", "a-b face"),
        ] {
            assert_eq!(ordinary(line), wanted);
        }
    }

    #[test]
    fn answers_belong_to_their_command() {
        let steps =
            parse("== one\n# why\n$ stop\n= 0 ours\n  a\n  b\n= 1 stock\n\n@ active\n$$ volume list\n")
                .unwrap();
        let Some(Step::Command(line, answers)) = steps.get(2) else { panic!("{steps:?}") };
        assert_eq!((line.as_str(), answers.len()), ("$ stop", 2));
        assert_eq!((answers[0].of.as_str(), answers[0].text.as_str()), ("ours", "= 0\n  a\n  b\n"));
        assert_eq!((answers[1].of.as_str(), answers[1].text.as_str()), ("stock", "= 1\n"));
        assert_eq!(steps.len(), 5);
        assert!(parse("nonsense").is_err());
        assert!(parse("  lost").is_err());
    }
}
