//! Config and status files of any bytes, of every generation: no panic, and what comes out can be worked with.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test: helpers outside of test functions may fail too"
)]

mod any;

use any::{any_bytes, brick_status, config_file, monitor_status};
use gsyncd_core::cli::Session;
use gsyncd_core::conf::old::upgrade::{Places, Release, upgrade};
use gsyncd_core::conf::old::{Peers, Sources, flatten, settings as old_settings};
use gsyncd_core::conf::options::{Kind, OPTIONS};
use gsyncd_core::conf::upgrade::{checkpoint, from_old, translate};
use gsyncd_core::conf::{Document, Facts, Generation, Settings, Table};
use gsyncd_core::status::BrickStatus;
use gsyncd_core::status::display::{Situation, rows};
use gsyncd_core::url::Secondary;
use jiff::tz::TimeZone;
use proptest::prelude::{any, proptest};
use proptest::sample::select;
use proptest::test_runner::Config;

const PLACES: Places<'_> = Places { sessions: "/var/lib/glusterd/geo-replication", data: "/var" };

fn session() -> Session {
    Session { primary: "pvol".to_owned(), secondary: Secondary::parse("lab::svol").unwrap() }
}

/// Each option with a default has a value of its kind, and paths are absolute.
fn are_sound(settings: &Settings) {
    for option in OPTIONS.iter().filter(|option| option.default.is_some()) {
        let value = settings.get(option.name);
        let value = value.unwrap_or_else(|| panic!("{} has no value", option.name));
        match option.kind {
            Kind::Path => assert!(value.starts_with('/'), "{}: {value:?}", option.name),
            Kind::Int => assert!(value.trim().parse::<i64>().is_ok(), "{}: {value:?}", option.name),
            Kind::Bool => assert!(["true", "false"].contains(&value.to_ascii_lowercase().as_str())),
            Kind::Text => {}
        }
    }
}

fn old_way(bytes: &[u8], facts: &Facts) {
    for release in [Release::Early, Release::Plain, Release::Named] {
        let mut document = Document::parse_old(bytes);
        upgrade(&mut document, release, false, PLACES);
        assert!(!upgrade(&mut document, release, false, PLACES), "an upgrade that does not end");
        let peers = Peers::of(&session(), |_| None);
        let sources = Sources { peers: &peers, default: &|_| None, given: &|_| None };
        if let Ok(map) = flatten::flatten(&document, &sources) {
            are_sound(&old_settings::settings(&Table::of(Generation::Seed), &map, facts));
        }
    }
}

proptest! {
    #![proptest_config(Config::with_cases(2000))]

    #[test]
    fn any_config_file(
        bytes in config_file(),
        installed in any_bytes(60),
        generation in select(Generation::ALL.to_vec())
    ) {
        let facts = Facts::of(&session());
        let table = Table::with_template(generation, &Document::parse(&installed));
        are_sound(&Settings::new(&table, &Document::parse(&bytes), &facts));
        let _checkpoint = checkpoint(&bytes);
        if let Some(document) = from_old(&bytes, &session(), generation) {
            are_sound(&Settings::new(&table, &document, &facts));
        }
        let mut document = Document::parse(&bytes);
        translate(&mut document, generation);
        assert!(!translate(&mut document, generation), "a translation that does not end");
        old_way(&bytes, &facts);
    }

    /// glusterd reads line by line, into buffers of 255 bytes (spec: glusterd-interface 2.6).
    #[test]
    fn any_status_file(
        brick in brick_status(),
        monitor in monitor_status(),
        is_running in any::<bool>(),
        checkpoint in any::<u64>(),
        generation in select(Generation::ALL.to_vec())
    ) {
        let situation = Situation {
            brick: &BrickStatus::parse(&brick),
            monitor: &String::from_utf8_lossy(&monitor),
            is_running,
            checkpoint,
            zone: &TimeZone::UTC,
            generation,
        };
        for (key, value) in rows(&situation) {
            assert!(value.len() < 255 && !value.contains(['\n', '\r', '\0']), "{key}: {value:?}");
        }
    }
}
