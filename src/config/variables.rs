//! Environment variables whose names start with `FRAGUA_`: which ones exist, and what an unknown one probably means.
//! Variables that set keys start with `FRAGUA__`; what they set is decided in `overlay`.

use super::diagnostic::nearest;
use super::overlay::PREFIX;
use super::schema::schema;
use super::shape::Shape;

/// The start of the names of all our variables.
const START: &str = "FRAGUA_";

/// All variables that do not set a key: of the program, of the images and of the scripts. A test looks for others.
pub const KNOWN: [&str; 33] = [
    // The program.
    "FRAGUA_MIRROR_BEAT_SECONDS",
    "FRAGUA_MIRROR_PATIENCE_SECONDS",
    // Building it.
    "FRAGUA_COMMIT",
    "FRAGUA_KEEP_WHEELS",
    "FRAGUA_LIBTORCH_VERSION",
    // The entry points of the images.
    "FRAGUA_ARGS",
    "FRAGUA_DEV_ONCE",
    "FRAGUA_DEV_SOURCES",
    "FRAGUA_HOME",
    "FRAGUA_ONSTART_INIT",
    "FRAGUA_ONSTART_LOG",
    "FRAGUA_ONSTART_LOG_BYTES",
    "FRAGUA_ONSTART_SECOND",
    "FRAGUA_ONSTART_STATE",
    "FRAGUA_ON_FINISH",
    "FRAGUA_TOKEN",
    "FRAGUA_WORKSPACE",
    // Docker Compose.
    "FRAGUA_DATASETS",
    "FRAGUA_DEV_IMAGE",
    "FRAGUA_GID",
    "FRAGUA_IMAGE",
    "FRAGUA_OUTPUT",
    "FRAGUA_TENSORBOARD_IMAGE",
    "FRAGUA_UID",
    // Tests and checks.
    "FRAGUA_ADVISORY_DB",
    "FRAGUA_FUZZ",
    "FRAGUA_FUZZ_CASES",
    "FRAGUA_FUZZ_JOB",
    "FRAGUA_KILLS",
    "FRAGUA_REAL_RADAR",
    "FRAGUA_REAL_SIGNS",
    "FRAGUA_TEST_VASTAI",
    "FRAGUA_WRITE_FIXTURES",
];

/// Kubernetes describes each service to every container: a service named fragua gives FRAGUA_SERVICE_HOST, FRAGUA_PORT and more.
const SERVICE: [&str; 5] = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT", "_TCP", "_UDP"];

/// Whether a name looks like one of ours but does not exist.
pub fn is_unknown(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_service = SERVICE.iter().any(|word| upper.ends_with(word) || upper.contains(&format!("{word}_")));
    upper.starts_with(START) && !upper.starts_with(PREFIX) && !KNOWN.contains(&upper.as_str()) && !is_service
}

/// The variable for the key that an unknown name spells with other underscores or a slip of the fingers.
pub fn meant(name: &str, shape: &Shape) -> Option<String> {
    let wanted = squeezed(&name[START.len().min(name.len())..]);
    let keys = keys(shape);
    let distance = |key: &String| strsim::damerau_levenshtein(&wanted, &squeezed(key));
    let nearest = keys.iter().map(|key| (distance(key), key)).min_by_key(|(distance, _)| *distance)?;
    (nearest.0 <= wanted.len() / 6).then(|| variable(nearest.1))
}

/// Warnings about unknown variables that resemble no key and so can't be refused as mistakes: each with the reason and
/// the name that was perhaps meant.
#[must_use]
pub fn ignored<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<&str> = names.into_iter().filter(|name| is_unknown(name)).collect();
    if names.is_empty() {
        return Vec::new();
    }
    names.sort_unstable();
    let shape = Shape::of(&schema());
    names.iter().filter(|name| meant(name, &shape).is_none()).map(|name| line(name, &shape)).collect()
}

/// The path of the key that this word names.
#[must_use]
pub fn key_named(word: &str) -> Option<String> {
    let word = word.replace('-', "_");
    keys(&Shape::of(&schema())).into_iter().find(|path| path.rsplit('.').next() == Some(word.as_str()))
}

