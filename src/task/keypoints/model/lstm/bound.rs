//! The network over its weights.
//!
//! A recurrent layer of a small batch gains nothing from a second thread, but streams don't need each other: on a CPU each thread
//! reads another one, forwards and backwards. What a thread computes there it computes alone, so that the result has the same
//! bits with any number of threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tch::{Device, Kind, TchError, Tensor};

use super::recurrent::{BoundRecurrent, Recurrent};
use super::{Lstm, branch};
use crate::native::parallel;
use crate::nn::backward::Passed;
use crate::nn::layer::{Dropout, LayerNorm, Linear, Mode, SampleKeys};
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::keypoints::model::head::Head;
use crate::task::keypoints::model::sequences::{Frames, ROWS, Sequences, with_rows};
use crate::task::keypoints::model::sizes::Stream;
use crate::task::keypoints::model::{Computed, Forward};

/// The network over its weights.
#[derive(Debug)]
pub struct BoundLstm {
    /// Behind locks, as threads may not look at a tensor at the same time. Each has its place among the streams.
    branches: Vec<Mutex<Branch>>,
    /// The branches, that with the most to compute first.
    longest_first: Vec<usize>,
    fusion: (Linear, Dropout, LayerNorm),
    head: Head,
}

/// What reads one stream.
#[derive(Debug)]
struct Branch {
    projection: Vec<Linear>,
    projected: Dropout,
    recurrent: Vec<(BoundRecurrent, Dropout)>,
    norm: LayerNorm,
}

impl BoundLstm {
    /// The network over these parameters.
    pub fn new(network: &Lstm, parameters: &Parameters) -> Result<Self, ParametersError> {
        let (fused, embedding, share) = (network.fused(), network.embedding(), network.config.dropout);
        let streams = &network.sizes.streams;
        let branches = streams.iter().map(|stream| Branch::new(network, stream, parameters).map(Mutex::new));
        let mut longest_first: Vec<usize> = (0..streams.len()).collect();
        longest_first.sort_by_key(|place| -streams[*place].inputs);
        Ok(Self {
            branches: branches.collect::<Result<_, _>>()?,
            longest_first,
            fusion: (
                Linear::new("encoder.fusion.0", fused, embedding, parameters)?,
                Dropout::new("encoder.fusion", share),
                LayerNorm::new("encoder.fusion.3", &[embedding], parameters)?,
            ),
            head: Head::new(network.config.pooling, share, embedding, network.sizes.classes(), parameters)?,
        })
    }

    /// All streams read frame by frame, one after the other.
    fn read(&self, sequences: &Sequences, frames: &Frames, mode: Mode<'_>, precision: Precision) -> Vec<Tensor> {
        let branches = self.branches.iter().zip(&sequences.streams);
        branches.map(|(branch, stream_btd)| locked(branch).forward(stream_btd, frames, mode, precision)).collect()
    }

    /// The same on as many threads as there are. Each output has a graph of its own if it is for training, and none otherwise.
    fn read_at_once(
        &self,
        sequences: &Sequences,
        frames: &Frames,
        mode: Mode<'_>,
        precision: Precision,
    ) -> Vec<Tensor> {
        let branches = &self.branches;
        let found: Vec<Mutex<Option<Tensor>>> = branches.iter().map(|_| Mutex::new(None)).collect();
        let stream = |place: &usize| (*place, sequences.streams[*place].shallow_clone(), frames.shallow_clone());
        parallel::for_each(self.longest_first.iter().map(stream).collect(), |(place, stream_btd, frames)| {
            let read = || locked(&branches[place]).forward(&stream_btd, &frames, mode, precision);
            let read_bth = match mode {
                Mode::Training(_) => tch::with_grad(read),
                Mode::Evaluation => tch::no_grad(read),
            };
            *locked(&found[place]) = Some(read_bth);
        });
        found.into_iter().filter_map(|read| read.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
    }

    /// What is computed once all streams are read.
    fn conclude(&self, read: &[Tensor], frames: &Frames, mode: Mode<'_>, precision: Precision) -> Computed {
        let (linear, dropout, norm) = &self.fusion;
        let all_nd = frames.pack(&Tensor::cat(read, 2));
        let fused_ne = with_rows(ROWS, &all_nd, |all_nd| linear.forward(all_nd, precision)).relu();
        let embeddings_bte = frames.pad(&norm.forward(&frames.dropped(dropout, &fused_ne, mode)));
        self.head.forward(embeddings_bte, frames, mode, precision)
    }
}

impl Forward for BoundLstm {
    fn forward(&self, sequences: &Sequences, mode: Mode<'_>, precision: Precision) -> Computed {
        let frames = sequences.frames();
        let read = match mode {
            Mode::Evaluation if is_on_cpu(sequences) => self.read_at_once(sequences, &frames, mode, precision),
            _ => self.read(sequences, &frames, mode, precision),
        };
        self.conclude(&read, &frames, mode, precision)
    }

