//! Keyed digests, as the providers sign their callbacks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// HMAC-SHA1 of `parts`, one after the other: still what some providers sign with.
#[must_use]
pub fn sha1(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    digest::<Hmac<Sha1>>(key, parts)
}

/// HMAC-SHA256 of `parts`, one after the other.
#[must_use]
pub fn sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    digest::<Hmac<Sha256>>(key, parts)
}

/// HMAC-SHA512 of `parts`, one after the other.
#[must_use]
pub fn sha512(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    digest::<Hmac<Sha512>>(key, parts)
}

#[allow(clippy::expect_used)] // HMAC takes a key of any length
fn digest<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("any key length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// The `webhook-signature` of the Standard Webhooks specification. A secret is base64 behind
/// `whsec_`; one that is no base64 is taken as it is.
#[must_use]
pub fn standard(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let text = secret.strip_prefix("whsec_").unwrap_or(secret);
    let key = unbase64(text).unwrap_or_else(|| text.as_bytes().to_vec());
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    format!("v1,{}", base64(&sha256(&key, &parts)))
}

/// Base64 with padding.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of base64 text.
#[must_use]
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Whether two byte strings are equal, in time that does not depend on where they differ.
#[must_use]
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_agree_with_published_values() {
        // RFC 4231, test case 2.
        let (key, parts): (&[u8], [&[u8]; 2]) = (b"Jefe", [b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            hex::encode(sha256(key, &parts)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        // RFC 2202, test case 2.
        assert_eq!(
            hex::encode(sha1(key, &parts)),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
        assert!(hex::encode(sha512(key, &parts)).starts_with("164b7a7bfcf819e2e395fbe73b56e0a3"));
    }

    #[test]
    fn a_standard_webhook_is_signed_as_the_specification_shows() {
        let signature = standard(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
