//! The steps of one transfer that wait for its thread, bounded in bytes.

use super::Step;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many bytes wait at most (one step may exceed it).
const LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// What a step takes beside its bytes.
const STEP_BYTES: usize = 64;

/// A bounded queue of steps with one reader and one writer.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    steps: VecDeque<Step>,
    bytes: usize,
    abandoned: bool,
    over: bool,
}

fn cost(step: &Step) -> usize {
    STEP_BYTES + if let Step::Data { bytes, .. } = step { bytes.len() } else { 0 }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room. What comes after the reader's end is dropped.
    pub(super) fn push(&self, step: Step) {
        let mut state = self.lock();
        while state.bytes >= LIMIT_BYTES && !state.over {
            state = self.wait(state);
        }
        if !state.over {
            state.bytes += cost(&step);
            state.steps.push_back(step);
            self.changed.notify_all();
        }
    }

    /// Waits for a step; None when the transfer was given up.
    pub(super) fn pop(&self) -> Option<Step> {
        let mut state = self.lock();
        loop {
            if state.abandoned {
                return None;
            }
            if let Some(step) = state.steps.pop_front() {
                state.bytes = state.bytes.saturating_sub(cost(&step));
                self.changed.notify_all();
                return Some(step);
            }
            state = self.wait(state);
        }
    }

    /// The writer gives up.
    pub(super) fn abandon(&self) {
        self.lock().abandoned = true;
        self.changed.notify_all();
    }

    /// The reader is done; nothing is taken any more.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.over = true;
        state.steps.clear();
        state.bytes = 0;
        self.changed.notify_all();
    }

    /// Whether the reader is done.
    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }
}
