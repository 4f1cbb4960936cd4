//! Which files hold images and which their labels, by their names.

use std::collections::BTreeSet;

use super::Unusable;
use crate::data::split::Side;

/// Words in a name, and the side that they mean.
const SIDES: [(&str, Side); 4] =
    [("train", Side::Train), ("t10k", Side::Test), ("test", Side::Test), ("val", Side::Val)];

/// What a file or an array holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Images,
    Labels,
}

/// The side that a name says.
pub(super) fn side(name: &str) -> Option<Side> {
    first_side(name).map(|(_, side)| side)
}

fn first_side(name: &str) -> Option<(usize, Side)> {
    let name = name.to_ascii_lowercase();
    SIDES.iter().filter_map(|(word, side)| Some((name.find(word)?, *side))).min_by_key(|(place, _)| *place)
}

/// What a name says about the content: `train-images`, `y_test`, `kmnist-train-imgs`.
pub(super) fn role(name: &str) -> Option<Role> {
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> = name.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    let is = |known: &[&str]| words.iter().any(|word| known.contains(word));
    match () {
        () if is(&["images", "image", "imgs", "img", "x", "xtrain", "xtest", "pixels"]) => Some(Role::Images),
        () if is(&["labels", "label", "y", "ytrain", "ytest", "targets"]) => Some(Role::Labels),
        () => None,
    }
}

/// The file's own name.
pub(super) fn own(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Refuses files of several datasets: their labels mean different things.
pub(super) fn one_dataset(paths: &[&str]) -> Result<(), Unusable> {
    let prefix = |path: &&str| {
        let name = own(path);
        let end = first_side(name).map(|(place, _)| place)?;
        Some(name[..end].trim_end_matches(['-', '_', '.']).to_owned())
    };
    let prefixes: BTreeSet<String> = paths.iter().filter_map(prefix).collect();
    if prefixes.len() < 2 {
        return Ok(());
    }
    let names = prefixes.iter().map(|prefix| format!("{prefix:?}")).collect::<Vec<_>>().join(", ");
    let reason = format!("has the files of several datasets ({names}); give a folder with the files of one of them");
    Err(Unusable::new("", reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_side_and_role() {
        assert_eq!(
            (side("t10k-images-idx3-ubyte"), role("t10k-images-idx3-ubyte")),
            (Some(Side::Test), Some(Role::Images))
        );
        assert_eq!((side("y_train"), role("y_train")), (Some(Side::Train), Some(Role::Labels)));
        assert_eq!((side("arr_0"), role("arr_0")), (None, None));
        assert_eq!(role("kmnist-test-imgs"), Some(Role::Images));
    }

    #[test]
    fn files_of_several_datasets_are_refused() {
        let emnist = ["a/emnist-digits-train-images-idx3-ubyte", "a/emnist-letters-train-images-idx3-ubyte"];
        assert!(one_dataset(&emnist).unwrap_err().reason.contains(r#""emnist-digits", "emnist-letters""#));
        assert_eq!(one_dataset(&["mnist_train.csv", "mnist_test.csv"]), Ok(()));
    }
}
