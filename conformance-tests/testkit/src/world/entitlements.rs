//! The rights, as their issuers send them.

use jiff::civil::Date;

use super::organizations::code::{
    HACHIOJI, KANAGAWA, PAYER_52_KANAGAWA, PAYER_52_TOKYO, PAYER_88_HACHIOJI, TOKYO, TOKYO_CLINIC,
    TOKYO_PHARMACY,
};
use super::{Copayment, Days, Designated, Entitlement, Resident};
use crate::{Error, Result};

pub(super) fn all(residents: &[Resident], days: &Days) -> Result<Vec<Entitlement>> {
    let begun = days.days(-200)?;
    let child = |key: &str, number: &str| {
        let known = residents.iter().find(|resident| resident.resident_key == key).ok_or(Error::Content)?;
        Ok::<_, Error>(child_scheme(key, number, begun, Days::before_school(known.birth_date)?))
    };
    Ok(vec![
        Entitlement { designated_institutions: designated(), ..chronic(TOKYO, "T-0002", "0000026", days)? },
        child("H-0002", "0000018")?,
        Entitlement { valid_to: days.days(-30)?.to_string(), ..child("H-0003", "0000034")? },
        Entitlement { valid_from: days.days(14)?.to_string(), ..child("H-0004", "0000042")? },
        Entitlement {
            payer_number: PAYER_52_KANAGAWA.to_owned(),
            ..chronic(KANAGAWA, "K-0001", "0000059", days)?
        },
        child("H-0006", "0000067")?,
        child("H-0007", "0000075")?,
        child("H-0008", "0000083")?,
        child("H-0009", "0000091")?,
        Entitlement { always_reimbursement: true, ..child("H-0010", "0000109")? },
        Entitlement { designated_institutions: designated(), ..chronic(TOKYO, "T-0011", "0000117", days)? },
        child("H-0012", "0000125")?,
    ])
}

/// マル乳: nothing to pay in the prefecture, reimbursed outside it.
fn child_scheme(resident_key: &str, recipient_number: &str, from: Date, to: Date) -> Entitlement {
    Entitlement {
        issuer: HACHIOJI,
        certificate_type_id: "88MARUNYU".to_owned(),
        certification_name: "乳幼児医療証（マル乳）".to_owned(),
        law_no: "88".to_owned(),
        payer_number: PAYER_88_HACHIOJI.to_owned(),
        valid_from: from.to_string(),
        valid_to: to.to_string(),
        copayments: vec![Copayment {
            care_type: "ANY",
            unit: "RATE_PERCENT",
            amount: 0,
            per_institution: false,
        }],
        area: "PREFECTURE",
        ..blank(resident_key, recipient_number)
    }
}

/// 小児慢性: two tenths, at most 5,000 yen a month over all institutions.
fn chronic(
    issuer: &'static str,
    resident_key: &str,
    recipient_number: &str,
    days: &Days,
) -> Result<Entitlement> {
    let rule = |unit, amount| Copayment { care_type: "ANY", unit, amount, per_institution: false };
    Ok(Entitlement {
        issuer,
        certificate_type_id: "52SHOUMAN".to_owned(),
        certification_name: "小児慢性特定疾病医療受給者証".to_owned(),
        law_no: "52".to_owned(),
        payer_number: PAYER_52_TOKYO.to_owned(),
        valid_from: days.days(-150)?.to_string(),
        valid_to: days.days(214)?.to_string(),
        income_segment: "一般所得1".to_owned(),
        copayments: vec![rule("RATE_PERCENT", 20), rule("YEN_PER_MONTH", 5_000)],
        area: "ANYWHERE",
        ..blank(resident_key, recipient_number)
    })
}

fn designated() -> Vec<Designated> {
    vec![
        Designated { code: TOKYO_CLINIC, name: "東京慈恵会医科大学附属病院" },
        Designated { code: TOKYO_PHARMACY, name: "都内の指定薬局（名称未収録）" },
    ]
}

fn blank(resident_key: &str, recipient_number: &str) -> Entitlement {
    Entitlement {
        issuer: "",
        row_id: format!("row-{resident_key}"),
        resident_key: resident_key.to_owned(),
        certificate_type_id: String::new(),
        certification_name: String::new(),
        certification_sub_key: String::new(),
        law_no: String::new(),
        payer_number: String::new(),
        recipient_number: recipient_number.to_owned(),
        valid_from: String::new(),
        valid_to: String::new(),
        segment: String::new(),
        income_segment: String::new(),
        copayments: Vec::new(),
        designated_institutions: Vec::new(),
        always_reimbursement: false,
        not_disclosed: false,
        area: "ANYWHERE",
        meal_covered: false,
        history_key: "1".to_owned(),
        deleted: false,
    }
}
