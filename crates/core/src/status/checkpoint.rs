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

/// The time that the setting `checkpoint` asks for, in epoch seconds; 0 is none. What is no time is none: the stock
/// worker dies of it.
#[must_use]
pub fn wanted(setting: &str) -> u64 {
    setting.trim().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, wanted};
    use crate::testing::rows;

    fn checkpoint(text: &str) -> Checkpoint {
        let parts: Vec<&str> = text.split(' ').collect();
        let number = |at: usize| parts[at].parse().unwrap();
        Checkpoint { time: number(0), completed: parts[1] == "Yes", completion_time: number(2) }
    }

    /// setting, stored `time completed completion`, stime, now, the result
    #[test]
    fn each_case_of_the_specification() {
        for row in rows("checkpoints.tsv") {
            let number = |at: usize| row[at].parse().unwrap();
            let after = checkpoint(&row[1]).advance(wanted(&row[0]), number(2), number(3));
            assert_eq!(after, checkpoint(&row[4]), "{row:?}");
        }
    }
}
