//! Our end of a leg that is to be agreed, while the other party's is not known: an offer's, a quote's, a selection's.

use super::{AgreeError, Agreement, Drawn, Moment};
use kofo_adapter_api::PartyWanted;
use kofo_primitives::{
    Amount, ClaimedAsset, End, Hashlock, HtlcSpec, LegId, LegRef, Party, SwapId, UnixTime,
};

/// One leg before its other party is known.
pub(super) struct OneSided<'a> {
    pub(super) id: LegId,
    pub(super) end: End,
    pub(super) asset: &'a ClaimedAsset,
    pub(super) amount: Amount,
    pub(super) timelock: UnixTime,
    pub(super) pay_to: Option<&'a str>,
}

impl Agreement {
    /// Our end of a leg, and whether its chain would take it from us today.
    pub(super) async fn end(
        &self,
        leg: OneSided<'_>,
        (moment, hashlock): (&Moment, Hashlock),
        drawn: &mut Drawn,
    ) -> Result<Party, AgreeError> {
        let ClaimedAsset { asset, place, depth } = leg.asset;
        let party = self.party((leg.id, leg.end), asset, leg.pay_to, drawn).await?;
        let spec = HtlcSpec {
            asset: asset.clone(),
            amount: leg.amount,
            hashlock,
            timelock: leg.timelock,
            redeemer: party.clone(),
            refunder: party.clone(),
            place: place.clone(),
            depth: *depth,
            end: leg.end,
            nonce: drawn.nonce,
            from_height: moment.heights().get(&asset.chain()).copied().unwrap_or(0),
        };
        self.check_alone(leg.id, spec).await?;
        Ok(party)
    }

    /// Asks the chain about a leg whose other party is not known yet: a party of our own stands in for it.
    async fn check_alone(&self, leg: LegId, mut spec: HtlcSpec) -> Result<(), AgreeError> {
        let adapter = self.adapter(&spec.asset)?;
        let other = match spec.end {
            End::Redeemer => End::Refunder,
            End::Refunder => End::Redeemer,
        };
        let taken = [spec.ours().clone()];
        let wanted = PartyWanted {
            asset: &spec.asset,
            leg,
            end: other,
            nonce: &spec.nonce,
            taken: &taken,
            pay_to: None,
        };
        let stand_in = adapter.party(wanted).await?;
        match other {
            End::Redeemer => spec.redeemer = stand_in,
            End::Refunder => spec.refunder = stand_in,
        }
        adapter
            .check(
                LegRef {
                    swap: SwapId::new([0; 32]),
                    leg,
                },
                &spec,
            )
            .await?;
        Ok(())
    }
}
