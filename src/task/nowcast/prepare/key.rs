//! The folder of a prepared dataset: readable, and different for every set of options that changes its bytes.

use super::record::FORMAT;
use crate::data::prepare::key;
use crate::task::nowcast::config::{Method, PrepareConfig};

/// The folder's name, such as `dbz-250x250-mean-1f0c2a9b`.
///
/// Levels and the meaning of missing cells are not part of it: the dataset holds all levels and marks what is missing,
/// regardless of how they are used later.
#[must_use]
pub fn folder_name(config: &PrepareConfig) -> String {
    let [rows, columns] = config.size;
    let method = match config.method {
        Method::Mean => "mean",
        Method::MeanZ => "mean_z",
        Method::Max => "max",
        Method::Nearest => "nearest",
        Method::Bilinear => "bilinear",
    };
    let (min, max) = (config.min.to_bits(), config.max.to_bits());
    let all = format!("{FORMAT}/{}/{rows}/{columns}/{method}/{min}/{max}", config.variable);
    key::folder_name(&[&config.variable, &format!("{rows}x{columns}"), method], &all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::nowcast::config::{Levels, Missing};

    #[test]
    fn the_name_has_variable_size_and_method() {
        let name = folder_name(&PrepareConfig::default());
        assert!(name.starts_with("dbz-250x250-mean-") && name.len() == "dbz-250x250-mean-".len() + 8, "{name}");
    }

    #[test]
    fn every_option_that_changes_the_bytes_changes_the_name() {
        let standard = PrepareConfig::default();
        let name = folder_name(&standard);
        let others = [
            PrepareConfig { variable: "dbz".into(), ..standard.clone() },
            PrepareConfig { size: [250, 251], ..standard.clone() },
            PrepareConfig { method: Method::Max, ..standard.clone() },
            PrepareConfig { min: -30.0, ..standard.clone() },
            PrepareConfig { max: 65.5, ..standard.clone() },
        ];
        assert!(others.iter().all(|other| folder_name(other) != name));
    }

    #[test]
    fn what_is_decided_later_does_not() {
        let standard = PrepareConfig::default();
        let later =
            PrepareConfig { levels: Levels::Composite, missing: Missing::Mask, max_bad_share: 0.5, ..standard.clone() };
        assert_eq!(folder_name(&standard), folder_name(&later));
    }
}
