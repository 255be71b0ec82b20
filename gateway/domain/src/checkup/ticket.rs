//! Tickets (受診券・補助券): an entitlement to one examination, consumed once.
//!
//! A ticket binds its municipality to pay up to a cap at institutions of its
//! contract area. Outside, the family pays and claims a capped refund. How many
//! more than the standard fourteen a long or multiple pregnancy gets is each
//! municipality's own rule; there is no national one, so without a rule there
//! is no extra ticket.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::kind::CheckupKind;
use crate::codes::{MunicipalityCode, PrefectureCode};
use crate::entitlement::Area;
use crate::organization::IssuerId;
use crate::time::DateRange;

/// Pregnancy visits that a municipality pays for at least (妊婦に対する健康診査に
/// ついての望ましい基準, 平成27年厚生労働省告示226号: about 14).
pub const STANDARD_PREGNANCY_VISITS: u8 = 14;

/// One ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Who issued it and pays.
    pub issuer: IssuerId,
    /// Number as printed, unique inside the issuer.
    pub number: String,
    /// For which kind of checkup.
    pub kind: CheckupKind,
    /// For which part of it.
    pub part: TicketPart,
    /// Most that the issuer pays, whole yen.
    pub cap_yen: u32,
    /// Days on which it may be used.
    pub window: DateRange,
    /// Where it may be used.
    pub area: Area,
    /// Whether it has been used.
    pub state: TicketState,
}

/// Which part of a checkup a ticket pays for; the set of one printed booklet
/// (14 basic, 4 ultrasound, blood, blood count, GBS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketPart {
    /// The examination itself.
    Basic,
    /// 超音波検査.
    Ultrasound,
    /// 血液検査.
    Blood,
    /// 血算.
    BloodCount,
    /// GBS.
    Gbs,
}

/// Whether a ticket has been used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TicketState {
    /// It can be used.
    Issued,
    /// It was.
    Used(Use),
    /// Its issuer took it back: moved away, reissued.
    Void {
        /// Since when.
        on: Date,
    },
}

/// One use of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// The record that it pays for, which also makes a repeat recognisable.
    pub record_id: String,
    /// Day of the checkup.
    pub date: Date,
    /// Kind of the checkup.
    pub kind: CheckupKind,
    /// Where it took place.
    pub place: Place,
    /// The whole fee, whole yen.
    pub fee_yen: u32,
}

/// Where a checkup takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Prefecture of the institution.
    pub prefecture: PrefectureCode,
    /// Its municipality, if registered.
    pub municipality: Option<MunicipalityCode>,
}

/// A ticket after it was used, and who pays what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumed {
    /// The ticket as it is now.
    pub ticket: Ticket,
    /// Whether this call used it or repeats one that did.
    pub first: Repeat,
    /// The issuer's share, whole yen.
    pub issuer_yen: u32,
    /// The family's share, whole yen.
    pub family_yen: u32,
}

/// Whether a use is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// This use is new.
    First,
    /// The same use was accepted before.
    Again,
}

/// Why a ticket cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TicketRefusal {
    /// Another record used it.
    #[error("the ticket has been used")]
    Used,
    /// The same record used it with other facts.
    #[error("the ticket was used for this record with another day, kind, place or fee")]
    OtherFacts,
    /// Taken back.
    #[error("the ticket is void")]
    Void,
    /// For another kind of checkup.
    #[error("the ticket is for another kind of checkup")]
    OtherKind,
    /// Outside its days.
    #[error("the ticket is not valid on this day")]
    OutsideWindow,
    /// Outside the contract area: the family pays and claims a refund.
    #[error("outside the contract area: the family pays and claims a refund")]
    OutsideArea,
    /// Whether it is inside cannot be told, since the institution's
    /// municipality is not registered.
    #[error("the institution's municipality is not registered")]
    AreaUnknown,
}