fn line(name: &str, shape: &Shape) -> String {
    let rest = name[START.len()..].to_lowercase();
    let home = shape.home_of(&rest).map(|home| variable(&super::tree::join(&home, &rest)));
    let known = || {
        let known = KNOWN.map(str::to_lowercase);
        nearest(name, known.iter().map(String::as_str)).map(str::to_uppercase)
    };
    match home.or_else(known) {
        Some(meant) => format!("the environment variable {name} is unknown and ignored; did you mean {meant}?"),
        None => {
            format!("the environment variable {name} is unknown and ignored; keys are set with {PREFIX}SECTION__KEY")
        }
    }
}

fn squeezed(name: &str) -> String {
    name.to_lowercase().chars().filter(|character| character.is_alphanumeric()).collect()
}

/// `FRAGUA__TRAIN__EPOCHS` for `train.epochs`.
fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "__").to_uppercase())
}

/// The paths of all keys that have a value of their own, outside of lists.
fn keys(shape: &Shape) -> Vec<String> {
    let fields = shape.fields().iter().map(|field| (&field.name, Some(&field.shape)));
    let variants = shape.variants().iter().map(|variant| (&variant.name, variant.payload.as_ref()));
    let mut all = Vec::new();
    for (name, below) in fields.chain(variants) {
        let below = below.map(keys).unwrap_or_default();
        if below.is_empty() {
            all.push(name.clone());
        }
        all.extend(below.iter().map(|rest| format!("{name}.{rest}")));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_other_underscores_or_a_slip_is_recognised() {
        let shape = Shape::of(&schema());
        for (name, key) in [
            ("FRAGUA_TRAIN_EPOCHS", "FRAGUA__TRAIN__EPOCHS"),
            ("fragua_train_epochs", "FRAGUA__TRAIN__EPOCHS"),
            ("FRAGUA_TRAIN__EPOHCS", "FRAGUA__TRAIN__EPOCHS"),
            ("FRAGUA_TRAIN_OPTIMIZER_ADAMW_LR", "FRAGUA__TRAIN__OPTIMIZER__ADAMW__LR"),
            ("FRAGUA_SEED", "FRAGUA__SEED"),
        ] {
            assert!(is_unknown(name), "{name}");
            assert_eq!(meant(name, &shape).as_deref(), Some(key), "{name}");
        }
        for name in ["FRAGUA_LOGLEVEL", "FRAGUA_", "FRAGUA_ARG"] {
            assert_eq!(meant(name, &shape), None, "{name}");
        }
    }

    #[test]
    fn a_word_finds_its_key() {
        assert_eq!(key_named("lr").as_deref(), Some("train.optimizer.adamw.lr"));
        assert_eq!(key_named("keep-last").as_deref(), Some("train.checkpoint.keep_last"));
        assert_eq!(key_named("nonsense"), None);
    }

    #[test]
    fn what_resembles_no_whole_key_is_ignored_aloud_and_what_others_set_in_silence() {
        let names = [
            "FRAGUA_ARG",
            "FRAGUA_EPOCHS",
            "FRAGUA_THIS_AND_THAT",
            "FRAGUA_TRAIN_EPOCHS",
            "FRAGUA_ARGS",
            "FRAGUA_SERVICE_HOST",
            "FRAGUA_PORT_80_TCP_ADDR",
            "FRAGUA_WEB_PORT",
            "FRAGUA__NONSENSE",
            "PATH",
        ];
        let told = ignored(names);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].ends_with("FRAGUA_ARG is unknown and ignored; did you mean FRAGUA_ARGS?"), "{told:?}");
        assert!(
            told[1].ends_with("FRAGUA_EPOCHS is unknown and ignored; did you mean FRAGUA__TRAIN__EPOCHS?"),
            "{told:?}"
        );
        assert!(told[2].ends_with("keys are set with FRAGUA__SECTION__KEY"), "{told:?}");
    }
}
