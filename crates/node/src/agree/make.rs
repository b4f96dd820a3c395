//! The maker's first step: an offer.

use super::one_sided::OneSided;
use super::{AgreeError, Agreement, Drawn};
use crate::clock::now_ms;
use crate::market::Settles;
use kofo_primitives::{
    Amount, AssetId, Contact, End, LegId, MAX_CONTACTS, Mode, Offer, OfferedLeg, Role, Seconds, Side, Signed,
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
        let hashlock = self.signer.hashlock(&self.network, &drawn.nonce).await?;
        let mut legs = [Vec::new(), Vec::new()];
        let sides = [
            (Side::Alpha, End::Refunder, give),
            (Side::Beta, End::Redeemer, want),
        ];
        for ((side, end, amounts), out) in sides.into_iter().zip(&mut legs) {
            for (index, (asset, amount)) in (0..).zip(amounts) {
                self.dared(Role::Initiator, asset, *amount)?;
                let leg = self.claimed(asset)?;
                let one_sided = OneSided {
                    id: LegId { side, index },
                    end,
                    asset: &leg,
                    amount: *amount,
                    timelock: moment.latest.plus(expires_in),
                    pay_to: None,
                };
                let party = self.end(one_sided, (&moment, hashlock), &mut drawn).await?;
                out.push(OfferedLeg {
                    asset: leg.asset,
                    amount: *amount,
                    party,
                    place: leg.place,
                    depth: leg.depth,
                });
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
