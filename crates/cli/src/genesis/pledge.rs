//! What an account has from the beginning, as people write it: `KEY=100kofo`, `KEY=500kofo:provider`.

use kofo_primitives::NodeId;

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purse {
    /// At the account's disposal.
    Free,
    /// Its bond as a provider.
    Provider,
    /// Its bond as a relay.
    Relay,
}

/// One such balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pledge {
    /// Whose.
    pub(crate) account: NodeId,
    /// How much, with its asset.
    pub(crate) amount: String,
    /// Where.
    pub(crate) purse: Purse,
}

impl std::str::FromStr for Pledge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("expected KEY=AMOUNT or KEY=AMOUNT:provider or KEY=AMOUNT:relay, got {text:?}");
        let (account, rest) = text.split_once('=').ok_or_else(wrong)?;
        let (amount, purse) = match rest.split_once(':') {
            None => (rest, Purse::Free),
            Some((amount, "provider")) => (amount, Purse::Provider),
            Some((amount, "relay")) => (amount, Purse::Relay),
            Some(_) => return Err(wrong()),
        };
        let account = crate::args::account(account).map_err(|why| format!("{why} before ="))?;
        let amount = amount.to_owned();
        Ok(Self {
            account,
            amount,
            purse,
        })
    }
}

impl std::fmt::Display for Pledge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let purse = match self.purse {
            Purse::Free => "",
            Purse::Provider => ":provider",
            Purse::Relay => ":relay",
        };
        write!(f, "{}={}{purse}", self.account, self.amount)
    }
}
