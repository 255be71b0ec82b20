//! Words of duties, categories, reasons and states.

use pmh_proto::handoff::{HandoffCareKind, HandoffCategory, HandoffDeclineReason, HandoffDuty, HandoffState};

pub(super) fn state_ja(state: HandoffState) -> &'static str {
    match state {
        HandoffState::Unspecified => "不明",
        HandoffState::Offered => "提案中",
        HandoffState::Accepted => "受諾済み",
        HandoffState::Active => "実施中",
        HandoffState::Returned => "返却済み",
        HandoffState::Closed => "終了",
        HandoffState::Declined => "辞退",
        HandoffState::Withdrawn => "取消",
        HandoffState::Expired => "期限切れ",
    }
}

pub(super) fn state_en(state: HandoffState) -> &'static str {
    match state {
        HandoffState::Unspecified => "unknown",
        HandoffState::Offered => "offered",
        HandoffState::Accepted => "accepted",
        HandoffState::Active => "active",
        HandoffState::Returned => "returned",
        HandoffState::Closed => "closed",
        HandoffState::Declined => "declined",
        HandoffState::Withdrawn => "withdrawn",
        HandoffState::Expired => "expired",
    }
}

pub(super) fn duty(text: &str) -> Result<HandoffDuty, String> {
    let name = format!("HANDOFF_DUTY_{}", text.to_ascii_uppercase());
    HandoffDuty::from_str_name(&name).ok_or_else(|| "no such duty".to_owned())
}

pub(super) fn category(text: &str) -> Result<HandoffCategory, String> {
    let name = format!("HANDOFF_CATEGORY_{}", text.to_ascii_uppercase());
    HandoffCategory::from_str_name(&name).ok_or_else(|| "no such category".to_owned())
}

pub(super) fn care_kind(text: &str) -> Result<HandoffCareKind, String> {
    let name = format!("HANDOFF_CARE_KIND_{}", text.to_ascii_uppercase());
    HandoffCareKind::from_str_name(&name).ok_or_else(|| "no such kind of care".to_owned())
}

pub(super) fn decline(text: &str) -> Result<HandoffDeclineReason, String> {
    let name = format!("HANDOFF_DECLINE_REASON_{}", text.to_ascii_uppercase());
    HandoffDeclineReason::from_str_name(&name).ok_or_else(|| "no such reason".to_owned())
}
