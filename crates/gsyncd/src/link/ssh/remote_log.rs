//! The other side's log, which comes over ssh's standard error among whatever else is said there.

/// Logs what the other side's log says (`2026-01-02 03:04:05 WARN message`). False when the line is something else's.
pub(super) fn pass_on(host: &str, line: &[u8]) -> bool {
    const STAMP: &[u8] = b"2026-01-02 03:04:05 ";
    let is_stamp = |(byte, model): (&u8, &u8)| {
        if model.is_ascii_digit() { byte.is_ascii_digit() } else { byte == model }
    };
    let Some((stamp, said)) = line.split_at_checked(STAMP.len()) else { return false };
    if !stamp.iter().zip(STAMP).all(is_stamp) {
        return false;
    }
    let text = |said: &[u8]| String::from_utf8_lossy(said).trim().to_owned();
    if let Some(said) = said.strip_prefix(b"WARN ") {
        tracing::warn!("{host}: {}", text(said));
        return true;
    }
    if let Some(said) = said.strip_prefix(b"ERROR ") {
        tracing::error!("{host}: {}", text(said));
        return true;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::pass_on;

    #[test]
    fn only_lines_of_our_log_are_passed_on() {
        for (line, want) in [
            (&b"2026-11-23 03:04:05 WARN 3 files were moved aside"[..], true),
            (b"2026-11-23 03:04:05 ERROR x\xff", true),
            (b"2026-11-23 03:04:05 INFO x", false),
            (b"bash: gsyncd: command not found", false),
            (b"20261123 030405     WARN x", false),
            (b"", false),
        ] {
            assert_eq!(pass_on("vault", line), want, "{}", line.escape_ascii());
        }
    }
}
