//! One past dose of a municipality's vaccination register (予防接種台帳).

mod vaccine;
mod word;

use std::fmt;

use jiff::civil::Date;
use pmh_domain::vaccination::{VaccineCode, products};
use serde::Serialize;

use crate::code::Code;
use crate::field::{Field, FileKind};
use crate::intake::Record;
use crate::normalize::list;
use crate::scan::Scan;
use vaccine::Stage;
pub use word::{Programme, Route, Site};

/// A dose as the officer's file states it. Whether it counts is the gateway's to judge.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Dose {
    /// Line in the file, from 1.
    pub line: u64,
    /// The file's own row id, or `line-<n>`.
    pub row_id: String,
    /// 宛名番号.
    pub resident_key: String,
    /// The register's own key of the record, if it has one.
    pub record_key: Option<String>,
    /// 削除フラグ; false when the file has no such column.
    pub deleted: bool,
    /// Our own code of the series, or of the vaccine outside any.
    pub vaccine: VaccineCode,
    /// Number in the series.
    pub dose_number: u8,
    /// 接種年月日.
    pub date: Date,
    /// ロット番号.
    pub lot_number: Option<String>,
    /// 有効期限 of the lot.
    pub expiration_date: Option<Date>,
    /// メーカー.
    pub manufacturer: Option<String>,
    /// 個別医薬品コード.
    pub yj_code: Option<String>,
    /// 接種量 in microlitres.
    pub quantity_ul: Option<u32>,
    /// 接種方法.
    pub route: Option<Route>,
    /// 部位.
    pub site: Option<Site>,
    /// Ten-digit code of who gave it, check digit not looked at.
    pub performer: Option<String>,
    /// 実施区分.
    pub programme: Programme,
}

impl Record for Dose {
    const KIND: FileKind = FileKind::Doses;
    /// Resident and the register's own key, or what stands for it: vaccine, number and day.
    type Key = (String, Option<String>, Option<(VaccineCode, u8, Date)>);

    fn scan(scan: &mut Scan<'_>) -> Option<Self> {
        scan.dose()
    }

    fn row_id(&self) -> &str {
        &self.row_id
    }

    fn version_key(&self) -> Self::Key {
        let said = (self.vaccine.clone(), self.dose_number, self.date);
        (self.resident_key.clone(), self.record_key.clone(), self.record_key.is_none().then_some(said))
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let placed = Self { line: other.line, row_id: other.row_id.clone(), ..self.clone() };
        placed == *other
    }
}

impl Scan<'_> {
    fn dose(&mut self) -> Option<Dose> {
        self.name_row();
        let resident_key = self.required(Field::ResidentKey, Self::key);
        let record_key = self.key(Field::RecordKey);
        let deleted = self.deleted();
        let place = self.place();
        let date = self.required(Field::DoseDate, Self::date);
        self.check_birth(date);
        let lot_number = self.key(Field::LotNumber);
        let expiration_date = self.date(Field::LotExpires);
        let manufacturer = self.text(Field::Manufacturer);
        let yj_code = self.key(Field::YjCode);
        self.check_product(yj_code.as_deref(), place.as_ref().map(|(vaccine, _)| vaccine));
        let quantity_ul = self.parsed(Field::Quantity, word::microlitres);
        let route = self.word(Field::Route, word::route);
        let site = self.word(Field::Site, word::site);
        let performer = self.parsed(Field::Performer, institution);
        let programme = self.required(Field::Programme, |scan, field| scan.word(field, word::programme));
        let (vaccine, dose_number) = place?;
        Some(Dose {
            line: self.raw.line,
            row_id: self.row_id.clone(),
            resident_key: resident_key?,
            record_key,
            deleted: deleted?,
            vaccine,
            dose_number,
            date: date?,
            lot_number,
            expiration_date,
            manufacturer,
            yj_code,
            quantity_ul,
            route,
            site,
            performer,
            programme: programme?,
        })
    }

    /// Vaccine and number together: 「MR」 with 「2期」 is the series MR2.
    fn place(&mut self) -> Option<(VaccineCode, u8)> {
        let vaccine = self.required(Field::Vaccine, |scan, field| scan.word(field, vaccine::named));
        let stage = self.required(Field::DoseNumber, |scan, field| scan.word(field, Stage::read));
        let ((candidates, period), stage) = (vaccine?, stage?);
        let place = vaccine::place(&candidates, period, stage);
        if place.is_none() {
            self.add(Field::DoseNumber, Code::DoseNumberOpen);
        }
        place
    }

    fn check_birth(&mut self, date: Option<Date>) {
        let birth = self.date(Field::BirthDate);
        if date.zip(birth).is_some_and(|(date, birth)| date < birth) {
            self.add(Field::DoseDate, Code::DoseBeforeBirth);
        }
    }

    fn check_product(&mut self, yj_code: Option<&str>, vaccine: Option<&VaccineCode>) {
        let Some((yj_code, vaccine)) = yj_code.zip(vaccine) else { return };
        let known = products().iter().find(|product| product.yj.iter().any(|code| code == yj_code));
        let is_bladder_bcg = BLADDER_BCG.iter().any(|prefix| yj_code.starts_with(prefix));
        if is_bladder_bcg || known.is_some_and(|product| !product.serves(vaccine)) {
            self.add(Field::YjCode, Code::ProductMismatch);
        }
    }
}

/// BCG against bladder cancer, which is no vaccine and looks like one in a list of products.
const BLADDER_BCG: [&str; 2] = ["6391700X", "6391701X"];

fn institution(text: &str) -> Result<String, Code> {
    match list::institutions(text)?.as_slice() {
        [one] => Ok(one.code.clone()),
        _ => Err(Code::ValueUnknown),
    }
}

/// The place alone: the rest is one person's record.
impl fmt::Debug for Dose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dose").field("line", &self.line).finish_non_exhaustive()
    }
}