impl TicketRefusal {
    /// What the counter reads, Japanese and English.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Used => ("この受診券は使用済みです。", "The ticket has been used."),
            Self::OtherFacts => (
                "この受診に、日付・種別・場所・金額の異なる使用が登録されています。取り消してからやり直してください。",
                "The ticket was used for this visit with another day, kind, place or fee; release it first.",
            ),
            Self::Void => (
                "この受診券は無効です。発行した市区町村へお尋ねください。",
                "The ticket is void; ask its municipality.",
            ),
            Self::OtherKind => ("別の種別の健診の受診券です。", "The ticket is for another kind of checkup."),
            Self::OutsideWindow => ("有効期間外の受診券です。", "The ticket is not valid on this day."),
            Self::OutsideArea => (
                "契約区域外です。全額をお支払いいただき、発行した市区町村へ償還払いを申請してください。",
                "Outside the contract area: the family pays all and claims a refund from the issuer.",
            ),
            Self::AreaUnknown => (
                "契約区域内か確認できません。医療機関の所在市区町村を指定してください。",
                "Say in which municipality the institution is; the contract area cannot be told.",
            ),
        }
    }
}

impl Ticket {
    /// Uses it. The same use again gives the same answer. Errors: as named.
    pub fn consume(&self, wanted: &Use) -> Result<Consumed, TicketRefusal> {
        let first = match &self.state {
            TicketState::Used(used) if used == wanted => Repeat::Again,
            TicketState::Used(used) if used.record_id == wanted.record_id => {
                return Err(TicketRefusal::OtherFacts);
            }
            TicketState::Used(_) => return Err(TicketRefusal::Used),
            TicketState::Void { .. } => return Err(TicketRefusal::Void),
            TicketState::Issued => Repeat::First,
        };
        if first == Repeat::First {
            self.check(wanted)?;
        }
        let issuer_yen = wanted.fee_yen.min(self.cap_yen);
        Ok(Consumed {
            ticket: Self { state: TicketState::Used(wanted.clone()), ..self.clone() },
            first,
            issuer_yen,
            family_yen: wanted.fee_yen - issuer_yen,
        })
    }

    /// Gives it back after its record was withdrawn. A ticket that another
    /// record used, or none, stays as it is.
    #[must_use]
    pub fn release(&self, record_id: &str) -> Self {
        let state = match &self.state {
            TicketState::Used(used) if used.record_id == record_id => TicketState::Issued,
            other => other.clone(),
        };
        Self { state, ..self.clone() }
    }

    /// Takes it back. Errors: it has been used.
    pub fn void(&self, on: Date) -> Result<Self, TicketRefusal> {
        match self.state {
            TicketState::Used(_) => Err(TicketRefusal::Used),
            TicketState::Void { .. } => Ok(self.clone()),
            TicketState::Issued => Ok(Self { state: TicketState::Void { on }, ..self.clone() }),
        }
    }

    fn check(&self, wanted: &Use) -> Result<(), TicketRefusal> {
        if wanted.kind != self.kind {
            return Err(TicketRefusal::OtherKind);
        }
        if !self.window.contains(wanted.date) {
            return Err(TicketRefusal::OutsideWindow);
        }
        let is_in_prefecture = wanted.place.prefecture == self.issuer.prefecture();
        match (self.area, wanted.place.municipality) {
            (Area::Anywhere, _) => Ok(()),
            _ if !is_in_prefecture => Err(TicketRefusal::OutsideArea),
            (Area::Prefecture, _) => Ok(()),
            (Area::Municipality, None) => Err(TicketRefusal::AreaUnknown),
            (Area::Municipality, Some(place)) if place == self.issuer.code() => Ok(()),
            (Area::Municipality, Some(_)) => Err(TicketRefusal::OutsideArea),
        }
    }
}

/// How many extra basic tickets a municipality gives, as dated data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraRule {
    /// Whose rule.
    pub issuer: IssuerId,
    /// Days of issue on which it holds.
    pub window: DateRange,
    /// For a pregnancy of one child.
    pub singleton: u8,
    /// For twins and more.
    pub multiple: u8,
}

/// How many pregnancy tickets may still be issued on a day, given how many
/// were: the standard number and the issuer's extra ones.
pub fn issuable(rules: &[ExtraRule], issuer: IssuerId, day: Date, children: u8, given: u8) -> u8 {
    let in_force = rules.iter().filter(|rule| rule.issuer == issuer && rule.window.contains(day));
    let of_pregnancy = |rule: &ExtraRule| if children > 1 { rule.multiple } else { rule.singleton };
    let extra = in_force.map(of_pregnancy).max().unwrap_or_default();
    STANDARD_PREGNANCY_VISITS.saturating_add(extra).saturating_sub(given)
}
