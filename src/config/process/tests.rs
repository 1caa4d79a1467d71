//! Process files as their writers meet them.

mod callbacks;

use super::*;
use crate::adapters::call::Call;
use crate::adapters::options::OptionsError;
use crate::adapters::outcome::Outcome;
use crate::adapters::provider::Provider;
use crate::types::effect::EffectKind;
use crate::types::pipeline::{PaymentMode, StepKind};
use futures_util::future::{BoxFuture, FutureExt};
use std::sync::Arc;

struct Nothing(&'static [EffectKind]);

impl Provider for Nothing {
    fn kinds(&self) -> &'static [EffectKind] {
        self.0
    }
    fn call<'a>(&'a self, _: &'a Call) -> BoxFuture<'a, Outcome> {
        async { Outcome::absent() }.boxed()
    }
}

const PAYS: &[EffectKind] = &[
    EffectKind::PaymentAuthorise,
    EffectKind::PaymentQuery,
    EffectKind::PaymentCapture,
    EffectKind::PaymentVoid,
    EffectKind::PaymentRefund,
];

fn build(options: &ProviderOptions) -> Result<Arc<dyn Provider>, OptionsError> {
    if options.kind == "pay" {
        options.secret("key")?;
    }
    Ok(Arc::new(Nothing(&[])))
}

fn kind(name: &'static str, effects: &'static [EffectKind]) -> Kind {
    Kind {
        name,
        effects,
        timeout_ms: 3_000,
        secrets: &["key"],
        settings: &["account"],
        build,
    }
}

fn kinds() -> Vec<Kind> {
    vec![
        kind("builtin", &[EffectKind::FraudScore]),
        kind("pay", PAYS),
        kind("carrier", &[EffectKind::Label, EffectKind::LabelCancel]),
        kind("mail", &[EffectKind::Notify, EffectKind::Alert]),
        kind("erp", &[EffectKind::Webhook]),
        kind("crm", &[EffectKind::CrmUpdate, EffectKind::CrmCorrect]),
    ]
}

/// A secret that every test may name.
fn secret_file(directory: &Path) -> String {
    let path = directory.join("key");
    std::fs::write(&path, "sk_live_canary\n").expect("a written file");
    format!("{{ file = {:?} }}", path.display().to_string())
}

fn base(directory: &Path) -> String {
    let key = secret_file(directory);
    format!(
        "[providers.builtin]\n[providers.stripe]\nkind = \"pay\"\nsecrets.key = {key}\n\
         [providers.backup]\nkind = \"pay\"\nsecrets.key = {key}\n\
         [providers.easypost]\nkind = \"carrier\"\n\
         [steps]\nfraud = [\"builtin\"]\npayment = [\"stripe\", \"backup\"]\n\
         labels = [\"easypost\"]\n"
    )
}

fn parsed(text: &str) -> Result<ProcessConfig, ConfigError> {
    ProcessConfig::parse(Path::new("process.toml"), text, &kinds())
}

/// The error of the base file with `more` behind it; the line is counted within `more`.
fn refused(more: &str, line: usize, parts: &[&str]) {
    let directory = tempfile::tempdir().expect("a directory");
    let base = base(directory.path());
    let error = parsed(&format!("{base}{more}"))
        .expect_err(more)
        .to_string();
    let place = format!("process.toml line {}: ", base.lines().count() + line);
    assert!(error.starts_with(&place), "{error:?} is not at {place:?}");
    for part in parts {
        assert!(error.contains(part), "{error:?} lacks {part:?}");
    }
    assert!(!error.contains("canary"), "{error:?} shows a secret");
}

#[test]
fn naming_the_providers_of_the_steps_gives_the_built_in_pipelines() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = format!(
        "{}[routing]\nsettled_channels = [7]\ncod_channels = [9]\nhome_countries = [\"DE\"]\n",
        base(directory.path())
    );
    let config = parsed(&text).expect("a good file");
    let set = &config.set;
    let names: Vec<&str> = set.pipelines.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, defaults::NAMES);
    let standard = &set.pipelines[0];
    let kinds: Vec<StepKind> = standard.steps.iter().map(|step| step.kind).collect();
    assert_eq!(
        kinds,
        [StepKind::Fraud, StepKind::Payment, StepKind::Fulfilment]
    );
    let by_name = |places: &[u8]| -> Vec<&str> {
        let name = |place: &u8| set.providers[usize::from(*place)].as_str();
        places.iter().map(name).collect()
    };
    assert_eq!(by_name(&standard.steps[1].providers), ["stripe", "backup"]);
    assert_eq!(set.pipelines[1].payment, PaymentMode::ChannelSettled);
    assert_eq!(set.pipelines[2].payment, PaymentMode::CashOnDelivery);
    let routes: Vec<&str> = set
        .routes
        .iter()
        .map(|route| names[usize::from(route.pipeline)])
        .collect();
    assert_eq!(
        routes,
        ["channel_settled", "cod", "custom_handling", "international"]
    );
    assert_eq!(config.providers.len(), 4);
    let stripe = config.providers.iter().find(|p| p.name == "stripe");
    let stripe = stripe.expect("a provider");
    assert_eq!((stripe.timeout_ms, stripe.concurrency), (3_000, 64));
    assert_eq!(stripe.secrets["key"].reveal(), "sk_live_canary");
    assert!(!format!("{config:?}").contains("canary"));
}

