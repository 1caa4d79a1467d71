//! A stage behind a token file, with something to do on every page.

use super::{Stage, TENANT, channels_file};
use crate::it::channel_webhooks::rig::hex;
use crate::it::channel_webhooks::unaddressed::message;
use crate::it::web::send;
use onhand::net::token::Token;
use onhand::types::Role;
use serde_json::json;
use std::io::Write as _;
use std::path::Path;

/// What the messages of the channel for WhatsApp are signed with.
const SECRET: &str = "messages-secret";

impl Stage {
    /// Two shops, as [`Stage::with_channels`], and orders by message; with the tokens of an operator
    /// and of somebody who may only read.
    pub fn with_roles() -> (Self, [String; 2]) {
        let draw = |name, role| Token::draw(name, role, TENANT).expect("a token");
        let tokens = [
            draw("stage", Role::Admin),
            draw("desk", Role::Operator),
            draw("reader", Role::ReadOnly),
        ];
        let lines: Vec<String> = tokens.iter().map(|(_, token)| token.to_line()).collect();
        let [own, desk, reader] = tokens.map(|(secret, _)| secret);
        let stage = Self::start_as(&own, 600_000, |config, sandbox, directory| {
            let file = directory.join("tokens");
            std::fs::write(&file, lines.join("\n") + "\n").expect("written");
            config.token_file = Some(file);
            let channels = channels_file(directory, sandbox);
            add_messages(&channels, directory);
            config.channels = Some(channels);
        });
        for (number, place) in [(1, "shopify"), (2, "woocommerce")] {
            stage.sell_at(number, place);
        }
        (stage, [desk, reader])
    }

    /// A message orders two mugs and does not say where they are to go.
    pub fn order_by_message(&self) {
        let mug = json!({ "item": "MUG", "sku": "mug-red", "write_back": { "price": "1990" } });
        self.change("PUT", "/v1/mappings/5", &json!({ "mappings": [mug] }));
        let body = message("wamid.1");
        let signature = format!("sha256={}", hex(SECRET, &[body.as_bytes()]));
        let headers = [("x-hub-signature-256", signature.as_str())];
        let path = "/webhooks/whatsapp/106000";
        send(self.http, "POST", path, &headers, body.as_bytes()).is(200);
        self.until("/v1/review", |told| {
            told.to_string().contains("address_missing")
        });
    }
}

/// Adds a channel of WhatsApp to a channels file.
fn add_messages(channels: &Path, directory: &Path) {
    let secret = directory.join("messages-secret");
    std::fs::write(&secret, SECRET).expect("written");
    let secret = format!("{{ file = \"{}\" }}", secret.display());
    let mut file = std::fs::File::options()
        .append(true)
        .open(channels)
        .expect("the channels file");
    let text = format!(
        "\n[[channel]]\nnumber = 5\nname = \"whatsapp\"\nkind = \"whatsapp\"\n\
         tenant = \"{TENANT}\"\nshop = \"106000\"\nwebhook_secrets = [{secret}]\n\
         verify_token = {secret}\npoll_seconds = 0\n"
    );
    file.write_all(text.as_bytes()).expect("written");
}
