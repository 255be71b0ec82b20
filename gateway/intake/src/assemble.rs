//! One record of the file into a [`Row`], with a finding for everything that stands in the way.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::code::Code;
use crate::damage;
use crate::decode::Encoding;
use crate::field::{Care, CopaymentKind, Field, FileKind};
use crate::header::{Column, Layout};
use crate::intake::Record;
use crate::mapping::Mapping;
use crate::normalize::{copayment, date, fold_width, list, unwrap_formula, word};
use crate::report::{RowReport, Verdict};
use crate::row::{Copayment, Detail, Row, Scope};
use crate::scan::Scan;
use crate::sheet::RawRow;

/// What all rows of a file share.
pub(crate) struct Assembler<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) mapping: &'a Mapping,
    pub(crate) encoding: Encoding,
    /// The width that most numbers of an identifier column have.
    pub(crate) usual_widths: BTreeMap<Field, usize>,
}

impl Assembler<'_> {
    /// The report of one record, and the row when nothing stands in its way.
    pub(crate) fn row<R: Record>(&self, raw: &RawRow) -> (RowReport, Option<R>) {
        let mut scan = Scan::new(self, raw);
        let row = if scan.is_ragged() {
            scan.add_to_row(Code::RaggedRow);
            None
        } else {
            scan.note_unsent_columns();
            R::scan(&mut scan)
        };
        let report = scan.into_report();
        let row = row.filter(|_| report.verdict == Verdict::Ready);
        (report, row)
    }

    /// The text of a field's cell before any reading, for statistics over a column.
    pub(crate) fn digits_of(&self, raw: &RawRow, field: Field) -> Option<usize> {
        let cell = raw.cells.get(self.layout.position(field)?)?;
        let text = self.encoding.decode(cell)?;
        let text = fold_width(unwrap_formula(&text));
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then_some(text.len())
    }
}

impl Record for Row {
    const KIND: FileKind = FileKind::Entitlements;
    /// Resident, certificate, sub-key and history key.
    type Key = (String, String, Option<String>, String);

    fn scan(scan: &mut Scan<'_>) -> Option<Self> {
        scan.row()
    }

    fn row_id(&self) -> &str {
        &self.row_id
    }

    fn version_key(&self) -> Self::Key {
        let row = self.clone();
        (row.resident_key, row.certificate_type_id, row.sub_key, row.history_key)
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let placed = Self { line: other.line, row_id: other.row_id.clone(), ..self.clone() };
        placed == *other
    }
}

