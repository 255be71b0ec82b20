//! From the world's cards to cards that sign, and to what the directory says about them.

use super::{CardState, World, WorldCard};
use crate::Result;
use crate::card::{CardKind, FakeCard};
use crate::directory::{CredentialDigest, DirectoryItem};
use crate::pki::{CardRequest, DAY, DevPki, Generation};

/// All cards of a world, and the directory's batch that makes them known.
#[derive(Debug)]
pub struct Wallet {
    /// In the order of [`World::cards`].
    pub cards: Vec<IssuedCard>,
    /// Links first, then renewals: what a gateway must be sent before the scenarios hold.
    pub directory_items: Vec<DirectoryItem>,
}

/// A card of the world that signs.
#[derive(Debug)]
pub struct IssuedCard {
    /// [`WorldCard::name`].
    pub name: &'static str,
    /// The card.
    pub card: FakeCard,
    /// What the directory calls it.
    pub digest: CredentialDigest,
}

impl Wallet {
    /// The card of this name.
    pub fn card(&mut self, name: &str) -> Option<&mut FakeCard> {
        self.cards.iter_mut().find(|issued| issued.name == name).map(|issued| &mut issued.card)
    }

    fn digest(&self, name: &str) -> Option<CredentialDigest> {
        self.cards.iter().find(|issued| issued.name == name).map(|issued| issued.digest)
    }
}

impl World {
    /// Makes every card as of `now` (Unix seconds).
    pub fn issue_cards(&self, pki: &DevPki, now: i64) -> Result<Wallet> {
        let cards = self.cards.iter().map(|card| issue(pki, card, now)).collect::<Result<_>>()?;
        let mut wallet = Wallet { cards, directory_items: Vec::new() };
        let links = self.cards.iter().flat_map(|card| self.links(&wallet, card));
        let renewals = self.cards.iter().filter_map(|card| renewal(&wallet, card));
        wallet.directory_items = links.chain(renewals).collect();
        Ok(wallet)
    }

    fn links(&self, wallet: &Wallet, card: &WorldCard) -> Vec<DirectoryItem> {
        let credential = match card.state {
            CardState::Linked | CardState::Ended(_) => wallet.digest(card.name),
            CardState::Unknown | CardState::Follows(_) => None,
        };
        let entries = self.residents_of(card.holder);
        entries
            .filter_map(|resident| {
                Some(DirectoryItem::Resident {
                    credential: credential?,
                    issuer: resident.issuer.to_owned(),
                    resident_key: resident.resident_key.to_owned(),
                })
            })
            .collect()
    }
}

fn renewal(wallet: &Wallet, card: &WorldCard) -> Option<DirectoryItem> {
    match card.state {
        CardState::Follows(old) => {
            Some(DirectoryItem::Renewal { old: wallet.digest(old)?, new: wallet.digest(card.name)? })
        }
        _ => None,
    }
}

fn issue(pki: &DevPki, card: &WorldCard, now: i64) -> Result<IssuedCard> {
    let generation = match card.kind {
        CardKind::Rsa2048 => Generation::Rsa2,
        CardKind::P384 => Generation::P384,
    };
    let sound = CardRequest::new(generation, card.birth_date, now - 30 * DAY);
    let request = match card.state {
        CardState::Ended(days) => sound.issued_so_that_it_ended(now, days * DAY)?,
        _ => sound,
    };
    let issued = FakeCard::issue(pki, &request, card.pin)?;
    let digest = issued.credential_digest(&pki.card_ca_key_id(generation)?)?;
    Ok(IssuedCard { name: card.name, card: issued, digest })
}
