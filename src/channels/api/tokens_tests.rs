//! Tokens that are renewed: once for all who wait, kept over a restart, and never shown.

use super::tokens::{Renewed, Renewer, Tokens};
use super::{ApiError, Token};
use crate::types::secret::Secret;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

const HOUR_MS: u64 = 3_600_000;

/// A marketplace that takes every refresh token once, and counts.
#[derive(Default)]
struct Given {
    asked: AtomicU64,
    /// How long its tokens hold.
    lifetime_ms: AtomicU64,
    refuses: std::sync::atomic::AtomicBool,
    last: parking_lot::Mutex<String>,
    /// What an answer waits for, where it waits.
    gate: Option<Arc<Notify>>,
}

fn renewer(given: &Arc<Given>) -> Renewer {
    let given = Arc::clone(given);
    Arc::new(move |refresh: Secret| {
        let given = Arc::clone(&given);
        Box::pin(async move {
            if let Some(gate) = &given.gate {
                gate.notified().await;
            }
            let number = given.asked.fetch_add(1, Ordering::SeqCst) + 1;
            if given.refuses.load(Ordering::SeqCst) {
                return Err(ApiError::rejected("error_auth", "Invalid refresh_token."));
            }
            let mut last = given.last.lock();
            assert_ne!(*last, refresh.reveal(), "a refresh token is for one use");
            refresh.reveal().clone_into(&mut last);
            Ok(Renewed {
                access: Secret::new(format!("access-{number}")),
                refresh: Secret::new(format!("refresh-{number}")),
                lifetime_ms: given.lifetime_ms.load(Ordering::SeqCst),
            })
        })
    })
}

fn open(folder: &Path, refresh: &str, given: &Arc<Given>) -> Arc<Tokens> {
    let pair = [Secret::new("access-0"), Secret::new(refresh)];
    Tokens::open(folder, "eu", pair, renewer(given)).unwrap()
}

fn block<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let limited = async { tokio::time::timeout(Duration::from_secs(30), work).await };
    runtime.block_on(limited).expect("within 30 s")
}

fn shown(token: &Token) -> &str {
    token.access.reveal()
}

#[test]
fn a_token_that_many_calls_find_refused_is_renewed_once_for_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let given = Arc::new(Given::default());
    let tokens = open(folder.path(), "refresh-0", &given);
    block(async {
        let old = tokens.token().await.unwrap();
        assert_eq!(shown(&old), "access-0");
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (tokens, old) = (Arc::clone(&tokens), old.clone());
            calls.spawn(async move { tokens.renewed(&old).await.unwrap() });
        }
        while let Some(token) = calls.join_next().await {
            assert_eq!(shown(&token.unwrap()), "access-1");
        }
        assert_eq!(given.asked.load(Ordering::SeqCst), 1);
        // What is refused next is another token.
        let now = tokens.token().await.unwrap();
        assert_eq!(shown(&tokens.renewed(&now).await.unwrap()), "access-2");
    });
}

#[test]
fn renewed_tokens_survive_a_restart_readable_by_their_owner_only_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("tokens");
    let given = Arc::new(Given::default());
    given.lifetime_ms.store(4 * HOUR_MS, Ordering::SeqCst);
    let tokens = open(&folder, "refresh-0", &given);
    block(async {
        let old = tokens.token().await.unwrap();
        tokens.renewed(&old).await.unwrap();
    });
    tokens.finish();
    let file = folder.join("eu.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        folder.metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert!(!folder.join("eu.new").exists());
    let again = open(&folder, "refresh-0", &given);
    block(async {
        let token = again.token().await.unwrap();
        assert_eq!(shown(&token), "access-1");
        assert_eq!(shown(&again.renewed(&token).await.unwrap()), "access-2");
    });
    assert!(!format!("{again:?}").contains("access"));
    // The app was authorised again: what the configuration says counts.
    let other = open(&folder, "refresh-new", &given);
    assert_eq!(shown(&block(other.token()).unwrap()), "access-0");
}

#[test]
fn a_token_that_runs_out_soon_is_renewed_beside_the_calls_and_one_that_ran_out_before_them() {
    let folder = tempfile::tempdir().unwrap();
    let given = Arc::new(Given::default());
    given.lifetime_ms.store(1, Ordering::SeqCst);
    let tokens = open(folder.path(), "refresh-0", &given);
    block(async {
        let old = tokens.token().await.unwrap();
        tokens.renewed(&old).await.unwrap();
        given.lifetime_ms.store(HOUR_MS, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(5)).await;
        // It held for a millisecond: no call is made with it.
        assert_eq!(shown(&tokens.token().await.unwrap()), "access-2");
        assert_eq!(shown(&tokens.token().await.unwrap()), "access-2");
    });
    assert_eq!(given.asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_refused_renewal_is_said_and_not_asked_for_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let given = Arc::new(Given::default());
    given.refuses.store(true, Ordering::SeqCst);
    let tokens = open(folder.path(), "refresh-0", &given);
    block(async {
        let old = tokens.token().await.unwrap();
        for _ in 0..10 {
            let error = tokens.renewed(&old).await.unwrap_err();
            assert_eq!(error.class(), "unauthorised");
            assert!(error.to_string().contains("refresh token"), "{error}");
        }
    });
    assert_eq!(given.asked.load(Ordering::SeqCst), 1);
    assert!(!folder.path().join("eu.json").exists());
    let fixed = Tokens::fixed(Secret::new("access-0"));
    let error = block(async {
        let token = fixed.token().await.unwrap();
        fixed.renewed(&token).await.unwrap_err()
    });
    assert!(error.to_string().contains("`refresh_token`"), "{error}");
}

#[test]
fn a_renewal_whose_caller_gave_up_is_finished_and_its_tokens_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Arc::new(Notify::new());
    let given = Arc::new(Given {
        gate: Some(Arc::clone(&gate)),
        ..Given::default()
    });
    let tokens = open(folder.path(), "refresh-0", &given);
    block(async {
        let old = tokens.token().await.unwrap();
        let wait = tokio::time::timeout(Duration::from_millis(1), tokens.renewed(&old));
        assert!(wait.await.is_err());
    });
    gate.notify_one();
    tokens.finish();
    let again = open(folder.path(), "refresh-0", &given);
    assert_eq!(shown(&block(again.token()).unwrap()), "access-1");
}

#[test]
fn a_file_that_holds_no_tokens_is_named_and_none_of_it_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("eu.json"), "{\"access_token\":\"canary").unwrap();
    let pair = [Secret::new("a"), Secret::new("r")];
    let opened = Tokens::open(folder.path(), "eu", pair, renewer(&Arc::default()));
    let error = opened.unwrap_err().to_string();
    assert!(
        error.contains("eu.json") && error.contains("remove it"),
        "{error}"
    );
    assert!(!error.contains("canary"));
}