impl Scan<'_> {
    fn row(&mut self) -> Option<Row> {
        self.name_row();
        let resident_key = self.required(Field::ResidentKey, Self::key);
        let certificate_type_id = self.required(Field::CertificateTypeId, Self::key);
        let certificate_name = self.required(Field::CertificateName, Self::text);
        let sub_key = self.key(Field::SubKey);
        let segment = self.key(Field::Segment);
        let law_no = self.key(Field::LawNumber);
        let payer_number = self.payer_number();
        let recipient_number = self.key(Field::RecipientNumber);
        let valid_from = self.required(Field::ValidFrom, Self::date);
        let valid_to = self.date(Field::ValidTo);
        self.check_period(valid_from, valid_to);
        let income_class = self.key(Field::IncomeClass);
        let copayments = self.copayments();
        let additional_conditions = self.parsed(Field::AdditionalConditions, list::conditions);
        let designated_institutions = self.parsed(Field::DesignatedInstitutions, list::institutions);
        let always_reimbursement = self.required(Field::AlwaysReimbursement, Self::flag);
        let not_disclosed = self.required(Field::NotDisclosed, Self::flag);
        let meal_covered = self.flag(Field::MealCovered);
        let area = self.word(Field::Area, word::area);
        let history_key = self.required(Field::HistoryKey, Self::key);
        let deleted = self.deleted();
        let details = self.details();
        let birth_date = self.date(Field::BirthDate);
        let sex = self.word(Field::Sex, word::sex);
        let name = self.text(Field::Name);
        let name_kana = self.text(Field::NameKana);
        Some(Row {
            line: self.raw.line,
            row_id: self.row_id.clone(),
            resident_key: resident_key?,
            certificate_type_id: certificate_type_id?,
            certificate_name: certificate_name?,
            sub_key,
            segment,
            law_no,
            payer_number,
            recipient_number,
            valid_from: valid_from?,
            valid_to,
            income_class,
            copayments,
            additional_conditions: additional_conditions.unwrap_or_default(),
            designated_institutions: designated_institutions.unwrap_or_default(),
            always_reimbursement: always_reimbursement?,
            not_disclosed: not_disclosed?,
            meal_covered,
            area,
            history_key: history_key?,
            deleted: deleted?,
            details,
            birth_date,
            sex,
            name,
            name_kana,
        })
    }

    /// The file's own name for the row, if it has one.
    pub(crate) fn name_row(&mut self) {
        if let Some(row_id) = self.key(Field::RowId) {
            self.row_id = row_id;
        }
    }

    pub(crate) fn required<T>(&mut self, field: Field, read: fn(&mut Self, Field) -> Option<T>) -> Option<T> {
        let before = self.errors();
        let value = read(self, field);
        if value.is_none() && self.errors() == before {
            self.add(field, Code::RequiredBlank);
        }
        value
    }

    pub(crate) fn key(&mut self, field: Field) -> Option<String> {
        let text = self.folded(field)?;
        if let Some(code) = damage::in_key(&text).or_else(|| self.width_error(field, &text)) {
            self.add(field, code);
            return None;
        }
        let usual = self.shared.usual_widths.get(&field);
        if all_digits(&text) && usual.is_some_and(|usual| text.len() < *usual) {
            self.add(field, Code::WidthDiffers);
        }
        Some(text)
    }

    /// Against the width that the issuer declared.
    fn width_error(&self, field: Field, text: &str) -> Option<Code> {
        let declared = *self.shared.mapping.widths.get(&field)?;
        match text.len() {
            _ if !all_digits(text) => Some(Code::NotDigits),
            width if width < declared => Some(Code::LeadingZeroLost),
            width if width > declared => Some(Code::WrongWidth),
            _ => None,
        }
    }

    fn payer_number(&mut self) -> Option<String> {
        let text = self.folded(Field::PayerNumber)?;
        let code = damage::in_number(&text).or_else(|| match text.len() {
            _ if !all_digits(&text) => Some(Code::NotDigits),
            8 => None,
            0..8 => Some(Code::LeadingZeroLost),
            _ => Some(Code::WrongWidth),
        });
        match code {
            Some(code) => {
                self.add(Field::PayerNumber, code);
                None
            }
            None => Some(text),
        }
    }

    pub(crate) fn text(&mut self, field: Field) -> Option<String> {
        self.value(field).map(Cow::into_owned)
    }

    pub(crate) fn date(&mut self, field: Field) -> Option<Date> {
        let style = self.shared.mapping.dates;
        self.parsed(field, |text| date::parse(text, style))
    }

    fn flag(&mut self, field: Field) -> Option<bool> {
        self.word(field, word::flag)
    }

    pub(crate) fn word<T>(&mut self, field: Field, read: fn(&str) -> Option<T>) -> Option<T> {
        self.parsed(field, |text| read(text).ok_or(Code::ValueUnknown))
    }

    pub(crate) fn parsed<T>(&mut self, field: Field, read: impl Fn(&str) -> Result<T, Code>) -> Option<T> {
        let text = self.value(field)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(code) => {
                self.add(field, code);
                None
            }
        }
    }

    /// A file without the column deletes nothing; a blank cell in the column is an open question.
    pub(crate) fn deleted(&mut self) -> Option<bool> {
        let stated = self.shared.layout.position(Field::Deleted).is_some()
            || self.shared.mapping.constants.contains_key(&Field::Deleted);
        if stated { self.required(Field::Deleted, Self::flag) } else { Some(false) }
    }

    pub(crate) fn check_period(&mut self, from: Option<Date>, to: Option<Date>) {
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            self.add(Field::ValidTo, Code::PeriodReversed);
        }
    }

    fn copayments(&mut self) -> Vec<Copayment> {
        let row_care = self.word(Field::CopaymentCare, word::care).unwrap_or(Care::Any);
        let scope = self.word(Field::CopaymentScope, word::scope);
        let constants = self.shared.mapping.constants.keys().copied();
        let fields: Vec<Field> = self.shared.layout.fields().chain(constants).collect();
        let mut rules = Vec::new();
        for field in fields {
            let Field::Copayment { care, kind } = field else { continue };
            let care = if care == Care::Any { row_care } else { care };
            let Some(amount) = self.parsed(field, |text| copayment::amount(text, kind)) else { continue };
            match scope.or(natural_scope(kind)) {
                Some(scope) => rules.push(Copayment { care, kind, amount, scope }),
                None => self.add(field, Code::CopaymentScopeMissing),
            }
        }
        rules
    }

    fn details(&mut self) -> Vec<Detail> {
        let mut details = Vec::new();
        for (position, column) in self.shared.layout.columns.iter().enumerate() {
            let Column::Detail(label) = column else { continue };
            if let Some(value) = self.detail(position) {
                details.push(Detail { label: label.clone(), value });
            }
        }
        details
    }
}

/// A share, a day and a visit happen at one institution. A month does not, and whether its limit is shared is the
/// scheme's to say.
const fn natural_scope(kind: CopaymentKind) -> Option<Scope> {
    match kind {
        CopaymentKind::RatePercent | CopaymentKind::DayYen | CopaymentKind::VisitYen => {
            Some(Scope::PerInstitution)
        }
        CopaymentKind::MonthYen | CopaymentKind::CountPerMonth => None,
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
