//! Orders and stock in PostgreSQL: one transaction an order, in one round trip.

use anyhow::{Context, Result, bail};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::run::Books;

/// Connections: order workers. More than two cores can serve, and fewer than would only wait for
/// each other at the one SKU that everybody wants.
const CONNECTIONS: u32 = 16;

/// The tables, and the transaction. What takes a unit comes last: the row of the SKU, which all
/// wait for, is held for the commit only. Rows leave room in their page, so that a new version of
/// one needs no change of an index.
const SCHEMA: &str = "
CREATE TABLE stock (
    sku text PRIMARY KEY,
    on_hand bigint NOT NULL CHECK (on_hand >= 0)
) WITH (fillfactor = 20);
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    sku text NOT NULL,
    quantity bigint NOT NULL,
    status text NOT NULL,
    details jsonb NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);
CREATE FUNCTION place_order(p_id bigint, p_sku text, p_quantity bigint, p_details jsonb)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders (id, sku, quantity, status, details)
    VALUES (p_id, p_sku, p_quantity, 'confirmed', p_details)
    ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'duplicate';
    END IF;
    UPDATE stock SET on_hand = on_hand - p_quantity
    WHERE sku = p_sku AND on_hand >= p_quantity;
    IF FOUND THEN
        RETURN 'confirmed';
    END IF;
    UPDATE orders SET status = 'short' WHERE id = p_id;
    RETURN 'short';
END $$;
";

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// Its units are its own.
    Confirmed,
    /// There are not enough units: a person has to look at it.
    Short,
    /// It was there already.
    Duplicate,
}

/// The pool of connections; clones share it.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
}

impl Database {
    /// Opens all connections, and makes the tables.
    pub async fn open(options: PgConnectOptions) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .min_connections(CONNECTIONS)
            .max_connections(CONNECTIONS)
            .test_before_acquire(false) // a round trip for nothing
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with(options)
            .await
            .context("PostgreSQL")?;
        let made = sqlx::raw_sql(SCHEMA).execute(&pool).await;
        made.context("PostgreSQL makes no tables")?;
        Ok(Self { pool })
    }

    /// Puts units of a new SKU on hand.
    pub async fn put_on_hand(&self, sku: &str, units: u32) -> Result<()> {
        let query = sqlx::query("INSERT INTO stock (sku, on_hand) VALUES ($1, $2)");
        let query = query.bind(sku).bind(i64::from(units));
        query.execute(&self.pool).await.context("new stock")?;
        Ok(())
    }

    /// Places an order; when this returns, what became of it is on the disk.
    pub async fn place(&self, order: i64, sku: &str, units: i64, details: &str) -> Result<Placed> {
        let query = sqlx::query_scalar("SELECT place_order($1, $2, $3, $4::jsonb)");
        let query = query.bind(order).bind(sku).bind(units).bind(details);
        let placed: String = query.fetch_one(&self.pool).await.context("an order")?;
        Ok(match placed.as_str() {
            "confirmed" => Placed::Confirmed,
            "short" => Placed::Short,
            "duplicate" => Placed::Duplicate,
            other => bail!("PostgreSQL says that order {order} is {other}"),
        })
    }

    /// What there is of a SKU, of which so many units were put on hand.
    pub async fn books(&self, sku: &str, units: u32) -> Result<Books> {
        let count = async |status: &str| {
            let text = "SELECT count(*) FROM orders WHERE sku = $1 AND status = $2";
            let query = sqlx::query_scalar(text).bind(sku).bind(status);
            let count: i64 = query.fetch_one(&self.pool).await?;
            Ok::<u64, anyhow::Error>(u64::try_from(count)?)
        };
        let (confirmed, short) = (count("confirmed").await?, count("short").await?);
        let query = sqlx::query_scalar("SELECT on_hand FROM stock WHERE sku = $1");
        let left: i64 = query.bind(sku).fetch_one(&self.pool).await?;
        Ok(Books {
            known: confirmed + short,
            confirmed,
            counted: u64::from(units).saturating_sub(u64::try_from(left)?) + short,
        })
    }
}
