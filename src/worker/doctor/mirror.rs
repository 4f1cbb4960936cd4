//! The mirror, if one is configured: the only check that uses the network, and only to where training would copy.

use super::finding::Finding;
use crate::config::OutputConfig;
use crate::data::mirror::{MirrorError, probe};

/// Lists, writes, reads and deletes there. A malformed address is reported with the configuration.
pub(super) fn check(output: &OutputConfig) -> Option<Finding> {
    let address = output.mirror_address().ok()??;
    Some(finding(&address.to_string(), probe(&address)))
}

fn finding(shown: &str, probed: Result<(), MirrorError>) -> Finding {
    match probed {
        Ok(()) => Finding::ok("mirror", format!("{shown}: answers; listing, writing, reading and deleting work")),
        Err(error) => Finding::failed("mirror", shown, Some(error.to_string()), error.exit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::exit::Exit;

    #[test]
    fn a_folder_is_tried_and_left_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let output = |mirror: &str| OutputConfig { mirror: Some(mirror.into()), ..OutputConfig::default() };
        assert_eq!(check(&OutputConfig::default()), None);
        let found = check(&output(&format!("file://{}", root.path().display()))).unwrap();
        assert_eq!(found.exit, None, "{found:?}");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
        let refused = check(&output("file:///proc/copies")).unwrap();
        assert_ne!(refused.exit.unwrap_or(Exit::Done), Exit::Done, "{refused:?}");
    }
}
