//! What a chain's own proof must show, as people write it: `bip122:…=0x1703ffff:6`.

use kofo_clearance::ProofRule;
use kofo_primitives::ChainId;

/// One such rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProofBy(pub(crate) ProofRule);

impl std::str::FromStr for ProofBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected CHAIN=TARGET:DEPTH such as bip122:…=0x1703ffff:6, got {text:?}");
        let (chain, rule) = text.split_once('=').ok_or_else(wrong)?;
        let (target, depth) = rule.split_once(':').ok_or_else(wrong)?;
        let target = target.strip_prefix("0x").ok_or_else(wrong)?;
        Ok(Self(ProofRule {
            chain: ChainId::new(chain).map_err(|e| e.to_string())?,
            easiest: u32::from_str_radix(target, 16).map_err(|_| wrong())?,
            depth: depth.parse().ok().filter(|depth| *depth > 0).ok_or_else(wrong)?,
        }))
    }
}
