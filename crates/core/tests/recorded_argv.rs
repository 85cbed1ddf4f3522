//! What a real glusterd said is understood.
use gsyncd_core::cli::parse;
use std::ffi::OsString;

#[test]
fn command_lines_of_a_real_glusterd_are_understood() {
    let table = include_str!("../testdata/argv-recorded.txt");
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let (argv, label) = line.split_once(" => ").expect("golden line");
        let words: Vec<OsString> = argv.split(' ').map(|word| word.replace('␣', " ").into()).collect();
        let command = parse(&words).unwrap_or_else(|error| panic!("{line}: {error}")).command;
        assert_eq!(command.label(), label, "{line}");
        if let Some(session) = command.session() {
            let secondary = &session.secondary;
            assert_eq!((session.primary.as_str(), secondary.volume.as_str()), ("pvol", "svol"), "{line}");
        }
    }
}
