//! Access tokens that run out, as the marketplaces let them.

use super::rig::Market;
use onhand::types::ChannelKind;
use serde_json::json;

const RENEWING: [ChannelKind; 2] = [ChannelKind::Shopee, ChannelKind::TikTok];

#[tokio::test]
async fn a_token_that_ran_out_is_renewed_and_the_new_pair_holds_after_a_restart() {
    let market = Market::open();
    let folder = tempfile::tempdir().unwrap();
    for kind in RENEWING {
        let shop = market.renewing(kind, folder.path());
        let ids = shop.sell(1).await;
        assert_eq!(shop.api.orders(&ids).await.unwrap().len(), 1);
        shop.control("tokens", &json!({"expire": true})).await;
        assert_eq!(shop.api.orders(&ids).await.unwrap().len(), 1, "{kind:?}");
        let told = shop.control("tokens", &json!({})).await;
        assert_eq!(told["renewals"], 1, "{kind:?}");
        // Another process: the first tokens of the configuration hold no more, the file's do.
        let again = market.renewing(kind, folder.path());
        assert_eq!(again.api.orders(&ids).await.unwrap().len(), 1);
        again.control("tokens", &json!({"expire": true})).await;
        assert_eq!(again.api.orders(&ids).await.unwrap().len(), 1);
        let told = shop.control("tokens", &json!({})).await;
        assert_eq!(told["renewals"], 2, "{kind:?}");
        // Without a refresh token there is nothing to renew it with.
        let fixed = market.shop(kind);
        let error = fixed.api.orders(&ids).await.unwrap_err();
        assert_eq!(error.class(), "unauthorised", "{kind:?}: {error}");
    }
}

#[tokio::test]
async fn many_calls_of_two_clients_renew_one_token_once() {
    let market = Market::open();
    let folder = tempfile::tempdir().unwrap();
    for kind in RENEWING {
        let shop = market.renewing(kind, folder.path());
        // What publishes stock has a client of its own, with the same tokens.
        let other = onhand::channels::api::connect(&shop.options).unwrap();
        let ids = shop.sell(1).await;
        shop.control("tokens", &json!({"expire": true})).await;
        let mut calls = tokio::task::JoinSet::new();
        for place in 0..20 {
            let api = if place % 2 == 0 { &shop.api } else { &other };
            let (api, ids) = (std::sync::Arc::clone(api), ids.clone());
            calls.spawn(async move { api.orders(&ids).await.unwrap().len() });
        }
        while let Some(found) = calls.join_next().await {
            assert_eq!(found.unwrap(), 1);
        }
        let told = shop.control("tokens", &json!({})).await;
        assert_eq!(told["renewals"], 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_runs_out() {
    let market = Market::open();
    let folder = tempfile::tempdir().unwrap();
    for kind in RENEWING {
        let shop = market.renewing(kind, folder.path());
        let ids = shop.sell(1).await;
        // What is given out holds for 2 s, and is renewed when less than a fifth is left.
        shop.control("tokens", &json!({"expire": true, "lifetime_s": 2}))
            .await;
        let end_ms = onhand::clock::now_ms() + 5_000;
        while onhand::clock::now_ms() < end_ms {
            assert_eq!(shop.api.orders(&ids).await.unwrap().len(), 1, "{kind:?}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let told = shop.control("tokens", &json!({})).await;
        let renewals = told["renewals"].as_u64().unwrap();
        assert!((2..=8).contains(&renewals), "{kind:?}: {renewals}");
    }
}

#[tokio::test]
async fn a_refused_renewal_says_what_to_do_and_no_token_of_it() {
    let market = Market::open();
    let folder = tempfile::tempdir().unwrap();
    for kind in RENEWING {
        let shop = market.renewing(kind, folder.path());
        let ids = shop.sell(1).await;
        let closed = json!({"expire": true, "refuse": true});
        shop.control("tokens", &closed).await;
        let error = shop.api.orders(&ids).await.unwrap_err();
        assert_eq!(error.class(), "unauthorised", "{kind:?}");
        let said = error.to_string();
        assert!(said.contains("refresh token"), "{said}");
        for (name, secret) in &shop.options.secrets {
            assert!(!said.contains(secret.reveal()), "{name} is in {said}");
        }
    }
}
