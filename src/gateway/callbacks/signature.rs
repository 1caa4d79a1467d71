//! Whether a delivery is its provider's: digests over the raw bytes, compared in constant time.

use super::{Delivery, Source, Unsigned};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// How far a signed time may be from now, in seconds, both ways.
pub(super) const TOLERANCE_S: u64 = 300;

/// How a digest is made and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// HMAC-SHA1, as hex or base64 digits.
    Sha1(Digits),
    /// HMAC-SHA256.
    Sha256(Digits),
    /// HMAC-SHA512.
    Sha512(Digits),
    /// The secret itself is sent.
    SharedSecret,
    /// ECDSA over the curve P-256 with SHA-256; the secret is the sender's public key.
    EcdsaP256,
}

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    Hex,
    Base64,
}

impl Algorithm {
    /// The names that a setting may use.
    pub const NAMES: &[(&str, Self)] = &[
        ("hmac-sha1-hex", Self::Sha1(Digits::Hex)),
        ("hmac-sha1-base64", Self::Sha1(Digits::Base64)),
        ("hmac-sha256-hex", Self::Sha256(Digits::Hex)),
        ("hmac-sha256-base64", Self::Sha256(Digits::Base64)),
        ("hmac-sha512-hex", Self::Sha512(Digits::Hex)),
        ("hmac-sha512-base64", Self::Sha512(Digits::Base64)),
        ("shared-secret", Self::SharedSecret),
        ("ecdsa-p256", Self::EcdsaP256),
    ];

    /// The algorithm of a setting.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, algorithm)| *algorithm)
    }

    /// Whether `presented` (text of a header) is a signature of `parts`, one after the other,
    /// under `key`.
    pub fn accepts(self, key: &[u8], parts: &[&[u8]], presented: &str) -> bool {
        let presented = presented.trim();
        let (expected, digits) = match self {
            Self::Sha1(digits) => (digest::<Hmac<Sha1>>(key, parts), digits),
            Self::Sha256(digits) => (digest::<Hmac<Sha256>>(key, parts), digits),
            Self::Sha512(digits) => (digest::<Hmac<Sha512>>(key, parts), digits),
            Self::SharedSecret => return equal(key, presented.as_bytes()),
            Self::EcdsaP256 => return ecdsa(key, &parts.concat(), presented),
        };
        let decoded = match digits {
            Digits::Hex => hex::decode(presented).ok(),
            Digits::Base64 => STANDARD.decode(presented).ok(),
        };
        decoded.is_some_and(|presented| equal(&expected, &presented))
    }
}

#[allow(clippy::expect_used)] // HMAC takes a key of any length
fn digest<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("any key length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// Whether two byte strings are equal, in time that does not depend on where they differ.
pub(super) fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// `key` is a public key in base64 of its DER form, with or without the lines of PEM.
fn ecdsa(key: &[u8], message: &[u8], presented: &str) -> bool {
    let text: String = String::from_utf8_lossy(key)
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let Ok(der) = STANDARD.decode(text.trim()) else {
        return false;
    };
    // The DER form of a P-256 key ends with its point: 4, x, y.
    let Some(point) = der.last_chunk::<65>() else {
        return false;
    };
    let Ok(signature) = STANDARD.decode(presented) else {
        return false;
    };
    rustls::crypto::ring::default_provider()
        .signature_verification_algorithms
        .all
        .iter()
        .filter(|algorithm| {
            algorithm.public_key_alg_id() == rustls_pki_types::alg_id::ECDSA_P256
                && algorithm.signature_alg_id() == rustls_pki_types::alg_id::ECDSA_SHA256
        })
        .any(|algorithm| {
            algorithm
                .verify_signature(point, message, &signature)
                .is_ok()
        })
}

/// Requires a signature of `parts` in `presented` under any of the source's secrets.
pub(super) fn require(
    source: &Source,
    algorithm: Algorithm,
    parts: &[&[u8]],
    presented: &[&str],
) -> Result<(), Unsigned> {
    if source.secrets.is_empty() {
        return Err(Unsigned::NoSecret);
    }
    if presented.is_empty() {
        return Err(Unsigned::Missing);
    }
    let mut accepted = false;
    for secret in &source.secrets {
        for presented in presented {
            accepted |= algorithm.accepts(secret, parts, presented);
        }
    }
    if accepted {
        Ok(())
    } else {
        Err(Unsigned::Wrong)
    }
}

/// Requires that a signed time is within [`TOLERANCE_S`] of now.
pub(super) fn fresh(seconds: &str, now_ms: u64) -> Result<(), Unsigned> {
    let signed: u64 = seconds.trim().parse().map_err(|_| Unsigned::Missing)?;
    if (now_ms / 1_000).abs_diff(signed) > TOLERANCE_S {
        return Err(Unsigned::Old);
    }
    Ok(())
}

/// A signature over the body (behind a signed time, where `time_header` names one), in a header of
/// its own: header, algorithm and what stands before the digits are settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyScheme {
    /// Name of the header that carries the signature.
    pub header: &'static str,
    /// How it is made.
    pub algorithm: Algorithm,
    /// What stands before the digits.
    pub prefix: &'static str,
    /// Name of the header with the time that is signed before the body; empty: none.
    pub time_header: &'static str,
}

