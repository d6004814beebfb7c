//! What the metrics say of each receiver.

use keyfob_scim::Signal;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::Place;
use crate::signals::{Outcome, SignalMetrics};

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_tokens_and_read_the_outbox() {
    let place = Place::new(&["idp", "other"], 3);
    let metrics = SignalMetrics::new(["idp".to_owned(), "other".to_owned()]);
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let read = || {
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    };
    let counted = read();
    for outcome in ["accepted", "refused", "failed", "given_up", "lost"] {
        let line = format!("signals_total{{receiver=\"other\",outcome=\"{outcome}\"}} 0\n");
        assert!(counted.contains(&line), "a receiver is shown before it has any: {counted}");
    }
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() - 100;
    for _ in 0..4 {
        place.store.add_signal("idp", Signal::verification(None, "idp".into(), since)).await.unwrap();
    }
    let first = place.store.waiting_signals("idp", Vec::new(), 1).await.unwrap().remove(0);
    place.store.bury_signals("idp", vec![(first.jti, "no".into())]).await.unwrap();
    metrics.count("idp", Outcome::Accepted, 7);
    metrics.read(&place.store).await;
    // What is lost is not counted again.
    metrics.read(&place.store).await;
    let counted = read();
    for line in [
        "signals_total{receiver=\"idp\",outcome=\"accepted\"} 7",
        "signals_total{receiver=\"idp\",outcome=\"lost\"} 1",
        "signals_waiting{receiver=\"idp\"} 2.0",
        "signals_waiting{receiver=\"other\"} 0.0",
        "signals_dead{receiver=\"idp\"} 1.0",
        "signals_oldest_seconds{receiver=\"other\"} 0.0",
    ] {
        assert!(counted.lines().any(|found| found == line), "{line}: {counted}");
    }
    let age = counted.lines().find_map(|line| line.strip_prefix("signals_oldest_seconds{receiver=\"idp\"} ")).unwrap();
    assert!((100.0..1000.0).contains(&age.parse::<f64>().unwrap()), "{age}");
}
