//! An export as a municipality's system writes it, for the demonstration and for tests. All persons are invented;
//! nothing here is taken from a real file.

use encoding_rs::SHIFT_JIS;

/// One line of the invented export, each cell as the officer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRow {
    /// 宛名番号.
    pub resident_key: String,
    /// 氏名; U+E000–U+E757 are written as CP932 gaiji.
    pub name: String,
    /// 公費負担者番号.
    pub payer_number: String,
    /// 受給者番号.
    pub recipient_number: String,
    /// 有効期間開始, in any spelling.
    pub valid_from: String,
    /// 有効期間終了.
    pub valid_to: String,
    /// 履歴キー.
    pub history_key: String,
    /// 削除フラグ.
    pub deleted: bool,
}

impl SampleRow {
    /// A sound row of a child scheme, valid for the fiscal year 令和8.
    pub fn sound(resident_key: &str, name: &str, payer_number: &str, recipient_number: &str) -> Self {
        Self {
            resident_key: resident_key.to_owned(),
            name: name.to_owned(),
            payer_number: payer_number.to_owned(),
            recipient_number: recipient_number.to_owned(),
            valid_from: "R8.4.1".to_owned(),
            valid_to: "令和９年３月３１日".to_owned(),
            history_key: "20260401001".to_owned(),
            deleted: false,
        }
    }
}

/// Three rows as they come back from a spreadsheet and an old system: a payer number that lost a digit, a day
/// that does not exist, a gaiji in a name. `payer_number` is the issuer's real one.
pub fn three_bad_rows(payer_number: &str) -> [SampleRow; 3] {
    let shortened = payer_number.get(1..).unwrap_or_default();
    let lost_zero = SampleRow::sound("0000000901", "見本　桜", shortened, "9000011");
    let impossible_day = SampleRow {
        valid_to: "令和9年2月29日".to_owned(),
        ..SampleRow::sound("0000000902", "見本　葵", payer_number, "9000029")
    };
    let gaiji = SampleRow::sound("0000000903", "見\u{E000}　蓮", payer_number, "9000037");
    [lost_zero, impossible_day, gaiji]
}

/// The file: CP932, CRLF, Japanese headers, a column of individual numbers that its owner forgot to leave out
/// (filled with asterisks here), and a column that means nothing to us.
pub fn officer_export_cp932(rows: &[SampleRow]) -> Vec<u8> {
    let mut text = String::from(HEADER);
    for row in rows {
        let cells = [
            row.resident_key.as_str(),
            "************",
            &row.name,
            "M88",
            "子ども医療費受給者証",
            &row.payer_number,
            &row.recipient_number,
            &row.valid_from,
            &row.valid_to,
            "無",
            "0",
            "外来",
            "500円",
            "2回",
            "医療機関ごと",
            &row.history_key,
            if row.deleted { "1" } else { "0" },
            "窓口",
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    encode_cp932(&text)
}

/// CP932 with the user-defined area, which the WHATWG encoder leaves out. Characters that CP932 lacks become `?`,
/// as they do in the systems that write such files.
pub fn encode_cp932(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        let mut buffer = [0; 4];
        let (encoded, _, lossy) = SHIFT_JIS.encode(c.encode_utf8(&mut buffer));
        match user_defined(c) {
            Some(pair) => bytes.extend(pair),
            None if lossy => bytes.push(b'?'),
            None => bytes.extend_from_slice(&encoded),
        }
    }
    bytes
}

/// U+E000 is F040, 188 characters to a row, no second byte 7F.
fn user_defined(c: char) -> Option<[u8; 2]> {
    let index = u32::from(c).checked_sub(0xE000).filter(|index| *index < 10 * 188)?;
    let (row, cell) = (index / 188, index % 188);
    let second = cell + if cell < 63 { 0x40 } else { 0x41 };
    Some([u8::try_from(0xF0 + row).ok()?, u8::try_from(second).ok()?])
}

const HEADER: &str = "宛名番号,個人番号,氏名,受給者証種別,受給者証名,公費負担者番号,受給者番号,有効期間（自）,\
    有効期間（至）,常に償還払い,不開示フラグ,入外区分,1回額,回数,算定単位,履歴キー,削除フラグ,受付場所\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Encoding;

    #[test]
    fn the_whole_user_defined_area_is_written_as_it_is_read() {
        for c in '\u{E000}'..='\u{E757}' {
            let bytes = encode_cp932(&c.to_string());
            assert_eq!(Encoding::Cp932.decode(&bytes).as_deref(), Some(c.to_string().as_str()));
        }
        assert_eq!(encode_cp932("\u{E758}𠮷"), b"??");
    }
}
