//! The people, all invented 〔架空〕.

use jiff::ToSpan;

use super::organizations::code::{HACHIOJI, KANAGAWA, MACHIDA, TOKYO};
use super::{Days, Relation, Resident};
use crate::Result;

/// Person, name, sex, age in years, issuers that know the person with their own keys of it.
type Row = (&'static str, &'static str, &'static str, i16, &'static [(&'static str, &'static str)]);

const ROWS: &[Row] = &[
    ("mother", "架空 桜〔架空〕", "female", 33, &[(HACHIOJI, "H-0001")]),
    ("child", "架空 みのり〔架空〕", "female", 3, &[(HACHIOJI, "H-0002"), (TOKYO, "T-0002")]),
    ("lapsed", "架空 昨日〔架空〕", "male", 4, &[(HACHIOJI, "H-0003")]),
    ("not-yet", "架空 明日〔架空〕", "female", 1, &[(HACHIOJI, "H-0004")]),
    ("none", "架空 無〔架空〕", "male", 5, &[(HACHIOJI, "H-0005")]),
    ("not-connected", "架空 遠〔架空〕", "female", 2, &[(MACHIDA, "M-0001")]),
    ("stale", "架空 旧〔架空〕", "male", 6, &[(KANAGAWA, "K-0001")]),
    ("no-consent", "架空 秘〔架空〕", "female", 4, &[(HACHIOJI, "H-0006")]),
    ("renewed", "架空 新〔架空〕", "male", 4, &[(HACHIOJI, "H-0007")]),
    ("grace", "架空 切〔架空〕", "female", 5, &[(HACHIOJI, "H-0008")]),
    ("conflict", "架空 違〔架空〕", "male", 3, &[(HACHIOJI, "H-0009")]),
    ("reimbursed", "架空 償〔架空〕", "female", 2, &[(HACHIOJI, "H-0010")]),
    ("designated", "架空 指〔架空〕", "male", 5, &[(TOKYO, "T-0011")]),
    ("traveller", "架空 旅〔架空〕", "female", 4, &[(HACHIOJI, "H-0012")]),
];

pub(super) fn residents(days: &Days) -> Result<Vec<Resident>> {
    let mut residents = Vec::new();
    for &(person, name, sex, years, keys) in ROWS {
        // A hundred days past the birthday, so that no scenario happens to fall on one.
        let birth_date = days.shift((-years).years().days(-100))?;
        residents.extend(keys.iter().map(|&(issuer, resident_key)| Resident {
            person,
            name,
            issuer,
            resident_key,
            birth_date,
            sex,
        }));
    }
    Ok(residents)
}

pub(super) fn relations() -> Vec<Relation> {
    vec![Relation { issuer: HACHIOJI, guardian_resident_key: "H-0001", child_resident_key: "H-0002" }]
}
