//! The network against PyTorch's, with the values of `tests/fixtures/nn/make.py`.

use tch::Kind;

use crate::nn::precision::Precision;
use crate::nn::testing::{fixture, relative_error};
use crate::task::nowcast::config::{Attention, Norm, NowcastConfig};
use crate::task::nowcast::model::testing::{loaded, parity, small};

fn config(norm: Norm) -> NowcastConfig {
    small(2, |config| {
        config.prepare.size = [9, 8];
        let model = config.model.convlstm();
        (model.norm, model.hidden) = (norm, vec![3, 4]);
    })
}

const FILES: [(Norm, &str); 3] = [
    (Norm::Layer, "convlstm_layer.safetensors"),
    (Norm::Group, "convlstm_group.safetensors"),
    (Norm::None, "convlstm_none.safetensors"),
];

#[test]
fn output_and_gradients_are_those_of_pytorch() {
    for (norm, file) in FILES {
        let (output, gradient) = parity(&config(norm), file, Precision::Fp32);
        assert!(output < 1e-6 && gradient < 1e-5, "{norm:?}: output {output:e}, gradient {gradient:e}");
    }
}

/// With the values of `make_attention.py`: the layers have no norm, so that what a state is to the next one is the attention's.
#[test]
fn with_attention_output_and_gradients_are_those_of_pytorch() {
    for (attention, file) in
        [(Attention::Cbam, "convlstm_cbam.safetensors"), (Attention::Memory, "convlstm_memory.safetensors")]
    {
        let mut config = config(Norm::None);
        (config.model.convlstm().attention, config.model.convlstm().hidden) = (attention, vec![18, 32]);
        let (output, gradient) = parity(&config, file, Precision::Fp32);
        assert!(output < 1e-6 && gradient < 1e-5, "{attention:?}: output {output:e}, gradient {gradient:e}");
        let (output, gradient) = parity(&config, file, Precision::Bf16);
        assert!(
            output > 1e-5 && output < 0.05 && gradient < 0.2,
            "{attention:?}: output {output:e}, gradient {gradient:e}"
        );
    }
}

/// Autocast rounds at other places, and a model of 3 channels averages little of it away: hence the factor.
#[test]
fn bf16_is_no_further_off_than_twice_pytorchs_autocast() {
    let text = std::fs::read_to_string(fixture("autocast.json")).unwrap();
    let autocast: serde_json::Value = serde_json::from_str(&text).unwrap();
    for ((norm, file), name) in FILES.into_iter().zip(["layer", "group", "none"]) {
        let allowed = |key: &str| 2.0 * autocast[name][key].as_f64().unwrap();
        let (output, gradient) = parity(&config(norm), file, Precision::Bf16);
        assert!(output < allowed("output"), "{norm:?}: output {output:e}");
        assert!(gradient < allowed("worst_gradient"), "{norm:?}: gradient {gradient:e}");
        assert!(output > 1e-5, "{norm:?}: it computed in fp32");
    }
}

#[test]
fn one_thread_and_two_agree_to_rounding_and_each_repeats_itself_bit_by_bit() {
    let run = |threads| {
        tch::set_num_threads(threads);
        let (network, parameters, expected) = loaded(&config(Norm::Layer), "convlstm_layer.safetensors");
        let input = expected["input"].repeat([1, 1, 1, 4, 4]).narrow(3, 0, 9).narrow(4, 0, 8);
        network.forward(&input, Precision::Fp32).square().mean(Kind::Float).backward();
        parameters.gradients()
    };
    let (one, two) = (run(1), run(2));
    assert!(run(1).equal(&one) && run(2).equal(&two));
    assert!(relative_error(&two, &one) < 1e-6);
    tch::set_num_threads(1);
}
