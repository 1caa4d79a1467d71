//! The first layout of an archived set, for journals that were written before orders could wait
//! for stock.

use super::{CaptureOn, Message, Pipeline, PipelineSet, ProcessSettings, Route};
use rkyv::{Archive, Deserialize, Serialize};

/// [`PipelineSet`] as it was.
#[derive(Archive, Serialize, Deserialize)]
struct SetV1 {
    providers: Vec<String>,
    pipelines: Vec<Pipeline>,
    routes: Vec<Route>,
    messages: Vec<Message>,
    alert_providers: Vec<u8>,
    crm_providers: Vec<u8>,
    settings: SettingsV1,
}

/// [`ProcessSettings`] as they were.
#[derive(Archive, Serialize, Deserialize)]
struct SettingsV1 {
    pin_ms: u64,
    review_ms: u64,
    backorder_ms: u64,
    park_ms: u64,
    ship_ms: u64,
    carrier_ms: u64,
    return_ms: u64,
    retry_delays_ms: [u64; 3],
    jitter_percent: u8,
    attempts: u8,
    compensation_attempts: u8,
    compensation_wait_max_ms: u64,
    review_from_score: u8,
    decline_above_score: u8,
    fail_open_below: u64,
    capture_on: CaptureOn,
    buyer_retries: u8,
    breaker_failures: u8,
    breaker_open_ms: u64,
    breaker_open_max_ms: u64,
    breaker_probes: u8,
    breaker_probe_ms: u64,
    slow_factor: u8,
    slow_window: u8,
    alert_window_ms: u64,
}

/// The set in these bytes; what they do not say is as by default.
pub(super) fn read(bytes: &[u8]) -> Option<PipelineSet> {
    let old = rkyv::from_bytes::<SetV1, rkyv::rancor::Error>(bytes).ok()?;
    let settings = old.settings;
    Some(PipelineSet {
        providers: old.providers,
        pipelines: old.pipelines,
        routes: old.routes,
        messages: old.messages,
        alert_providers: old.alert_providers,
        crm_providers: old.crm_providers,
        settings: ProcessSettings {
            pin_ms: settings.pin_ms,
            review_ms: settings.review_ms,
            backorder_ms: settings.backorder_ms,
            park_ms: settings.park_ms,
            ship_ms: settings.ship_ms,
            carrier_ms: settings.carrier_ms,
            return_ms: settings.return_ms,
            retry_delays_ms: settings.retry_delays_ms,
            jitter_percent: settings.jitter_percent,
            attempts: settings.attempts,
            compensation_attempts: settings.compensation_attempts,
            compensation_wait_max_ms: settings.compensation_wait_max_ms,
            review_from_score: settings.review_from_score,
            decline_above_score: settings.decline_above_score,
            fail_open_below: settings.fail_open_below,
            capture_on: settings.capture_on,
            buyer_retries: settings.buyer_retries,
            breaker_failures: settings.breaker_failures,
            breaker_open_ms: settings.breaker_open_ms,
            breaker_open_max_ms: settings.breaker_open_max_ms,
            breaker_probes: settings.breaker_probes,
            breaker_probe_ms: settings.breaker_probe_ms,
            slow_factor: settings.slow_factor,
            slow_window: settings.slow_window,
            alert_window_ms: settings.alert_window_ms,
            ..ProcessSettings::default()
        },
        ..PipelineSet::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::pipeline::PIPELINES_ARCHIVE_VERSION;

    #[test]
    fn a_set_of_the_first_layout_is_read_with_defaults_for_what_it_does_not_say() {
        let new = PipelineSet {
            providers: vec!["stripe".to_owned()],
            pipelines: vec![Pipeline::default()],
            ..PipelineSet::default()
        };
        let settings = ProcessSettings {
            pin_ms: 7,
            alert_window_ms: 9,
            ..ProcessSettings::default()
        };
        let old = SetV1 {
            providers: new.providers.clone(),
            pipelines: new.pipelines.clone(),
            routes: Vec::new(),
            messages: Vec::new(),
            alert_providers: Vec::new(),
            crm_providers: Vec::new(),
            settings: SettingsV1 {
                pin_ms: settings.pin_ms,
                review_ms: settings.review_ms,
                backorder_ms: settings.backorder_ms,
                park_ms: settings.park_ms,
                ship_ms: settings.ship_ms,
                carrier_ms: settings.carrier_ms,
                return_ms: settings.return_ms,
                retry_delays_ms: settings.retry_delays_ms,
                jitter_percent: settings.jitter_percent,
                attempts: settings.attempts,
                compensation_attempts: settings.compensation_attempts,
                compensation_wait_max_ms: settings.compensation_wait_max_ms,
                review_from_score: settings.review_from_score,
                decline_above_score: settings.decline_above_score,
                fail_open_below: settings.fail_open_below,
                capture_on: settings.capture_on,
                buyer_retries: settings.buyer_retries,
                breaker_failures: settings.breaker_failures,
                breaker_open_ms: settings.breaker_open_ms,
                breaker_open_max_ms: settings.breaker_open_max_ms,
                breaker_probes: settings.breaker_probes,
                breaker_probe_ms: settings.breaker_probe_ms,
                slow_factor: settings.slow_factor,
                slow_window: settings.slow_window,
                alert_window_ms: settings.alert_window_ms,
            },
        };
        let bytes = rkyv::to_bytes::<rkyv::rancor::Error>(&old).unwrap();
        let read = PipelineSet::from_archive(1, &bytes);
        assert_eq!(read, Some(PipelineSet { settings, ..new }));
        assert_ne!(PIPELINES_ARCHIVE_VERSION, 1);
    }
}
