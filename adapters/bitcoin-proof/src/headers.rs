//! A chain of headers, each with the work in it that it claims.

use bitcoin::block::Header;
use bitcoin::{CompactTarget, Target};
use kofo_clearance::ProofRule;

use crate::flaw::Flaw;

/// Whether so many headers build on each other and cost what the rule asks.
pub(crate) fn check(headers: &[Header], rule: &ProofRule) -> Result<(), Flaw> {
    let want = rule.depth.max(1);
    if !usize::try_from(want).is_ok_and(|want| headers.len() >= want) {
        return Err(Flaw::Shallow {
            want,
            got: headers.len(),
        });
    }
    let mut below = None;
    for header in headers {
        check_work(header, CompactTarget::from_consensus(rule.easiest))?;
        let block = header.block_hash();
        if let Some(below) = below.filter(|below| header.prev_blockhash != *below) {
            return Err(Flaw::Link { block, below });
        }
        below = Some(block);
    }
    Ok(())
}

fn check_work(header: &Header, easiest: CompactTarget) -> Result<(), Flaw> {
    let (block, bits, target) = (header.block_hash(), header.bits, header.target());
    // Other compact forms of a target overflow, are negative, or are read differently by different programs.
    let canonical = target.to_compact_lossy() == bits;
    if !canonical || target > Target::from_compact(easiest) {
        return Err(Flaw::Easy { block, bits, easiest });
    }
    if !target.is_met_by(block) {
        return Err(Flaw::Work { block });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
