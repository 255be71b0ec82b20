//! The watch: everything once in each reading, resumable, and each message proved.

use std::collections::BTreeSet;
use std::time::Duration;

use pmh_proto::handoff::{HandoffChange, WatchHandoffsRequest, WatchHandoffsResponse};

use super::people::Mother;
use super::reports::{of, report, visit};
use super::rig::{AT_HOME, Town, Wire, pair, until};

#[tokio::test]
async fn a_watch_tells_every_step_in_order_and_goes_on_after_its_cursor() {
    let pair = pair(Wire::Open);
    let mut mother = Mother::living_at_home(pair).await;
    let id = mother.handed_over(pair).await;
    let seen = changes(&pair.home, AT_HOME, &id).await;
    let order: Vec<_> = seen.iter().map(WatchHandoffsResponse::change).collect();
    assert_eq!(order, [HandoffChange::Offered, HandoffChange::Accepted, HandoffChange::Confirmed]);
    let cursors: Vec<u64> = seen.iter().map(|news| news.cursor.parse().unwrap()).collect();
    assert!(cursors.is_sorted() && cursors.iter().collect::<BTreeSet<_>>().len() == cursors.len());
    // Whoever lost everything after the offer reads on from it, and misses nothing.
    let rest = read(&pair.home, AT_HOME, &seen[0].cursor).await;
    let rest: Vec<_> = rest.into_iter().filter(|news| news.handoff_id == id).collect();
    let bare = |news: &WatchHandoffsResponse| WatchHandoffsResponse { receipt: None, ..news.clone() };
    assert_eq!(rest.iter().map(bare).collect::<Vec<_>>(), seen[1..].iter().map(bare).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_followed_watch_tells_what_comes() {
    let pair = pair(Wire::Open);
    let mut mother = Mother::living_at_home(pair).await;
    let id = mother.handed_over(pair).await;
    let cursor = changes(&pair.home, AT_HOME, &id).await.pop().unwrap().cursor;
    let request = WatchHandoffsRequest { cursor, follow: true };
    let mut stream = pair.home.gateway(AT_HOME).await.watch_handoffs(&request).await.unwrap();
    report(pair, &id, of(pmh_proto::handoff::HandoffDuty::Consultation, visit())).await.unwrap();
    let heard = async {
        loop {
            let (news, _) = stream.next().await.unwrap().expect("the stream stays open");
            if news.handoff_id == id {
                return news;
            }
        }
    };
    let news = tokio::time::timeout(Duration::from_secs(20), heard).await.unwrap();
    assert_eq!(news.change(), HandoffChange::Reported);
}

/// All that a side's watch tells of one handoff.
pub(super) async fn changes(town: &Town, terminal: &str, id: &str) -> Vec<WatchHandoffsResponse> {
    let all = read(town, terminal, "").await;
    all.into_iter().filter(|news| news.handoff_id == id).collect()
}

/// Waits until a side's watch tells a change of one handoff, and gives the last such.
pub(super) async fn told(
    town: &Town,
    terminal: &str,
    id: &str,
    change: HandoffChange,
) -> WatchHandoffsResponse {
    until(change.as_str_name(), async || {
        changes(town, terminal, id).await.into_iter().rfind(|news| news.change() == change)
    })
    .await
}

async fn read(town: &Town, terminal: &str, cursor: &str) -> Vec<WatchHandoffsResponse> {
    let request = WatchHandoffsRequest { cursor: cursor.to_owned(), follow: false };
    let mut stream = town.gateway(terminal).await.watch_handoffs(&request).await.unwrap();
    let mut all = Vec::new();
    while let Some((news, _)) = stream.next().await.unwrap() {
        all.push(news);
    }
    all
}
