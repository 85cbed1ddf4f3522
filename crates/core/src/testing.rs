//! What the tests of this crate share: the files below `testdata/`.

use std::path::PathBuf;

/// A file below `testdata/`.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// Its bytes.
pub fn testdata(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("testdata/{name}: {error}"))
}

/// The rows of a tab-separated table, without comments.
pub fn rows(name: &str) -> Vec<Vec<String>> {
    let text = String::from_utf8(testdata(name)).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// A column of a row.
pub fn field(row: &[String], column: usize) -> &str {
    row.get(column).map_or("", String::as_str)
}

/// Bytes from hex.
pub fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
