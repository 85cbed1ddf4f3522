//! A checkpoint: "tell me when everything up to this time is on the secondary" (spec: glusterd-interface 8.5).

/// What a brick knows of the session's checkpoint. The initial value is "none".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The time to reach in epoch seconds; 0 while it is not reached or there is none.
    pub time: u64,
    /// Whether it was reached.
    pub completed: bool,
    /// When it was reached, in epoch seconds; 0 when it was not.
    pub completion_time: u64,
}

impl Checkpoint {
    /// As the status file has it.
    #[must_use]
    pub fn completed_text(&self) -> &'static str {
        if self.completed { "Yes" } else { "No" }
    }

    /// The state after the brick's stime reached `stime_seconds` while the session asks for `wanted` (0: nothing).
    /// It is completed now when the result is completed and `self` is not the same.
    #[must_use]
    pub fn advance(self, wanted: u64, stime_seconds: u64, now_seconds: u64) -> Checkpoint {
        let known = if wanted == 0 || wanted != self.time { Checkpoint::default() } else { self };
        if wanted > 0 && wanted <= stime_seconds && !known.completed {
            return Checkpoint { time: wanted, completed: true, completion_time: now_seconds };
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::Checkpoint;

    #[test]
    fn a_checkpoint_completes_once_and_is_forgotten_when_it_changes() {
        let none = Checkpoint::default();
        assert_eq!(none.advance(0, 100, 7), none);
        assert_eq!(none.advance(101, 100, 7), none);
        let done = none.advance(100, 100, 7);
        assert_eq!(done, Checkpoint { time: 100, completed: true, completion_time: 7 });
        assert_eq!(done.advance(100, 200, 9), done);
        assert_eq!(done.advance(300, 200, 9), none);
        assert_eq!(done.advance(150, 200, 9), Checkpoint { time: 150, completed: true, completion_time: 9 });
        assert_eq!(done.advance(0, 200, 9), none);
    }
}