impl BodyScheme {
    /// Checks a delivery.
    pub fn verify(&self, source: &Source, delivery: &Delivery<'_>) -> Result<(), Unsigned> {
        let header = source.setting_or("header", self.header);
        let algorithm = source
            .settings
            .get("algorithm")
            .and_then(|name| Algorithm::named(name))
            .unwrap_or(self.algorithm);
        let prefix = source.setting_or("prefix", self.prefix);
        let presented = delivery.header(header).ok_or(Unsigned::Missing)?.trim();
        let digits = presented
            .get(..prefix.len())
            .filter(|start| start.eq_ignore_ascii_case(prefix))
            .and_then(|_| presented.get(prefix.len()..))
            .unwrap_or(presented);
        if self.time_header.is_empty() {
            return require(source, algorithm, &[delivery.body], &[digits]);
        }
        let time_header = source.setting_or("time_header", self.time_header);
        let time = delivery.header(time_header).ok_or(Unsigned::Missing)?;
        require(
            source,
            algorithm,
            &[time.as_bytes(), delivery.body],
            &[digits],
        )?;
        fresh(time, delivery.now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_digests_are_accepted_and_altered_ones_are_not() {
        // Worked values: WooCommerce and WhatsApp documentation style, and RFC 4231 / RFC 2202.
        let body = br#"{"id":1,"t":"caf\u00e9"}"#;
        let cases: [(Algorithm, &[u8], &[u8], &str); 4] = [
            (
                Algorithm::Sha256(Digits::Base64),
                b"topsecret",
                body,
                "xIuIo9yJ6U5FNGHwYgl+F0RisZmNARLda2ywOKOcMes=",
            ),
            (
                Algorithm::Sha256(Digits::Hex),
                b"topsecret",
                body,
                "c48b88a3dc89e94e453461f062097e174462b1998d0112dd6b6cb038a39c31eb",
            ),
            (
                Algorithm::Sha1(Digits::Hex),
                b"Jefe",
                b"what do ya want for nothing?",
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            ),
            (Algorithm::SharedSecret, b"topsecret", body, "topsecret"),
        ];
        for (algorithm, key, message, signature) in cases {
            assert!(
                algorithm.accepts(key, &[message], signature),
                "{algorithm:?}"
            );
            assert!(!algorithm.accepts(b"other", &[message], signature));
            assert!(!algorithm.accepts(key, &[message], &signature[1..]));
            assert!(!algorithm.accepts(key, &[message], ""));
            if algorithm != Algorithm::SharedSecret {
                assert!(!algorithm.accepts(key, &[message, b" "], signature));
            }
        }
    }

    #[test]
    fn a_public_key_accepts_what_its_private_key_signed_and_nothing_else() {
        use rcgen::{PublicKeyData, SigningKey};
        let pair = rcgen::KeyPair::generate().expect("a key pair");
        let public = STANDARD.encode(pair.subject_public_key_info());
        let signature = STANDARD.encode(pair.sign(b"1700000000{}").expect("signed"));
        let accepts = |key: &str, time: &[u8], signature: &str| {
            Algorithm::EcdsaP256.accepts(key.as_bytes(), &[time, b"{}"], signature)
        };
        assert!(accepts(&public, b"1700000000", &signature));
        assert!(!accepts(&public, b"1700000001", &signature));
        let other = rcgen::KeyPair::generate().expect("a key pair");
        let other = STANDARD.encode(other.subject_public_key_info());
        assert!(!accepts(&other, b"1700000000", &signature));
        assert!(!accepts("", b"1700000000", &signature));
        assert!(!accepts(&public, b"1700000000", "AAAA"));
    }

    #[test]
    fn signed_times_may_be_five_minutes_off() {
        let now_ms = 1_700_000_000_000;
        for good in ["1700000000", "1699999700", "1700000300"] {
            assert_eq!(fresh(good, now_ms), Ok(()));
        }
        for old in ["1699999699", "1700000301", "0"] {
            assert_eq!(fresh(old, now_ms), Err(Unsigned::Old));
        }
        assert_eq!(fresh("soon", now_ms), Err(Unsigned::Missing));
    }
}
