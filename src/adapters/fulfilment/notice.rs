//! What ShipStation's notifications point at: the shipments, read with the account's credentials.

use crate::adapters::http::Http;
use crate::adapters::options::{OptionsError, ProviderOptions, Secret};
use reqwest::Method;

/// The provider's own address.
const BASE_URL: &str = "https://ssapi.shipstation.com";

/// Longest time to read them, in milliseconds: the sender of the notification waits.
const TIMEOUT_MS: u64 = 5_000;

/// Reads shipments.
#[derive(Debug)]
pub struct Notices {
    http: Http,
    base_url: String,
    api_key: Secret,
    api_secret: Secret,
}

impl Notices {
    /// With the options of a provider of kind `shipstation`.
    ///
    /// # Errors
    /// A secret is missing, or TLS cannot be set up.
    pub fn new(options: &ProviderOptions) -> Result<Self, OptionsError> {
        let options = ProviderOptions {
            timeout_ms: options.timeout_ms.clamp(1, TIMEOUT_MS),
            ..options.clone()
        };
        Ok(Self {
            http: Http::of(&options)?,
            base_url: options.base_url_or(BASE_URL),
            api_key: options.secret("api_key")?,
            api_secret: options.secret("api_secret")?,
        })
    }

    /// The list of shipments that `url` names.
    ///
    /// # Errors
    /// Why it cannot be had, in words.
    pub async fn read(&self, url: &str) -> Result<Vec<u8>, String> {
        let address = self.address(url)?;
        let request = self.http.request(Method::GET, &address);
        let request = request.basic_auth(self.api_key.reveal(), Some(self.api_secret.reveal()));
        match self.http.send(request).await {
            Ok(answer) if answer.status == 200 => Ok(answer.body.to_vec()),
            Ok(answer) => Err(format!(
                "the shipments were answered with {}",
                answer.status
            )),
            Err(outcome) => Err(format!(
                "the shipments could not be read: {}",
                outcome.message
            )),
        }
    }

    /// The address comes from outside, so only its query is used: credentials go nowhere but to the
    /// configured address.
    fn address(&self, url: &str) -> Result<String, String> {
        let url = url::Url::parse(url).map_err(|_| "the notification has no URL".to_owned())?;
        if !url.path().ends_with("/shipments") {
            return Err("the notification points at something else than shipments".to_owned());
        }
        let query = url.query().unwrap_or_default();
        Ok(format!("{}/shipments?{query}", self.base_url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_to_the_configured_address_only() {
        let options = ProviderOptions {
            name: "shipstation".to_owned(),
            timeout_ms: 1_000,
            base_url: "http://127.0.0.1:1/shipstation".to_owned(),
            secrets: [("api_key", "k"), ("api_secret", "s")]
                .map(|(name, text)| (name.to_owned(), Secret::new(text)))
                .into(),
            ..ProviderOptions::default()
        };
        let notices = Notices::new(&options).expect("good options");
        let address = |url: &str| notices.address(url);
        assert_eq!(
            address("https://evil.example/x/shipments?batchId=7"),
            Ok("http://127.0.0.1:1/shipstation/shipments?batchId=7".to_owned())
        );
        assert!(address("https://ssapi6.shipstation.com/orders?batchId=7").is_err());
        assert!(address("shipments").is_err());
    }
}
