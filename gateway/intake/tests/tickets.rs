//! Files of tickets and of group checkups' days: words as offices write them, dirt by its name. All rows are invented.
#![expect(clippy::indexing_slicing, reason = "helpers outside the test functions fail their test too")]

use jiff::civil::date;
use pmh_domain::checkup::{kind::CheckupKind, ticket::TicketPart};
use pmh_intake::{
    Area, Intake, Mapping, Options, Severity, read_sessions, read_tickets, session_template, ticket_template,
};

fn errors<R>(intake: &Intake<R>) -> Vec<(String, String)> {
    let findings = intake.reports[0].findings.iter().filter(|found| found.severity == Severity::Error);
    findings.map(|found| (found.code.to_string(), found.column.clone().unwrap_or_default())).collect()
}

#[test]
fn a_ticket_is_read_from_the_template_an_office_fills() {
    let read = |row: &str| {
        let file = format!("{}{row}\r\n", ticket_template());
        read_tickets(file.as_bytes(), &Mapping::default(), &Options::default()).unwrap()
    };
    let sound = read("K-001,A-1,pregnancy,基本,\"5,000円\",令和8年4月1日,R9.3.31,都道府県内,2026/4/1,P-1,２");
    let ticket = &sound.rows[0];
    assert_eq!(
        (ticket.kind, ticket.part, ticket.cap_yen),
        (CheckupKind::Pregnancy, TicketPart::Basic, 5_000)
    );
    assert_eq!((ticket.valid_from, ticket.valid_to), (date(2026, 4, 1), date(2027, 3, 31)));
    assert_eq!((ticket.area, ticket.children), (Area::Prefecture, Some(2)));
    let told = |code: &str, column: &str| vec![(code.to_owned(), column.to_owned())];
    for (row, code, column) in [
        (
            "1.2E+08,A-1,pregnancy,基本,5000,R8.4.1,R9.3.31,全国,R8.4.1,P-1,",
            "SCIENTIFIC_NOTATION",
            "受診券番号",
        ),
        ("K-1,A-1,pregnancy,検査,5000,R8.4.1,R9.3.31,全国,R8.4.1,P-1,", "VALUE_UNKNOWN", "券種"),
        ("K-1,A-1,pregnancy,基本,5000,R9.4.1,R8.3.31,全国,R8.4.1,P-1,", "PERIOD_REVERSED", "有効期間終了"),
        ("K-1,A-1,pregnancy,基本,5000,R8.2.30,R9.3.31,全国,R8.4.1,P-1,", "DATE_IMPOSSIBLE", "有効期間開始"),
        ("K-1,A-1,pregnancy,基本,5000,R8.4.1,R9.3.31,,R8.4.1,P-1,", "REQUIRED_BLANK", "適用地域"),
    ] {
        assert_eq!(errors(&read(row)), told(code, column), "{row}");
    }
    let twice = "K-1,A-1,pregnancy,基本,5000,R8.4.1,R9.3.31,全国,R8.4.1,P-1,";
    let clash = read(&format!("{twice}\r\n{}", twice.replace("A-1", "A-2")));
    assert_eq!((clash.rows.len(), errors(&clash)), (0, told("CONFLICTING_ROWS", "")));
}

#[test]
fn a_day_is_read_from_the_template_an_office_fills() {
    let read = |row: &str| {
        let file = format!("{}{row}\r\n", session_template());
        read_sessions(file.as_bytes(), &Mapping::default(), &Options::default()).unwrap()
    };
    let sound = read("5月生,1歳6か月児健診,1,R8.11.22,13:30,保健センター,30名");
    let day = &sound.rows[0];
    assert_eq!((day.kind, day.date), (CheckupKind::Month18, date(2026, 11, 22)));
    assert_eq!((day.time.as_str(), day.hall.as_str(), day.capacity), ("13:30", "保健センター", 30));
    let bad = errors(&read("5月生,1歳6か月児健診,1,11/22,午後1時半,保健センター,0"));
    let codes: Vec<_> = bad.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes.len(), 3, "{bad:?}");
    assert!(codes.contains(&"VALUE_UNKNOWN"));
}
