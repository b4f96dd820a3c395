//! After the first failed write a handle answers nothing but "poisoned".

use crate::{Error, Result};

/// Whether a write has failed on this handle.
#[derive(Default)]
pub(crate) struct Poison {
    failed: bool,
}

impl Poison {
    pub(crate) fn check(&self) -> Result<()> {
        if self.failed { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// Passes a write's result on and remembers a failure.
    pub(crate) fn after<T>(&mut self, result: Result<T>) -> Result<T> {
        self.failed |= result.is_err();
        result
    }
}
