//! A look into either database.

use onhand::history::HistoryTarget;
use sqlx::{Connection, Row as _};

/// Tables and views, as `docs/HISTORY.md` has them.
pub const TABLES: [&str; 29] = [
    "shards",
    "tenants",
    "actors",
    "skus",
    "locations",
    "providers",
    "pipeline_steps",
    "orders",
    "personal_data",
    "order_lines",
    "line_movements",
    "rejections",
    "order_events",
    "effects",
    "attempts",
    "breaker_changes",
    "provider_reports",
    "decisions",
    "stock_movements",
    "refused_commands",
    "channel_events",
    "item_mappings",
    "channels",
    "channel_rules",
    "campaigns",
    "campaign_units",
    "stock_published",
    "subscriber_moves",
    "actions",
];
pub const VIEWS: [&str; 15] = [
    "state_visits",
    "dwell_by_step",
    "dwell_by_processor",
    "dwell_by_carrier",
    "dwell_by_channel",
    "order_to_cash",
    "zero_touch_share",
    "exception_share",
    "error_rate",
    "dead_letters",
    "dead_letter_recovery",
    "reviews",
    "channel_event_fates",
    "published_lag",
    "channel_summary",
];

/// The rows of a query, each as `a|b|c`, an absent value as `-`; sorted.
pub async fn rows(target: &HistoryTarget, query: &str) -> Vec<String> {
    macro_rules! shown {
        ($connection:expr, $number:ty) => {{
            let mut connection = $connection;
            let text = sqlx::AssertSqlSafe(query.to_owned());
            let found = sqlx::query(text).fetch_all(&mut connection).await.unwrap();
            let shown = found.iter().map(|row| {
                let cells = (0..row.len()).map(|index| {
                    if let Ok(number) = row.try_get::<Option<i64>, _>(index) {
                        return number.map_or("-".to_owned(), |number| number.to_string());
                    }
                    if let Ok(real) = row.try_get::<Option<f64>, _>(index) {
                        return real.map_or("-".to_owned(), |real| format!("{real:.4}"));
                    }
                    let text: Option<String> = row.try_get(index).unwrap();
                    text.unwrap_or("-".to_owned())
                });
                cells.collect::<Vec<_>>().join("|")
            });
            let mut shown: Vec<String> = shown.collect();
            shown.sort();
            connection.close().await.unwrap();
            shown
        }};
    }
    match target {
        HistoryTarget::Sqlite(path) => {
            let url = format!("sqlite://{}", path.display());
            shown!(sqlx::SqliteConnection::connect(&url).await.unwrap(), i64)
        }
        HistoryTarget::Postgres { url, .. } => {
            shown!(
                sqlx::PgConnection::connect(url.as_str()).await.unwrap(),
                i64
            )
        }
    }
}

/// Everything in the database.
pub async fn dump(target: &HistoryTarget) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for name in TABLES.iter().chain(&VIEWS) {
        let found = rows(target, &format!("SELECT * FROM {name}")).await;
        all.push(((*name).to_owned(), found));
    }
    all
}