#[test]
fn a_provider_of_a_region_has_its_kind_before_the_sign() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "[providers.\"easypost@eu\"]\nkind = \"carrier\"\n[providers.\"builtin@us\"]\n\
                [steps]\nfraud = [\"builtin@us\"]\npayment = [\"stripe\", \"backup\"]\n\
                labels = [\"easypost@eu\"]\n";
    let base = base(directory.path());
    let (providers, _) = base
        .split_once("[providers.easypost]")
        .expect("it is there");
    let (_, providers) = providers.split_once('\n').expect("builtin stands first");
    let config = parsed(&format!("{providers}{text}")).expect("a good file");
    for (name, kind) in [("easypost@eu", "carrier"), ("builtin@us", "builtin")] {
        let found = config.providers.iter().find(|it| it.name == name);
        assert_eq!(found.expect("it is there").kind, kind);
    }
    for name in ["a@b@c", "@eu", "stripe@"] {
        refused(
            &format!("[providers.\"{name}\"]\n"),
            1,
            &["cannot be the name"],
        );
    }
}

#[test]
fn a_pipeline_says_whether_its_method_takes_the_money_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let steps = "steps = [{ kind = \"payment\", providers = [\"stripe\", \"backup\"] }]\n";
    let standard = format!("[[pipelines]]\nname = \"standard\"\nmethod = \"one_step\"\n{steps}");
    let config = parsed(&format!("{}{standard}", base(directory.path()))).expect("a good file");
    assert_eq!(config.set.pipelines[0].payment, PaymentMode::OneStep);
    let other = standard.replace("one_step", "later");
    refused(
        &other,
        3,
        &["`standard`", "two_step", "one_step", "`later`"],
    );
    let settled = "[[pipelines]]\nname = \"settled\"\npayment = \"channel_settled\"\n\
                   method = \"one_step\"\nsteps = []\n";
    refused(settled, 4, &["`settled`", "no processor takes the money"]);
}

#[test]
fn own_pipelines_replace_built_in_ones_of_their_name_and_come_behind_the_others() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = format!(
        "{}[providers.erp]\n[[routes]]\npipeline = \"big\"\nwhen = {{ amount_min = 100_000 }}\n\
         [[pipelines]]\nname = \"big\"\n\
         steps = [\n {{ kind = \"webhook\", name = \"tax\", providers = [\"erp\"], when = {{ \
         countries = [\"US\"], score_max = 50 }} }},\n\
         {{ kind = \"payment\", providers = [\"stripe\"], backup = false }},\n]\n\
         [[pipelines]]\nname = \"cod\"\npayment = \"cash_on_delivery\"\n\
         steps = [{{ kind = \"fulfilment\", providers = [\"easypost\"] }}]\n",
        base(directory.path())
    );
    let set = parsed(&text).expect("a good file").set;
    let names: Vec<&str> = set.pipelines.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names[..5], *defaults::NAMES);
    assert_eq!(names[5], "big");
    assert_eq!(set.pipelines[2].steps.len(), 1, "cod without fraud");
    assert_eq!(set.routes[0].pipeline, 5);
    let tax = &set.pipelines[5].steps[0];
    assert_eq!((tax.name.as_str(), tax.kind), ("tax", StepKind::Webhook));
    assert_eq!((tax.when.score_max, &tax.when.countries[0]), (50, b"US"));
}

