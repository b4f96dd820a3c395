//! The maker's first step: an offer.

use super::{AgreeError, Agreement, Drawn};
use crate::clock::now_ms;
use kofo_adapter_api::PartyWanted;
use kofo_primitives::{
    Amount, AssetId, Contact, End, HtlcSpec, LegId, LegRef, MAX_CONTACTS, Mode, Offer, OfferedLeg, Seconds,
    Side, Signed, SwapId,
};

impl Agreement {
    /// Makes an offer of these amounts, records it and only then gives it away.
    pub async fn make(
        &self,
        give: &[(AssetId, Amount)],
        want: &[(AssetId, Amount)],
        expires_in: Seconds,
    ) -> Result<Signed<Offer>, AgreeError> {
        let _alone = self.one_at_a_time.lock().await;
        let chains = || give.iter().chain(want).map(|(asset, _)| asset.chain()).collect();
        self.healthy(chains()).await?;
        let moment = self.moment(chains()).await?;
        let mut drawn = Drawn::new()?;
        let hashlock = self.seed.preimage(&self.network, &drawn.nonce).hashlock();
        let mut legs = [Vec::new(), Vec::new()];
        let sides = [
            (Side::Alpha, End::Refunder, give),
            (Side::Beta, End::Redeemer, want),
        ];
        for ((side, end, amounts), out) in sides.into_iter().zip(&mut legs) {
            for (index, (asset, amount)) in (0..).zip(amounts) {
                let leg = self
                    .offered(LegId { side, index }, end, (asset, *amount), &mut drawn)
                    .await?;
                let spec = HtlcSpec {
                    asset: asset.clone(),
                    amount: *amount,
                    hashlock,
                    timelock: moment.latest.plus(expires_in),
                    redeemer: leg.party.clone(),
                    refunder: leg.party.clone(),
                    place: leg.place.clone(),
                    depth: leg.depth,
                    end,
                    nonce: drawn.nonce,
                    from_height: moment.heights().get(&asset.chain()).copied().unwrap_or(0),
                };
                self.check_alone(LegId { side, index }, spec).await?;
                out.push(leg);
            }
        }
        let [give, want] = legs;
        let offer = Offer {
            version: 1,
            network: self.network.clone(),
            mode: Mode::P2P,
            fee: Amount::ZERO,
            maker: self.key.id(),
            contacts: self.contacts()?,
            nonce: drawn.nonce,
            hashlock,
            give,
            want,
            expires: moment.trading.plus(expires_in),
        };
        let offer = offer.sign(&self.key);
        offer.check()?;
        let recorded = offer.clone();
        self.engine
            .call(move |core| core.driver.offer(recorded, now_ms()))
            .await??;
        Ok(offer)
    }

    async fn offered(
        &self,
        id: LegId,
        end: End,
        (asset, amount): (&AssetId, Amount),
        drawn: &mut Drawn,
    ) -> Result<OfferedLeg, AgreeError> {
        let place = self.adapter(asset)?.place(asset)?;
        let party = self.party((id, end), asset, None, drawn).await?;
        Ok(OfferedLeg {
            asset: asset.clone(),
            amount,
            party,
            place,
            depth: self.depth(asset),
        })
    }

    /// Asks the chain about a leg whose other party is not known yet: a party of our own stands in for it.
    pub(super) async fn check_alone(&self, leg: LegId, mut spec: HtlcSpec) -> Result<(), AgreeError> {
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

    pub(crate) fn contacts(&self) -> Result<Vec<Contact>, AgreeError> {
        let addresses = self.transport.listen_addresses();
        let contacts: Vec<_> = addresses
            .iter()
            .filter_map(|a| Contact::new(a))
            .take(MAX_CONTACTS)
            .collect();
        if contacts.is_empty() {
            Err(AgreeError::NoContact)
        } else {
            Ok(contacts)
        }
    }
}
