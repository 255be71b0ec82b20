//! Parts of a checkup: what belongs to whose record, and what a viewer sees.

use super::Checkup;
use crate::checkup::item;
use crate::checkup::kind::{CheckupKind, Subject};
use crate::checkup::visibility::{ItemClass, Viewer};
use crate::handoff::Category;

impl Checkup {
    /// The part that belongs to the mother's or the child's record; `None` if
    /// there is none. A child's checkup with answers about the mother has two.
    pub fn part(&self, subject: Subject) -> Option<Self> {
        let kind = self.kind.subject();
        self.kept(subject == kind, |class| class.record(kind) == subject)
    }

    /// What a viewer sees of it; `None` if nothing.
    pub fn seen_by(&self, viewer: Viewer) -> Option<Self> {
        let kind = self.kind.subject();
        self.kept(viewer.opens(kind), |class| viewer.sees(class) && viewer.opens(class.record(kind)))
    }

    /// What a category of a handoff shares of this record; `None` if it is none of that category. A checkup's scores are
    /// shared as her mind alone, never along with her body.
    pub fn seen_under(&self, category: Category) -> Option<Self> {
        let is_mothers = self.kind.subject() == Subject::Mother;
        match category {
            Category::PregnancyCheckups if self.kind == CheckupKind::Pregnancy => {
                self.kept(true, |class| class == ItemClass::MotherBody)
            }
            Category::Delivery if self.kind == CheckupKind::Delivery => {
                self.kept(true, |class| matches!(class, ItemClass::MotherBody | ItemClass::Birth))
            }
            Category::MotherMind if is_mothers => self.kept(false, |class| class == ItemClass::MotherMind),
            Category::ChildCheckups if !is_mothers => self.kept(true, |class| {
                matches!(class, ItemClass::Birth | ItemClass::ChildBody | ItemClass::ChildDevelopment)
            }),
            _ => None,
        }
    }

    /// The record with the classes that are kept. The judgement, the
    /// gestational age and the pregnancy are about whom the checkup is about.
    fn kept(&self, is_subjects: bool, keeps: impl Fn(ItemClass) -> bool) -> Option<Self> {
        let mut part = self.clone();
        // A code that the table no longer knows is treated as narrowly as can be.
        let class = |code: &str| item::item(code).map_or(ItemClass::HomeEnvironment, |item| item.class);
        part.items.retain(|code, _| keeps(class(code)));
        if !keeps(ItemClass::MotherMind) {
            part.scores.clear();
        }
        part.questionnaire = part.questionnaire.and_then(|mut sheet| {
            let classes: Vec<_> = sheet.answers.keys().map(|id| (id.clone(), sheet.class(id))).collect();
            for (id, _) in classes.iter().filter(|(_, class)| !keeps(*class)) {
                sheet.answers.remove(id);
            }
            (!sheet.answers.is_empty()).then_some(sheet)
        });
        if !keeps(ItemClass::MotherBody) {
            part.mother_key = None;
        }
        if !is_subjects {
            part.gestation = None;
            part.disposition = None;
            part.own_code = None;
            part.detailed_exam_on = None;
        }
        let has_content = !part.items.is_empty() || !part.scores.is_empty() || part.questionnaire.is_some();
        (is_subjects || has_content).then_some(part)
    }
}
