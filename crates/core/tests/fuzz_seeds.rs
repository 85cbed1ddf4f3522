//! Replays the seeds of the fuzz targets, whole and cut at many lengths.

#[path = "../../../fuzz/properties.rs"]
mod properties;

use std::fs;
use std::path::Path;

fn replay(target: &str, property: fn(&[u8])) -> std::io::Result<()> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut count = 0;
    for seed in fs::read_dir(seeds)? {
        let bytes = fs::read(seed?.path())?;
        for end in (0..=bytes.len()).rev().step_by(7) {
            property(&bytes[..end]);
        }
        count += 1;
    }
    assert!(count > 0, "no seeds for {target}");
    Ok(())
}

#[test]
fn raw() -> std::io::Result<()> {
    replay("raw", properties::raw)
}

#[test]
fn text() -> std::io::Result<()> {
    replay("text", properties::text)
}

#[test]
fn htime() -> std::io::Result<()> {
    replay("htime", properties::htime)
}
