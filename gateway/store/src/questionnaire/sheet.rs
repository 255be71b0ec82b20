//! One sheet as it is kept.

use pmh_domain::{
    checkup::{
        kind::Subject,
        questionnaire::{Answers, Sheet, newest},
    },
    organization::IssuerId,
};

use crate::{
    Fault, SubjectRef,
    db::Value,
    gateway::{format, parse, short},
    reader::signed,
    sequencer::Tx,
};

/// A sheet and whose it is.
#[derive(Clone, PartialEq, Eq)]
pub struct FilledSheet {
    /// The child, or the parent whose own part it is.
    pub subject: SubjectRef,
    /// The answers as they stand.
    pub sheet: Sheet,
    /// How often it changed; 0: nobody has answered yet.
    pub revision: u32,
    pub(super) place: Place,
}

/// Where a sheet is kept.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) municipality: IssuerId,
    pub(super) resident_key: String,
    pub(super) form: String,
    /// Of the parent's part: birth date of the child it is about. Of the child's: empty.
    pub(super) child_born: String,
}

pmh_domain::withheld!(FilledSheet);

impl Place {
    fn part(&self) -> Subject {
        if self.child_born.is_empty() { Subject::Child } else { Subject::Mother }
    }

    fn values(&self) -> Vec<Value> {
        vec![
            short(self.municipality).into(),
            self.resident_key.as_str().into(),
            self.form.as_str().into(),
            self.child_born.as_str().into(),
        ]
    }
}

impl Tx {
    /// The sheet at a place, or the one that the first answer will open; `None` if there is no such form.
    pub(super) async fn sheet(
        &mut self,
        subject: SubjectRef,
        place: Place,
    ) -> Result<Option<FilledSheet>, Fault> {
        const SHEET: &str = "SELECT body, revision FROM questionnaire_sheet
             WHERE municipality = $1 AND resident_key = $2 AND form = $3 AND child_born = $4";
        if let Some(row) = self.fetch_one(SHEET, place.values()).await? {
            let sheet = parse(&row.text(0)?, "questionnaire_sheet")?;
            let revision = u32::try_from(row.int(1)?)
                .map_err(|_| Fault::Inconsistent { table: "questionnaire_sheet", column: "revision" })?;
            return Ok(Some(FilledSheet { subject, sheet, revision, place }));
        }
        let Some((version, _)) = newest(&place.form) else { return Ok(None) };
        let earlier = self.earlier_answers(subject, &place).await?;
        let sheet = Sheet::open(&place.form, version, place.part(), &earlier);
        Ok(sheet.map(|sheet| FilledSheet { subject, sheet, revision: 0, place }))
    }

    /// Answers of the person's record and of earlier sheets, the latest last. Another municipality's are not this
    /// one's to show.
    async fn earlier_answers(&mut self, subject: SubjectRef, place: &Place) -> Result<Vec<Answers>, Fault> {
        const SHEETS: &str = "SELECT body FROM questionnaire_sheet
             WHERE municipality = $1 AND resident_key = $2 AND child_born = $3 ORDER BY entry_idx";
        if place.part() == Subject::Mother {
            return Ok(Vec::new());
        }
        let municipality = short(place.municipality);
        let records = self
            .person_checkups(subject)
            .await?
            .records
            .into_iter()
            .filter(|kept| kept.sender == municipality || !kept.sender.starts_with("municipality:"));
        let mut earlier: Vec<Answers> = records.filter_map(|kept| kept.checkup.questionnaire).collect();
        let whose =
            vec![municipality.into(), place.resident_key.as_str().into(), place.child_born.as_str().into()];
        for row in self.fetch(SHEETS, whose).await? {
            let sheet: Sheet = parse(&row.text(0)?, "questionnaire_sheet")?;
            earlier.push(sheet.answers().clone());
        }
        Ok(earlier)
    }

    /// Writes a sheet that changed.
    pub(super) async fn write_sheet(&mut self, changed: &FilledSheet) -> Result<(), Fault> {
        const PUT: &str = "INSERT INTO questionnaire_sheet
             (municipality, resident_key, form, child_born, revision, body, entry_idx)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (municipality, resident_key, form, child_born) DO UPDATE
             SET revision = excluded.revision, body = excluded.body, entry_idx = excluded.entry_idx";
        let mut values = changed.place.values();
        values.extend([
            i64::from(changed.revision).into(),
            format(&changed.sheet)?.into(),
            signed(self.next_index)?.into(),
        ]);
        self.execute(PUT, values).await.map(drop)
    }
}
