//! The second layout of an archived set, for journals that were written before sold orders could
//! take units from holds.

use super::{Message, Pipeline, PipelineSet, ProcessSettings, Route};
use rkyv::{Archive, Deserialize, Serialize};

/// [`PipelineSet`] as it was.
#[derive(Archive, Serialize, Deserialize)]
struct SetV2 {
    providers: Vec<String>,
    pipelines: Vec<Pipeline>,
    routes: Vec<Route>,
    messages: Vec<Message>,
    alert_providers: Vec<u8>,
    crm_providers: Vec<u8>,
    settings: ProcessSettings,
}

/// The set in these bytes; what they do not say is as by default.
pub(super) fn read(bytes: &[u8]) -> Option<PipelineSet> {
    let old = rkyv::from_bytes::<SetV2, rkyv::rancor::Error>(bytes).ok()?;
    Some(PipelineSet {
        providers: old.providers,
        pipelines: old.pipelines,
        routes: old.routes,
        messages: old.messages,
        alert_providers: old.alert_providers,
        crm_providers: old.crm_providers,
        settings: old.settings,
        ..PipelineSet::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::pipeline::{BackorderRule, PIPELINES_ARCHIVE_VERSION};

    #[test]
    fn a_set_of_the_second_layout_is_read_and_its_holds_are_safe() {
        let settings = ProcessSettings {
            backorder: BackorderRule::Skip,
            ..ProcessSettings::default()
        };
        let old = SetV2 {
            providers: vec!["stripe".to_owned()],
            pipelines: vec![Pipeline::default()],
            routes: Vec::new(),
            messages: vec![Message::default()],
            alert_providers: vec![0],
            crm_providers: Vec::new(),
            settings: settings.clone(),
        };
        let bytes = rkyv::to_bytes::<rkyv::rancor::Error>(&old).unwrap();
        let expected = PipelineSet {
            providers: old.providers.clone(),
            pipelines: old.pipelines.clone(),
            messages: old.messages.clone(),
            alert_providers: vec![0],
            settings,
            facts_preempt_holds: false,
            ..PipelineSet::default()
        };
        assert_eq!(PipelineSet::from_archive(2, &bytes), Some(expected));
        assert_ne!(PIPELINES_ARCHIVE_VERSION, 2);
    }
}
