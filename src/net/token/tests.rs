//! What a token file says, and what a presented token is told.

use super::*;

fn file_with(lines: &str) -> Result<TokenFile, TokenError> {
    TokenFile::parse(Path::new("tokens"), lines)
}

fn drawn(name: &str, role: Role, tenant: &str) -> (String, Token) {
    Token::draw(name, role, tenant).expect("a token")
}

#[test]
fn a_drawn_token_is_accepted_for_its_tenant_only() {
    let (secret, token) = drawn("shop", Role::Connector, "acme");
    let (any_secret, any) = drawn("ops", Role::Admin, "*");
    let text = format!(
        "# tokens\n\n{} # the shop\n{}\n",
        token.to_line(),
        any.to_line()
    );
    let file = file_with(&text).expect("a good file");
    assert!(secret.starts_with("oh_") && secret.len() == 3 + 64);
    assert_eq!(
        file.authenticate(&secret, "acme"),
        Ok(Grant {
            name: "shop".into(),
            role: Role::Connector
        })
    );
    assert_eq!(
        file.authenticate(&secret, "other"),
        Err(AuthError::ForbiddenTenant)
    );
    assert_eq!(
        file.authenticate(&any_secret, "other")
            .map(|grant| grant.role),
        Ok(Role::Admin)
    );
}

#[test]
fn wrong_empty_and_overlong_tokens_are_refused_alike() {
    let (secret, token) = drawn("shop", Role::Connector, "acme");
    let file = file_with(&token.to_line()).expect("a good file");
    let (other, _) = drawn("shop", Role::Connector, "acme");
    let long = "x".repeat(TOKEN_BYTES_MAX + 1);
    let hash = hex::encode(token.sha256);
    for presented in ["", &other, &long, &secret[..secret.len() - 1], &hash] {
        assert_eq!(
            file.authenticate(presented, "acme"),
            Err(AuthError::Unauthenticated)
        );
    }
    assert_eq!(
        TokenFile::default().authenticate("", "acme"),
        Err(AuthError::Unauthenticated)
    );
}

#[test]
fn bad_lines_are_refused_with_their_number_and_reason() {
    let hash = hex::encode([7; 32]);
    let other = hex::encode([8; 32]);
    let cases = [
        (
            "shop connector acme".to_owned(),
            "tokens line 3: expected `name role",
        ),
        (format!("shop clerk acme {hash}"), "no role `clerk`"),
        ("shop connector acme 1234".to_owned(), "64 hex digits"),
        (
            format!("{} connector acme {other}", "x".repeat(65)),
            "cannot be a name",
        ),
        (
            format!("first connector acme {other}"),
            "`first` is in the file already",
        ),
        (
            format!("second connector acme {hash}"),
            "under the name `first`",
        ),
    ];
    for (line, message) in cases {
        let text = format!("# head\nfirst connector acme {hash}\n{line}\n");
        let error = file_with(&text).expect_err(message).to_string();
        assert!(
            error.contains(message) && error.contains("line 3"),
            "{error}"
        );
    }
}

#[test]
fn a_token_ends_when_its_line_says() {
    let (secret, token) = drawn("shop", Role::Connector, "acme");
    let token = token.until("2027-01-31T12:00:00Z").expect("a time");
    let line = token.to_line();
    assert!(line.ends_with(" expires=2027-01-31T12:00:00Z"), "{line}");
    let file = file_with(&line).expect("a good file");
    let end = token.expires_ms.expect("a time");
    assert_eq!(end, 1_801_396_800_000);
    let at = |now_ms| {
        file.entry_at(&secret, now_ms)
            .map(|token| token.name.as_str())
    };
    assert_eq!(at(end - 1), Ok("shop"));
    assert_eq!(at(end), Err(AuthError::Expired));
    for bad in ["expires=soon", "2027-01-31T12:00:00Z", "expires=2027-01-31"] {
        let line = line.replace("expires=2027-01-31T12:00:00Z", bad);
        let error = file_with(&line).expect_err(bad).to_string();
        assert!(error.contains("not when a token ends"), "{error}");
    }
}

#[test]
fn debug_output_holds_no_hash() {
    let (secret, token) = drawn("shop", Role::Connector, "acme");
    let file = file_with(&token.to_line()).expect("a good file");
    let shown = format!("{file:?}");
    assert!(!shown.contains(&secret) && !shown.contains(&hex::encode(token.sha256)));
    assert!(!shown.contains("sha256"));
}
