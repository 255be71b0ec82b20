//! The cards: one per thing that can happen at a counter.

use jiff::civil::Date;

use super::{CardState, Days, Expected, Resident, Visit, WorldCard};
use crate::Result;
use crate::card::CardKind::{self, P384, Rsa2048};

const BOTH: &[&str] = &["52", "88-13"];

/// The everyday case; each card says only how it differs.
struct Draft {
    name: &'static str,
    holder: &'static str,
    kind: CardKind,
    state: CardState,
    terminal: &'static str,
    care_type: &'static str,
    subject: &'static str,
    consent: &'static [&'static str],
    expected: Expected,
    scenario_ja: &'static str,
    scenario_en: &'static str,
}

impl Draft {
    /// The holder at the Tokyo clinic, with consent to everything, holding マル乳.
    fn new(name: &'static str, scenario_ja: &'static str, scenario_en: &'static str) -> Self {
        Self {
            name,
            holder: name,
            kind: P384,
            state: CardState::Linked,
            terminal: "tokyo-clinic-1",
            care_type: "OUTPATIENT",
            subject: name,
            consent: BOTH,
            expected: result("88-13", "ELIGIBLE", "APPLY_HERE"),
            scenario_ja,
            scenario_en,
        }
    }
}

fn result(group: &'static str, outcome: &'static str, action: &'static str) -> Expected {
    Expected::Result { group, outcome, action }
}

/// What the issuer's data says.
fn rights() -> Vec<Draft> {
    vec![
        Draft {
            subject: "child",
            expected: result("52", "ELIGIBLE", "APPLY_HERE"),
            ..Draft::new(
                "mother",
                "保護者のカードで三歳の子の受給資格を確認する",
                "A guardian's card opens her three-year-old's rights",
            )
        },
        Draft {
            kind: Rsa2048,
            expected: result("52", "ELIGIBLE", "APPLY_HERE"),
            ..Draft::new(
                "child",
                "子本人のカード。小児慢性とマル乳の両方が有効",
                "The child's own card: a prefectural and a municipal right in force",
            )
        },
        Draft {
            expected: result("88-13", "LAPSED", "ASK_ISSUER"),
            ..Draft::new(
                "lapsed",
                "登録上の資格は三十日前に終了。紙の医療証は有効に見える",
                "The registered right ended 30 days ago; the paper certificate looks valid",
            )
        },
        Draft {
            expected: result("88-13", "NOT_YET_VALID", "COLLECT_SHARE_THEN_REIMBURSE"),
            ..Draft::new("not-yet", "資格は十四日後に始まる", "The right begins in 14 days")
        },
        Draft {
            expected: result("88-13", "NO_ENTITLEMENT", "USE_PAPER"),
            ..Draft::new("none", "住民だが登録された資格がない", "A resident for whom no right is registered")
        },
        Draft {
            expected: result("88-13", "ISSUER_NOT_CONNECTED", "USE_PAPER"),
            ..Draft::new(
                "not-connected",
                "実施機関がこの制度のデータをまだ連携していない",
                "The issuer has never delivered data for the scheme",
            )
        },
        Draft {
            terminal: "kanagawa-clinic-1",
            expected: result("52", "SOURCE_STALE", "USE_PAPER"),
            ..Draft::new(
                "stale",
                "実施機関のデータが五日前から更新されていない",
                "The issuer's data has not been updated for five days",
            )
        },
    ]
}

/// What the card, the patient or the place says, with a right behind it.
fn circumstances() -> Vec<Draft> {
    vec![
        Draft {
            kind: Rsa2048,
            state: CardState::Unknown,
            expected: Expected::State("NOT_LINKED"),
            ..Draft::new(
                "not-linked",
                "有効なカードだが、どの実施機関とも結び付いていない",
                "A valid card that no issuer has linked",
            )
        },
        Draft {
            consent: &[],
            expected: result("88-13", "NOT_CONSENTED", "USE_PAPER"),
            ..Draft::new("no-consent", "患者が提供に同意しない", "The patient does not consent")
        },
        Draft {
            holder: "renewed",
            subject: "renewed",
            kind: Rsa2048,
            ..Draft::new(
                "renewed-old",
                "更新前のカード。更新後の証明書と同じ人",
                "The card before renewal; the same person as after it",
            )
        },
        Draft {
            state: CardState::Follows("renewed-old"),
            ..Draft::new(
                "renewed",
                "更新後の新しいカードでも同じ人として資格が引き継がれる",
                "A renewed card keeps the person and the rights",
            )
        },
        Draft {
            kind: Rsa2048,
            state: CardState::Ended(30),
            expected: result("88-13", "CARD_LIMITED", "USE_PAPER"),
            ..Draft::new(
                "grace",
                "電子証明書の期限が三十日前に切れた（三か月以内）",
                "The card's certificate ended 30 days ago, within the three months of grace",
            )
        },
        Draft {
            expected: Expected::State("IDENTITY_CONFLICT"),
            ..Draft::new(
                "conflict",
                "カルテの生年月日が登録と一致しない",
                "The chart's birth date differs from the register",
            )
        },
        Draft {
            expected: result("88-13", "ELIGIBLE", "COLLECT_SHARE_THEN_REIMBURSE"),
            ..Draft::new("reimbursed", "常に償還払いの資格", "A right that is always reimbursed afterwards")
        },
        Draft {
            terminal: "other-pharmacy-1",
            care_type: "PHARMACY",
            expected: result("52", "ELIGIBLE", "NOT_DESIGNATED_HERE"),
            ..Draft::new(
                "designated",
                "指定されていない薬局で小児慢性の資格を示す",
                "A right with designated institutions at a pharmacy that is not one",
            )
        },
        Draft {
            terminal: "kanagawa-clinic-1",
            expected: result("88-13", "ELIGIBLE", "COLLECT_SHARE_THEN_REIMBURSE"),
            ..Draft::new(
                "traveller",
                "都外の医療機関で都内限りの資格を示す",
                "A right that applies inside the prefecture, shown outside it",
            )
        },
    ]
}

pub(super) fn all(residents: &[Resident], days: &Days) -> Result<Vec<WorldCard>> {
    let stranger = days.days(-365 * 30)?;
    let birth_date = |person: &str| {
        residents.iter().find(|resident| resident.person == person).map_or(stranger, |known| known.birth_date)
    };
    rights()
        .into_iter()
        .chain(circumstances())
        .map(|draft| {
            let chart_birth_date = match draft.expected {
                Expected::State("IDENTITY_CONFLICT") => Some(another_day(birth_date(draft.subject))?),
                _ => None,
            };
            Ok(WorldCard {
                name: draft.name,
                holder: draft.holder,
                birth_date: birth_date(draft.holder),
                kind: draft.kind,
                pin: "1234",
                state: draft.state,
                scenario_ja: draft.scenario_ja,
                scenario_en: draft.scenario_en,
                visit: Visit {
                    terminal: draft.terminal,
                    subject: draft.subject,
                    care_type: draft.care_type,
                    consent: draft.consent,
                    chart_birth_date,
                },
                expected: draft.expected,
            })
        })
        .collect()
}

/// What a receptionist finds in the chart of somebody else.
fn another_day(birth_date: Date) -> Result<Date> {
    birth_date.yesterday().map_err(|_| crate::Error::Date)
}
