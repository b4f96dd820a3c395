//! Runs one target over many inputs.

use crate::mutate::Mutator;
use crate::targets::Target;
use std::panic::catch_unwind;

/// An input that breaks a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The target.
    pub target: &'static str,
    /// Which input of the attack, from 0.
    pub iteration: u64,
    /// The input.
    pub input: Vec<u8>,
}

/// Whether the target takes the input without a panic. The panic itself is printed as usual.
#[must_use]
pub fn survives(target: &Target, input: &[u8]) -> bool {
    let run = target.run;
    catch_unwind(|| run(input)).is_ok()
}

/// Runs the target over so many mutations of these inputs; stops at the first that breaks it.
///
/// # Errors
/// The input that broke it.
pub fn attack(target: &Target, seed: u64, corpus: Vec<Vec<u8>>, iterations: u64) -> Result<(), Failure> {
    // Each target has inputs of its own, whichever others run before it or beside it.
    let own = target.name.bytes().fold(seed, |mixed, byte| {
        mixed.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(byte))
    });
    let mut mutator = Mutator::new(own, corpus);
    for iteration in 0..iterations {
        let input = mutator.input();
        if !survives(target, &input) {
            return Err(Failure {
                target: target.name,
                iteration,
                input,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragile(input: &[u8]) {
        assert!(!input.starts_with(b"brea\x6b"), "a planted bug");
    }

    const FRAGILE: Target = Target {
        name: "fragile",
        run: fragile,
        seeds: || vec![b"brea*".to_vec(), b"k".to_vec()],
        share: 100,
    };

    #[test]
    fn a_planted_bug_is_found_and_its_input_breaks_the_target_again() {
        let failure = attack(&FRAGILE, 1, (FRAGILE.seeds)(), 100_000).expect_err("the bug is found");
        assert!(!survives(&FRAGILE, &failure.input), "{failure:?}");
        let again = attack(&FRAGILE, 1, (FRAGILE.seeds)(), failure.iteration + 1);
        assert_eq!(again, Err(failure.clone()), "the same seed finds the same");
        assert_eq!(attack(&FRAGILE, 1, (FRAGILE.seeds)(), failure.iteration), Ok(()));
    }
}
