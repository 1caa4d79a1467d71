//! HMAC-SHA256, as all five marketplaces sign.

use super::delivery::{Refused, Secrets};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How a digest is written.
#[derive(Clone, Copy, Debug)]
pub enum Encoding {
    /// Base64 with padding.
    Base64,
    /// Hexadecimal digits, in any case.
    Hex,
}

/// The digest of `parts`, one after the other, in lower-case hexadecimal digits.
pub fn hex_digest(key: &[u8], parts: &[&[u8]]) -> String {
    mac(key, parts).map_or_else(String::new, |mac| hex::encode(mac.finalize().into_bytes()))
}

/// Whether one of the secrets gives the signature that stands in `header`.
pub fn check(
    header: &'static str,
    signature: Option<&str>,
    encoding: Encoding,
    secrets: &Secrets,
    parts: &[&[u8]],
) -> Result<(), Refused> {
    let secrets = secrets.signing.iter().filter(|s| !s.reveal().is_empty());
    let mut secrets = secrets.peekable();
    if secrets.peek().is_none() {
        return Err(Refused::Unconfigured);
    }
    let signature = signature.ok_or(Refused::Unsigned(header))?.trim();
    let sent = match encoding {
        Encoding::Base64 => STANDARD.decode(signature).ok(),
        Encoding::Hex => hex::decode(signature).ok(),
    };
    let sent = sent.ok_or(Refused::WrongSignature(header))?;
    // `verify_slice` compares in constant time; every secret is tried, so that the time says nothing
    // about which one it was.
    let good = secrets.fold(false, |good, secret| {
        let mac = mac(secret.reveal().as_bytes(), parts);
        mac.is_some_and(|mac| mac.verify_slice(&sent).is_ok()) | good
    });
    good.then_some(()).ok_or(Refused::WrongSignature(header))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac)
}
