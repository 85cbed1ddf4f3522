//! A panic is a line of the log: a daemon's stderr is closed, and the message of its end must not be lost.

use std::panic::{self, PanicHookInfo};

/// From now on every panic of the process is logged as an error, before what was done with it till now.
pub(super) fn log_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        tell(info);
        before(info);
    }));
}

fn tell(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(thread, place, "panic: {}", info.payload_as_str().unwrap_or("of no text"));
}

#[cfg(test)]
mod tests {
    use crate::obs::log::{Target, start};
    use gsyncd_core::conf::Generation;
    use std::fs;
    use std::thread::Builder;
    use tracing::level_filters::LevelFilter;

    #[test]
    fn a_panic_is_logged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gsyncd.log");
        start(Target {
            file: Some(path.clone()),
            level: LevelFilter::ERROR,
            label: "monitor".to_owned(),
            generation: Generation::Secondary,
        });
        let broken = Builder::new().name("sender".to_owned()).spawn(|| panic!("two\nlines {}", 7));
        assert!(broken.unwrap().join().is_err());
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("] E [panic(monitor):"), "{text}");
        let said = "panic: two\\nlines 7 [{thread=sender}, {place=crates/gsyncd/src/obs/log/panic.rs:";
        assert!(text.contains(said), "{text}");
    }
}
