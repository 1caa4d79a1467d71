//! How a provider's callbacks are known to be its own, and about whose orders they may be.

use super::*;

#[test]
fn callbacks_keep_several_secrets_and_the_settings_of_their_scheme() {
    let directory = tempfile::tempdir().expect("a directory");
    let key = secret_file(directory.path());
    let text = format!(
        "{}[providers.easypost.callback]\nsecrets = [{key}, {key}]\n\
         settings.header = \"x-sign\"\n",
        base(directory.path())
    );
    let config = parsed(&text).expect("a good file");
    let callback = &config.callbacks["easypost"];
    assert_eq!(
        (callback.kind.as_str(), callback.secrets.len()),
        ("carrier", 2)
    );
    assert_eq!(callback.settings["header"], "x-sign");
    assert_eq!(config.callbacks.len(), 1);
}

#[test]
fn the_tenant_of_a_callback_is_one_name_or_all_of_them() {
    let callback =
        |tenant: &str| format!("[providers.easypost.callback]\nsettings.tenant = \"{tenant}\"\n");
    for bad in ["", "acme*", "acme,globex"] {
        let parts = ["`easypost`", "`tenant`", "`*` for those of all"];
        refused(&callback(bad), 2, &parts);
    }
    let directory = tempfile::tempdir().expect("a directory");
    for good in ["acme", "acme/eu", "*"] {
        let text = base(directory.path()) + &callback(good);
        let config = parsed(&text).expect(good);
        assert_eq!(config.callbacks["easypost"].settings["tenant"], good);
    }
}