#[test]
fn errors_name_file_and_line_and_what_to_write() {
    refused("[routign]\n", 1, &["routign", "routing"]);
    refused(
        "[providers.x]\nkind = \"paypal\"\n",
        2,
        &["`paypal`", "pay, carrier"],
    );
    refused(
        "[providers.Stripe]\nkind = \"pay\"\n",
        1,
        &["`Stripe`", "lower-case"],
    );
    refused(
        "[providers.x]\nkind = \"pay\"\n",
        1,
        &["secret `key` is missing"],
    );
    refused(
        "[providers.x]\nkind = \"carrier\"\nsettings.acount = \"1\"\n",
        3,
        &["setting `acount`", "not known"],
    );
    refused(
        "[providers.x]\nkind = \"carrier\"\ntimeout_ms = 5\n",
        3,
        &["timeout_ms", "out of range", "10 to 120000"],
    );
    refused(
        "[providers.x]\nkind = \"carrier\"\nbase_url = \"https://me:sk_canary@x\"\n",
        3,
        &["holds a password", "secrets"],
    );
    refused(
        "[providers.x]\nkind = \"carrier\"\n",
        1,
        &["serves nothing"],
    );
    refused(
        "[settings]\nattempts = 11\n",
        2,
        &["`attempts` 11", "1 to 10"],
    );
    refused(
        "[settings]\nreview_from_score = 90\n",
        2,
        &["decline_above_score", "below"],
    );
    refused("[settings]\nretry_delays_ms = [1]\n", 2, &["three waits"]);
    refused(
        "[messages]\nshiped = []\n",
        2,
        &["milestone `shiped`", "shipped"],
    );
    refused(
        "[messages]\nshipped = [\"easypost\"]\n",
        2,
        &["`easypost`", "cannot do `notify`"],
    );
    refused(
        "[routing]\nhome_countries = [\"Germany\"]\n",
        2,
        &["`Germany`", "two capital letters"],
    );
}

#[test]
fn routes_that_no_order_can_take_are_refused() {
    let all = "[[routes]]\npipeline = \"cod\"\n";
    refused(
        &format!("{all}[[routes]]\npipeline = \"standard\"\nwhen = {{ channels = [1] }}\n"),
        3,
        &["never taken", "route 1"],
    );
    refused(
        "[[routes]]\npipeline = \"cod\"\nwhen = { score_min = 50 }\n",
        1,
        &["never taken", "no score yet"],
    );
    refused("[[routes]]\npipeline = \"code\"\n", 2, &["`code`", "cod, "]);
    refused(
        "[[routes]]\npipeline = \"cod\"\nwhen = { amount_min = 5, amount_max = 4 }\n",
        3,
        &["never holds"],
    );
    refused(
        "[[pipelines]]\nname = \"alone\"\npayment = \"channel_settled\"\n\
         steps = [{ kind = \"fulfilment\", providers = [\"easypost\"] }]\n",
        2,
        &["`alone`", "no route"],
    );
}

#[test]
fn pipelines_that_would_lose_money_or_goods_are_refused() {
    let pipeline = |body: &str| format!("[[pipelines]]\nname = \"standard\"\n{body}");
    let pay = "{ kind = \"payment\", providers = [\"stripe\", \"backup\"] }";
    let send = "{ kind = \"fulfilment\", providers = [\"easypost\"] }";
    for (body, line, parts) in [
        (
            "steps = [{ kind = \"payment\", providers = [\"stripe\"] }]\n".to_owned(),
            3,
            ["no backup", "backup = false"],
        ),
        (
            format!("steps = [{send}]\n"),
            2,
            ["no payment step", "standard"],
        ),
        (
            format!("steps = [{send}, {pay}]\n"),
            3,
            ["sent before", "paid"],
        ),
        (
            format!("payment = \"channel_settled\"\nsteps = [{pay}]\n"),
            4,
            ["a payment step", "processor"],
        ),
        ("steps = []\n".to_owned(), 2, ["no steps", "standard"]),
        (
            format!("steps = [{pay}, {pay}]\n"),
            3,
            ["called `payment`", "two"],
        ),
        (
            "steps = [{ kind = \"pament\" }]\n".to_owned(),
            3,
            ["`pament`", "payment"],
        ),
        (
            "steps = [{ kind = \"payment\", providers = [\"strip\"] }]\n".to_owned(),
            3,
            ["`strip`", "stripe"],
        ),
        (
            "steps = [{ kind = \"payment\", providers = [\"easypost\"] }]\n".to_owned(),
            3,
            ["`easypost`", "payment_authorise"],
        ),
        (
            format!("steps = [{pay}, {{ kind = \"fulfilment\" }}]\n"),
            3,
            ["no provider", "fulfilment"],
        ),
    ] {
        refused(&pipeline(&body), line, &parts);
    }
    let twice = format!("{0}{0}", pipeline(&format!("steps = [{pay}]\n")));
    refused(&twice, 5, &["stands twice"]);
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    for given in ["\"sk_canary\"", "{ inline = \"sk_canary\" }", "5"] {
        let text = format!("[providers.x]\nkind = \"pay\"\nsecrets.key = {given}\n");
        refused(&text, 3, &["not written into this file", "env", "file"]);
    }
    refused(
        "[providers.x]\nkind = \"pay\"\nsecrets.key = { env = \"ONHAND_TEST_UNSET\" }\n",
        3,
        &["secret `key`", "ONHAND_TEST_UNSET"],
    );
}

