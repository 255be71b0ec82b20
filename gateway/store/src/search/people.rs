//! Entries about one person.

use super::{Candidate, Filter, Hits, READ_A_PAGE, Span, count};
use crate::{Fault, Reader, SubjectRef, reader::signed};

impl Reader {
    /// Entries about any of these references, which are one person, as far as they fit.
    pub async fn search_people(
        &self,
        people: &[SubjectRef],
        filter: &Filter,
        span: &Span<'_>,
    ) -> Result<Hits, Fault> {
        let marks = filter.marks(&self.keys);
        let mut rows = Vec::new();
        for person in people {
            rows.extend(self.rows_about(person, span).await?);
        }
        rows.sort_unstable_by_key(|row| row.index);
        // Where one reference had more, only the common beginning is complete.
        let is_last = rows.len() < READ_A_PAGE;
        rows.truncate(READ_A_PAGE);
        let last_read = rows.last().map_or(span.from, |row| row.index + 1);
        let mut hits = Hits { next: span.from, ..Hits::default() };
        hits.take(filter, span, self.bearing(&marks, rows).await?)?;
        if hits.entries.len() < span.limit {
            hits.next = if is_last { span.end } else { last_read };
        }
        Ok(hits)
    }

    async fn rows_about(&self, person: &SubjectRef, span: &Span<'_>) -> Result<Vec<Candidate>, Fault> {
        let rows = self
            .fetch(
                "SELECT e.idx, e.leaf, p.key_id, p.parts, k.wrapped_key FROM subject_ix x
                 JOIN log_entry e ON e.idx = x.idx
                 LEFT JOIN audit_part p ON p.idx = e.idx
                 LEFT JOIN subject_key k ON k.key_id = p.key_id
                 WHERE x.subject_tag = $1 AND x.idx >= $2 AND x.idx < $3 ORDER BY x.idx LIMIT $4",
                vec![
                    self.keys.subject_tag(person).into(),
                    signed(span.from)?.into(),
                    signed(span.end)?.into(),
                    count(READ_A_PAGE).into(),
                ],
            )
            .await?;
        rows.iter().map(Candidate::read).collect()
    }
}