    fn learn(&self, sequences: &Sequences, keys: &SampleKeys, precision: Precision) -> Passed {
        let mode = Mode::Training(keys);
        if !is_on_cpu(sequences) {
            return Passed::with_autograd(self.forward(sequences, mode, precision).logits_bc);
        }
        let frames = sequences.frames();
        let read = self.read_at_once(sequences, &frames, mode, precision);
        let leaves: Vec<Tensor> = read.iter().map(|read_bth| read_bth.detach().set_requires_grad(true)).collect();
        let logits_bc = self.conclude(&leaves, &frames, mode, precision).logits_bc;
        let order = self.longest_first.clone();
        Passed::continued(logits_bc, move || backward_at_once(&order, &read, &leaves))
    }
}

/// Continues the backward pass of each output from the gradient of its leaf.
fn backward_at_once(order: &[usize], read: &[Tensor], leaves: &[Tensor]) -> Result<(), TchError> {
    let branch = |place: &usize| Ok((read[*place].shallow_clone(), leaves[*place].f_grad()?));
    let branches = order.iter().map(branch).collect::<Result<Vec<_>, TchError>>()?;
    let failed = Mutex::new(None);
    parallel::for_each(branches, |(read_bth, gradient_bth)| {
        // The gradient of this sum by the output is the gradient itself.
        let pass = || read_bth.f_mul(&gradient_bth)?.f_sum(Kind::Float)?.f_backward();
        if let Err(error) = tch::with_grad(pass) {
            *locked(&failed) = Some(error);
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

fn is_on_cpu(sequences: &Sequences) -> bool {
    sequences.streams.iter().all(|stream_btd| stream_btd.device() == Device::Cpu)
}

/// Nothing is left half done by a panic that a lock was held in: what is locked is only read, or written at once.
fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Branch {
    fn new(network: &Lstm, stream: &Stream, parameters: &Parameters) -> Result<Self, ParametersError> {
        let (name, share) = (branch(stream), network.config.dropout);
        let linear = |(name, inputs, outputs): (String, i64, i64)| Linear::new(&name, inputs, outputs, parameters);
        let recurrent = |layer: &Recurrent| {
            Ok((layer.over(parameters)?, Dropout::new(&format!("{}.{}", layer.name, layer.layer), share)))
        };
        Ok(Self {
            projection: network.projection(stream).into_iter().map(linear).collect::<Result<_, _>>()?,
            projected: Dropout::new(&format!("{name}.input_proj"), share),
            recurrent: network.recurrent(stream).iter().map(recurrent).collect::<Result<_, _>>()?,
            norm: LayerNorm::new(&format!("{name}.layer_norm"), &[network.hidden()], parameters)?,
        })
    }

    /// The stream read frame by frame, `[b, t, h]` in fp32. Padding has any finite values.
    fn forward(&self, stream_btd: &Tensor, frames: &Frames, mode: Mode<'_>, precision: Precision) -> Tensor {
        let mut frames_bth = frames.pad(&self.project(&frames.pack(stream_btd), frames, mode, precision));
        for (place, (layer, dropout)) in self.recurrent.iter().enumerate() {
            let input_bth = if place == 0 { frames_bth } else { dropout.forward(&frames_bth, mode) };
            frames_bth = layer.forward(&input_bth, precision);
        }
        self.norm.forward(&frames_bth)
    }

    /// The input of the recurrent layers. As published, one layer is followed by a ReLU, and of two only the first is.
    fn project(&self, frames_nd: &Tensor, frames: &Frames, mode: Mode<'_>, precision: Precision) -> Tensor {
        let mut frames_nh = frames_nd.shallow_clone();
        for (place, layer) in self.projection.iter().enumerate() {
            let input_nd = if place == 0 { frames_nh } else { frames.dropped(&self.projected, &frames_nh, mode) };
            let output_nh = with_rows(ROWS, &input_nd, |input_nd| layer.forward(input_nd, precision));
            frames_nh = if place == 0 { output_nh.relu() } else { output_nh };
        }
        frames_nh
    }
}
