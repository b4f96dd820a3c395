//! After the first failed write a handle answers nothing but "poisoned".

use crate::{Error, Result};

/// Whether a write has failed on this handle.
#[derive(Default)]
pub(crate) struct Poison {
    failed: bool,
}

impl Poison {
    /// For reads: refuses after a failure.
    pub(crate) fn check(&self) -> Result<()> {
        if self.failed { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// Before a write. Counts as a failure until [`Poison::leave`], so that a panic in between is one, too.
    pub(crate) fn enter(&mut self) -> Result<()> {
        self.check()?;
        self.failed = true;
        Ok(())
    }

    /// After a write: passes its result on, and lifts the poison if that is good.
    pub(crate) fn leave<T>(&mut self, result: Result<T>) -> Result<T> {
        self.failed = result.is_err();
        result
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_write_that_fails_or_panics_poisons_and_one_that_succeeds_does_not() {
        let mut poison = Poison::default();
        poison.enter().unwrap();
        poison.leave(Ok(())).unwrap();
        assert!(poison.check().is_ok());

        poison.enter().unwrap();
        poison.leave::<()>(Err(Error::Injected { sync: 1 })).unwrap_err();
        assert!(matches!(poison.enter(), Err(Error::Poisoned)));

        let mut poison = Poison::default();
        let write = AssertUnwindSafe(|| {
            poison.enter().unwrap();
            panic!("in the database");
        });
        catch_unwind(write).unwrap_err();
        assert!(matches!(poison.check(), Err(Error::Poisoned)));
    }
}
