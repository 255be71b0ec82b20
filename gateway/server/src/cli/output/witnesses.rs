//! What a receipt says about the log's witnesses: the gateway's word, which nobody signed.

use pmh_proto::audit::{WitnessMark, WitnessState};
use serde_json::{Value, json};

use super::Language;

/// As JSON; null where the log has no witnesses.
pub fn witnesses_json(mark: Option<&WitnessMark>) -> Value {
    mark.map_or(Value::Null, |mark| {
        json!({
            "state": mark.state().as_str_name().trim_start_matches("WITNESS_STATE_"),
            "cosigned_size": mark.cosigned_size,
            "cosigned_time": mark.cosigned_time.as_ref().map(ToString::to_string),
        })
    })
}

/// A line where there is something to say.
pub fn witnesses_line(mark: Option<&WitnessMark>, language: Language) -> Option<&'static str> {
    let is_late = mark.is_some_and(|mark| mark.state() == WitnessState::Late);
    is_late.then(|| {
        language.pick(
            "※ ログの証人による確認が15分以上ありません。後日、証人の確認が付いた証明を取り直せます。",
            "* No quorum of witnesses has cosigned the log for more than 15 minutes; a cosigned proof can be fetched later.",
        )
    })
}
