//! The sizes of a recurrent network that a weight file is of, from the shapes of its tensors: weights say by themselves how many
//! numbers a frame of each stream has.

use std::collections::HashMap;

use crate::task::keypoints::model::sizes::Stream;

/// What a weight file says of its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its streams, in the order of the file.
    pub streams: Vec<Stream>,
    /// The memory of each stream.
    pub hidden: usize,
    /// The recurrent layers of each stream.
    pub layers: usize,
    /// The numbers that describe a frame.
    pub embedding: usize,
    /// How many classes it tells apart.
    pub classes: usize,
}

impl Found {
    /// The sizes by names and shapes; none if these are not the tensors of such a network.
    #[must_use]
    pub fn of(shapes: &[(String, Vec<usize>)]) -> Option<Self> {
        let by_name: HashMap<&str, &[usize]> =
            shapes.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
        let matrix = |name: &str| match by_name.get(name) {
            Some([outputs, inputs]) => Some([*outputs, *inputs]),
            _ => None,
        };
        let streams: Vec<Stream> = shapes.iter().filter_map(|(name, shape)| stream(name, shape)).collect();
        let lstm = format!("encoder.{}_branch.lstm", streams.first()?.name);
        let [embedding, _] = matrix("encoder.fusion.0.weight")?;
        let [classes, _] = matrix("classifier.weight")?;
        let [_, hidden] = matrix(&format!("{lstm}.weight_hh_l0"))?;
        let layers = (0..).take_while(|layer| matrix(&format!("{lstm}.weight_hh_l{layer}")).is_some()).count();
        Some(Self { streams, hidden, layers, embedding, classes })
    }
}

/// The stream whose first projection this is.
fn stream(name: &str, shape: &[usize]) -> Option<Stream> {
    let (stream, part) = name.strip_prefix("encoder.")?.split_once("_branch.")?;
    match (part, shape) {
        ("input_proj.weight" | "input_proj.0.weight", [_, inputs]) => {
            Some(Stream { name: stream.to_owned(), inputs: i64::try_from(*inputs).ok()? })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::network::Network;
    use crate::task::keypoints::model::config::LstmConfig;
    use crate::task::keypoints::model::lstm::Lstm;
    use crate::task::keypoints::model::sizes::Sizes;

    #[test]
    fn weights_tell_their_streams_and_sizes() {
        let streams = [("hand", 126), ("upper_body", 99), ("face", 1404)];
        let streams: Vec<_> = streams.map(|(name, inputs)| Stream { name: name.into(), inputs }).into();
        let sizes = Sizes { streams: streams.clone(), labels: vec![String::new(); 7], frames: 1 };
        let config = LstmConfig { hidden: 16, layers: 3, embedding: 24, ..LstmConfig::default() };
        let layout = Lstm { sizes, config }.layout();
        let shape = |shape: &[i64]| shape.iter().map(|side| *side as usize).collect();
        let shapes: Vec<_> = layout.parameters.iter().map(|spec| (spec.name.clone(), shape(&spec.shape))).collect();
        let expected = Found { streams, hidden: 16, layers: 3, embedding: 24, classes: 7 };
        assert_eq!(Found::of(&shapes), Some(expected));
        assert_eq!(Found::of(&[("classifier.weight".into(), vec![7, 24])]), None);
    }
}
