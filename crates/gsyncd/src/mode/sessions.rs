//! `status` without a volume: the directory sessions that this user has here.

use super::print;
use crate::exit::Outcome;
use crate::store::sessions::{list, usual_base};
use gsyncd_core::cli::SessionsArgs;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

/// Prints them: lines, or one JSON array.
///
/// # Errors
/// They cannot be read, or stdout is closed.
pub fn run(args: &SessionsArgs) -> Outcome {
    let base = match &args.state_dir {
        Some(path) => path.clone(),
        None => usual_base()?,
    };
    let sessions = list(&base)?;
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
    if args.json {
        let values: Vec<Value> = sessions.iter().map(|session| session.json(now)).collect();
        return print(&Value::Array(values).to_string());
    }
    if sessions.is_empty() {
        return print(&format!("no sessions in {}", base.display()));
    }
    let zone = TimeZone::system();
    let texts: Vec<String> = sessions.iter().map(|session| session.text(now, &zone)).collect();
    print(&texts.join("\n"))
}