#[test]
fn without_any_pipeline_nothing_starts() {
    let error = parsed("[settings]\nattempts = 3\n").expect_err("no pipeline");
    assert!(error.to_string().contains("[steps]"), "{error}");
}

#[test]
fn a_published_credential_is_for_loopback_only() {
    let text = "[providers.pay]\nbase_url = \"https://api.example.com\"\n\
                secrets = { key = { published = \"x\" } }\n";
    let error = ProcessConfig::parse(Path::new("p.toml"), text, &kinds()).unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("line 3") && said.contains("loopback"),
        "{said}"
    );
}

/// What `onhand pipelines init` prints, with its secrets in files that exist.
fn default_file_with_secrets(directory: &Path) -> String {
    let path = directory.join("any");
    // Takes the form of a key and of Slack's address.
    std::fs::write(&path, "/services/T0/B0/canary").expect("a written file");
    let key = format!("{{ file = {:?} }}", path.display().to_string());
    let text = render::default_file();
    let mut out = String::new();
    for line in text.lines() {
        let start = line.find("{ env =").or_else(|| line.find("{ file ="));
        match (start, line.rfind('}')) {
            (Some(start), Some(end)) if !line.starts_with('#') => {
                out.push_str(&line[..start]);
                out.push_str(&key);
                out.push_str(&line[end + 1..]);
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

#[test]
fn the_file_to_start_from_lacks_only_its_secrets() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = default_file_with_secrets(directory.path());
    let config = ProcessConfig::parse(Path::new("p.toml"), &text, KINDS).expect("a good file");
    assert_eq!(config.set.settings, ProcessSettings::default());
    assert!(config.warnings().is_empty());
    let error = ProcessConfig::parse(Path::new("p.toml"), &render::default_file(), KINDS);
    let error = error.expect_err("no secrets are set").to_string();
    assert!(error.contains("set the environment variable"), "{error}");
    // Every figure stands in it at its default.
    let mut uncommented = text.clone();
    let figures = uncommented.split_off(uncommented.find("[settings]").expect("a table"));
    for line in figures.lines() {
        uncommented.push_str(match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => setting,
            _ => line,
        });
        uncommented.push('\n');
    }
    let again = ProcessConfig::parse(Path::new("p.toml"), &uncommented, KINDS).expect("good");
    assert_eq!(again.set, config.set);
}

#[test]
fn what_is_shown_names_the_way_of_every_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = format!(
        "{}[[routes]]\npipeline = \"cod\"\nwhen = {{ amount_min = 5, channels = [3] }}\n",
        base(directory.path())
    );
    let shown = render::show(&parsed(&text).expect("a good file"));
    assert!(
        shown.contains("amount 5 or more and channel 3 → cod"),
        "{shown}"
    );
    assert!(shown.contains("every other order → standard"), "{shown}");
    assert!(shown.contains("2. payment: stripe, then backup"), "{shown}");
}

/// `docs/PIPELINES.md` is made from the same tables; `ONHAND_BLESS=1` rewrites it.
#[test]
fn the_page_about_pipelines_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PIPELINES.md");
    let current = render::markdown();
    if std::env::var_os("ONHAND_BLESS").is_some() {
        std::fs::write(&path, current).expect("a written page");
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == current,
        "run `ONHAND_BLESS=1 cargo test` and commit the page"
    );
}

#[test]
fn everything_of_the_sandbox_profile_is_served_below_the_sandbox() {
    let address = "127.0.0.1:7".parse().expect("an address");
    let config = ProcessConfig::sandbox(address, &ChannelMoney::default()).expect("a good file");
    for provider in config.providers.iter().filter(|p| p.kind != "builtin") {
        let expected = format!("http://{address}/{}", provider.name);
        assert_eq!(provider.base_url, expected, "adapters add their own paths");
    }
    let settings = &config.set.settings;
    assert_eq!((settings.return_ms, settings.jitter_percent), (1_000, 0));
}
