//! What exactly does not hold, in words for somebody who has to decide what to believe.

use pmh_audit::ReceiptError;
use pmh_client::ProofError;

/// The first thing that failed.
pub(super) struct Verdict {
    /// Stable machine name.
    pub(super) code: &'static str,
    /// Japanese.
    pub(super) ja: &'static str,
    /// English.
    pub(super) en: &'static str,
}

impl From<ProofError> for Verdict {
    fn from(error: ProofError) -> Self {
        let (code, ja, en) = match error {
            ProofError::Receipt(error) => return error.into(),
            ProofError::Missing => ("RECEIPT_MISSING", "受領証がありません。", "There is no receipt."),
            ProofError::Incomplete => {
                ("RECEIPT_INCOMPLETE", "受領証の一部が欠けています。", "A part of the receipt is missing.")
            }
            ProofError::Requester => (
                "REQUESTER",
                "別の機関による照会の記録です。",
                "The entry is about another organization's call.",
            ),
            ProofError::Method => ("METHOD", "別の操作の記録です。", "The entry is about another method."),
            ProofError::Kind => ("KIND", "記録の種類が合いません。", "The entry is of another kind."),
            ProofError::Outcome => (
                "OUTCOME",
                "目的または結果が記録と違います。",
                "The entry states another purpose or outcome.",
            ),
            ProofError::Subject => {
                ("SUBJECT", "別の人についての記録です。", "The entry is about another person, or about none.")
            }
            ProofError::Chain => (
                "CHAIN",
                "開かれた履歴のつながりが記録と違います。",
                "The chain that is opened is not the entry's.",
            ),
            ProofError::Rows => ("ROWS", "行数が記録と違います。", "The entry counts other rows."),
            ProofError::Message => (
                "MESSAGE",
                "要求または応答が、この操作の電文として読めません。",
                "Request or response is not a message of this method.",
            ),
        };
        Self { code, ja, en }
    }
}

impl From<ReceiptError> for Verdict {
    fn from(error: ReceiptError) -> Self {
        let (code, ja, en) = match error {
            ReceiptError::RequestDigest => (
                "REQUEST_CHANGED",
                "要求が記録と違います（あとから変えられたか、別の要求です）。",
                "The request is not the one recorded: it was changed, or is another.",
            ),
            ReceiptError::ResponseDigest => (
                "RESPONSE_CHANGED",
                "応答が記録と違います（あとから変えられたか、別の応答です）。",
                "The response is not the one recorded: it was changed, or is another.",
            ),
            ReceiptError::Leaf(_) => ("LEAF", "記録の本体が壊れています。", "The entry is damaged."),
            ReceiptError::NoteSignature(_) => (
                "CHECKPOINT_SIGNATURE",
                "チェックポイントの署名が、この鍵のログのものではありません。",
                "The checkpoint is not signed by the key of this log.",
            ),
            ReceiptError::Checkpoint => (
                "CHECKPOINT",
                "署名された文がチェックポイントではありません。",
                "The signed text is not a checkpoint.",
            ),
            ReceiptError::Origin => {
                ("ORIGIN", "別のログのチェックポイントです。", "The checkpoint is about another log.")
            }
            ReceiptError::TreeSize => (
                "TREE_SIZE",
                "記録の件数がチェックポイントと違います。",
                "Receipt and checkpoint state different tree sizes.",
            ),
            ReceiptError::TreePath(_) => (
                "TREE_PATH",
                "記録がチェックポイントの木に含まれていません（記録か位置が変えられています）。",
                "The entry is not in the tree that the checkpoint signs: entry or place was changed.",
            ),
            ReceiptError::DetailOpening => (
                "DETAIL_OPENING",
                "詳細部の開示が記録と合いません。",
                "The detail part does not open the entry.",
            ),
            ReceiptError::DetailBody(_) => {
                ("DETAIL_BODY", "詳細部が読めません。", "The detail part is damaged.")
            }
            ReceiptError::SubjectOpening => (
                "SUBJECT_OPENING",
                "対象者部の開示が記録と合いません。",
                "The subject part does not open the entry.",
            ),
            ReceiptError::SubjectBody(_) => {
                ("SUBJECT_BODY", "対象者部が読めません。", "The subject part is damaged.")
            }
        };
        Self { code, ja, en }
    }
}
