//! Parameters under autograd.

use tch::{Device, Kind, Tensor};

use super::*;

fn parameters() -> Parameters {
    let specs = vec![
        ParameterSpec::weight("first.weight", &[4, 3]),
        ParameterSpec::bias("first.bias", &[4]),
        ParameterSpec::weight("second.weight", &[2, 4]),
        ParameterSpec::scale("second.scale", &[2]),
    ];
    Parameters::new(&specs.into(), 7, Device::Cpu).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.detach().flatten(0, -1).try_into().unwrap()
}

/// Every parameter but `second.scale` has a part in it.
fn loss(parameters: &Parameters) -> Tensor {
    let view = |name| parameters.view(name).unwrap();
    let input = Tensor::from_slice(&[0.5_f32, -1.0, 2.0]);
    let hidden = view("first.weight").matmul(&input) + view("first.bias");
    view("second.weight").matmul(&hidden).square().sum(Kind::Float)
}

#[test]
fn a_backward_pass_fills_the_flat_gradient_and_a_second_one_adds_to_it() {
    let parameters = parameters();
    loss(&parameters).backward();
    let once = numbers(&parameters.gradients());
    let by_name = numbers(&parameters.gradient("second.weight").unwrap());
    assert_eq!(once[16..24], by_name);
    assert!(once[..24].iter().all(|gradient| *gradient != 0.0), "{once:?}");
    let (address, view) = (parameters.gradients().data_ptr(), parameters.view("first.weight").unwrap());
    assert_eq!(view.grad().data_ptr(), address, "the gradient of the first view is the beginning of the flat one");
    loss(&parameters).backward();
    assert_eq!(view.grad().data_ptr(), address);
    let twice: Vec<f32> = once.iter().map(|gradient| 2.0 * gradient).collect();
    assert_eq!(numbers(&parameters.gradients()), twice);
    parameters.zero_gradients();
    assert_eq!(numbers(&view.grad()), [0.0; 12]);
    loss(&parameters).backward();
    assert_eq!(numbers(&parameters.gradients()), once);
}

#[test]
fn the_gradient_is_that_of_autograd_without_flat_memory() {
    let parameters = parameters();
    let leaf = |name: &str| parameters.view(name).unwrap().detach().copy().set_requires_grad(true);
    let (weight, bias, second) = (leaf("first.weight"), leaf("first.bias"), leaf("second.weight"));
    let hidden = weight.matmul(&Tensor::from_slice(&[0.5_f32, -1.0, 2.0])) + &bias;
    second.matmul(&hidden).square().sum(Kind::Float).backward();
    loss(&parameters).backward();
    let expected = [&weight, &bias, &second].map(|leaf| numbers(&leaf.grad())).concat();
    assert_eq!(numbers(&parameters.gradients())[..24], expected);
}

#[test]
fn a_change_of_the_flat_values_moves_the_views() {
    let parameters = parameters();
    let view = parameters.view("second.scale").unwrap();
    assert_eq!(numbers(&view), [1.0, 1.0]);
    drop(parameters.values().fill_(3.0));
    assert_eq!(numbers(&view), [3.0, 3.0]);
}

#[test]
fn parameters_can_be_made_while_gradients_are_off() {
    let guard = tch::no_grad_guard();
    let parameters = parameters();
    drop(guard);
    loss(&parameters).backward();
    assert_eq!(parameters.unused(), ["second.scale"]);
}

#[test]
fn parameters_that_no_gradient_reached_are_named() {
    let mut parameters = parameters();
    assert_eq!(parameters.unused(), parameters.names().collect::<Vec<_>>());
    loss(&parameters).backward();
    assert_eq!(parameters.unused(), ["second.scale"]);
    parameters.freeze("second.scale").unwrap();
    assert!(parameters.unused().is_empty(), "one that is frozen on purpose is no surprise");
}

#[test]
fn frozen_parameters_get_no_gradient_until_they_are_thawed() {
    let mut parameters = parameters();
    loss(&parameters).backward();
    assert_eq!(parameters.freeze("first.*").unwrap(), ["first.weight", "first.bias"]);
    assert_eq!([parameters.frozen(), parameters.decayed()].concat(), [0..16, 16..24]);
    assert_eq!(numbers(&parameters.gradients())[..16], [0.0; 16], "what was there is cleared");
    loss(&parameters).backward();
    assert_eq!(numbers(&parameters.gradients())[..16], [0.0; 16]);
    parameters.thaw();
    parameters.zero_gradients();
    loss(&parameters).backward();
    assert!(numbers(&parameters.gradients())[..16].iter().all(|gradient| *gradient != 0.0));
    assert_eq!((parameters.frozen(), parameters.decayed()), (vec![], vec![0..12, 16..24]));
}

#[test]
fn a_pattern_that_fits_nothing_is_refused_with_the_names() {
    let refused = parameters().freeze("third.*").unwrap_err();
    let expected =
        "no parameter is called \"third.*\"; there are first.weight, first.bias, second.weight, second.scale";
    assert_eq!((refused.to_string().as_str(), refused.exit()), (expected, Exit::Configuration));
}

#[test]
fn names_and_shapes_that_do_not_fit_are_refused() {
    let bias = ParameterSpec::bias("bias", &[4]);
    let refused = Parameters::new(&vec![bias.clone(), bias].into(), 7, Device::Cpu).unwrap_err();
    assert_eq!(refused, ParametersError::Duplicate("bias".into()));
    let parameters = parameters();
    assert_eq!(parameters.view("bias").unwrap_err(), ParametersError::Unknown("bias".into()));
    let refused = parameters.view_of(&ParameterSpec::bias("first.bias", &[5])).unwrap_err();
    assert_eq!(refused.to_string(), "\"first.bias\" has the shape [4], expected [5]");
    let refused = parameters.parts_of(&Tensor::zeros([25], (Kind::Float, Device::Cpu))).unwrap_err();
    assert_eq!(refused, ParametersError::Length { got: 25, expected: 26 });
}

