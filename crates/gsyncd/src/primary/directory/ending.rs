//! Which failure ends a run how.

use super::Ending;
use super::examine::ExamineError;
use super::first::FirstError;
use super::map::MapError;
use super::say::SayError;
use crate::exit::Failure;
use crate::primary::send::SendError;

impl From<MapError> for Ending {
    fn from(error: MapError) -> Ending {
        Ending::Failed(Failure::new(error.to_string()))
    }
}

impl From<SendError> for Ending {
    fn from(error: SendError) -> Ending {
        match error {
            SendError::Stopped => Ending::Stopped,
            SendError::Lost(_) | SendError::Fatal(_) => Ending::Lost(Failure::new(error.to_string())),
        }
    }
}

impl From<SayError<SendError>> for Ending {
    fn from(error: SayError<SendError>) -> Ending {
        match error {
            SayError::Map(error) => error.into(),
            SayError::Sink(error) => error.into(),
        }
    }
}

impl From<ExamineError> for Ending {
    fn from(error: ExamineError) -> Ending {
        Ending::Failed(explain(&error))
    }
}

impl From<gsyncd_sys::Error> for Ending {
    fn from(error: gsyncd_sys::Error) -> Ending {
        Ending::Failed(error.into())
    }
}

impl From<FirstError> for Ending {
    fn from(error: FirstError) -> Ending {
        match error {
            FirstError::Map(error) => error.into(),
            FirstError::Send(error) => error.into(),
            FirstError::Root(error) => error.into(),
        }
    }
}

/// The failure that an examination ended with.
pub fn explain(error: &ExamineError) -> Failure {
    match error {
        ExamineError::Map(error) => Failure::new(error.to_string()),
        ExamineError::Tree(error) => Failure::new(error.to_string()),
    }
}
