//! The one table of exit codes, and the error that carries one (spec: glusterd-interface 1.2, 3.4, 4.10).

use gsyncd_core::cli::UsageError;
use gsyncd_core::conf::ConfigError;
use gsyncd_core::conf::old::BadExpression;
use std::fmt;

/// All went well.
pub const SUCCESS: u8 = 0;
/// Real failures: glusterd 3.7.12 and later take any other code of `--monitor` for success.
pub const FAILURE: u8 = 1;
/// A word that is not in the syntax; also "the pid file is taken", which glusterd takes for success.
pub const USAGE: u8 = 2;
/// A worker was not let in by the other side (`EX_TEMPFAIL`): keys may arrive any moment. For the monitor only.
pub const NOT_LET_IN: u8 = 75;
/// The other end's program could not be run.
pub const EXEC_FAILED: u8 = 127;

/// Why a command ends badly: one line for stderr and the log, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One line; empty when everything has been said.
    pub message: String,
    /// The exit code.
    pub code: u8,
}

/// What a command comes to.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// A failure with code 1.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), code: FAILURE }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Failure {
        Failure { message: error.message, code: error.exit }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure { code: error.exit(), message: error.to_string() }
    }
}

impl From<BadExpression> for Failure {
    fn from(error: BadExpression) -> Failure {
        Failure::new(error.to_string())
    }
}

impl From<gsyncd_sys::Error> for Failure {
    fn from(error: gsyncd_sys::Error) -> Failure {
        Failure::new(error.to_string())
    }
}