#[test]
fn a_flat_tensor_is_taken_apart_and_loaded_again() {
    let (source, mut target) = (parameters(), parameters());
    source.values().copy_(&Tensor::arange(26, (Kind::Float, Device::Cpu)));
    let parts = source.parts_of(&source.values()).unwrap();
    assert_eq!((parts[1].0.as_str(), numbers(&parts[1].1)), ("first.bias", vec![12.0, 13.0, 14.0, 15.0]));
    let report = target.load_named(&parts);
    assert!(report.is_complete(), "{report}");
    assert_eq!(numbers(&target.values()), numbers(&source.values()));
}

#[test]
fn loading_takes_what_fits_and_reports_the_rest() {
    let mut parameters = parameters();
    let before = numbers(&parameters.values());
    let float = (Kind::Float, Device::Cpu);
    let tensors = [
        ("first.bias".to_owned(), Tensor::from_slice(&[1.0_f64, 2.0, 3.0, 4.0])),
        ("second.weight".to_owned(), Tensor::zeros([4, 2], float)),
        ("second.scale".to_owned(), Tensor::from_slice(&[1_i64, 2])),
        ("third.bias".to_owned(), Tensor::zeros([1], float)),
    ];
    let report = parameters.load_named(&tensors);
    assert_eq!(
        report.to_string(),
        "1 of 4 parameters loaded; second.weight has another shape: got Float [4, 2], expected Float [2, 4]; \
         second.scale has another shape: got Int64 [2], expected Float [2]; missing: first.weight; unexpected: third.bias"
    );
    let mut expected = before;
    expected[12..16].copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(numbers(&parameters.values()), expected);
}

fn with_buffers() -> (Parameters, [BufferSpec; 2]) {
    let specs = [BufferSpec::statistic("bn.running_var", &[3], 1.0), BufferSpec::counter("bn.num_batches_tracked")];
    let parameters = vec![ParameterSpec::scale("bn.weight", &[3])];
    let layout = Layout { parameters, buffers: specs.to_vec() };
    (Parameters::new(&layout, 7, Device::Cpu).unwrap(), specs)
}

#[test]
fn buffers_are_in_a_flat_tensor_of_their_own_and_are_written_through_their_views() {
    let (parameters, [variance, batches]) = with_buffers();
    let view = |spec| parameters.buffer_of(spec).unwrap();
    drop(view(&variance).fill_(2.5));
    drop(view(&batches).g_add_scalar_(3));
    assert_eq!(numbers(&parameters.buffers()), [2.5, 2.5, 2.5, 3.0]);
    assert_eq!((parameters.count(), view(&batches).size().len()), (3, 0));
    assert!(!view(&variance).requires_grad());
    let refused = parameters.buffer_of(&BufferSpec::counter("bn.running_var")).unwrap_err();
    assert_eq!(refused.to_string(), "\"bn.running_var\" has the shape [3], expected []");
    assert_eq!(
        parameters.buffer_of(&BufferSpec::counter("bn.weight")).unwrap_err(),
        ParametersError::Unknown("bn.weight".into())
    );
}

#[test]
fn buffers_can_be_given_back_what_they_were() {
    let (parameters, [variance, _]) = with_buffers();
    parameters.keep_buffers();
    drop(parameters.buffer_of(&variance).unwrap().fill_(f64::NAN));
    parameters.restore_buffers();
    assert_eq!(numbers(&parameters.buffers()), [1.0, 1.0, 1.0, 0.0]);
}

#[test]
fn a_change_of_one_buffer_is_no_change_of_another_to_autograd() {
    let (parameters, [variance, batches]) = with_buffers();
    let output = parameters.view("bn.weight").unwrap() * parameters.buffer_of(&variance).unwrap();
    drop(parameters.buffer_of(&batches).unwrap().g_add_scalar_(1));
    output.sum(Kind::Float).backward();
    assert_eq!(numbers(&parameters.gradients()), [1.0; 3]);
}

#[test]
fn buffers_are_loaded_by_name_and_counters_from_whole_numbers() {
    let (mut parameters, _) = with_buffers();
    let named = |name: &str, tensor: Tensor| (name.to_owned(), tensor);
    let report = parameters.load_named(&[
        named("bn.num_batches_tracked", Tensor::from(484_i64)),
        named("bn.running_var", Tensor::from_slice(&[1_i64, 2, 3])),
    ]);
    assert_eq!(
        report.to_string(),
        "1 of 3 parameters loaded; bn.running_var has another shape: got Int64 [3], expected Float [3]; missing: bn.weight"
    );
    assert_eq!(numbers(&parameters.buffers()), [1.0, 1.0, 1.0, 484.0]);
}

#[test]
fn a_buffer_and_a_parameter_of_the_same_name_are_refused() {
    let layout = Layout {
        parameters: vec![ParameterSpec::scale("bn.weight", &[3])],
        buffers: vec![BufferSpec::counter("bn.weight")],
    };
    let refused = Parameters::new(&layout, 7, Device::Cpu).unwrap_err();
    assert_eq!(refused, ParametersError::Duplicate("bn.weight".into()));
}
