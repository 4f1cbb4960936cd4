//! Weights for points with other values: the columns of the first layer that belong to values which both have are copied.
//!
//! What they do not know starts with 0, so the network computes what it did. A confidence that is left out is taken for 1, as files
//! without one have it: its columns become part of the bias.

use tch::{Kind, Tensor};

use super::config::PointValue;
use super::recipe::Stream;
use crate::nn::weights::Weights;

/// The columns of the first layer of a stream: point after point, and of each the same values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The points.
    pub points: usize,
    /// The numbers of each.
    pub values: Vec<PointValue>,
}

impl Columns {
    /// So many columns of so many points, with the values that the file names, if it does; none if these are no points of 2, 3 or
    /// 4 values.
    #[must_use]
    pub fn of(columns: usize, points: usize, named: Option<&[PointValue]>) -> Option<Self> {
        let [x, y, z, confidence] = PointValue::ALL;
        if let Some(values) = named.filter(|values| points * values.len() == columns) {
            return Some(Self { points, values: values.to_vec() });
        }
        let values = match columns.checked_div(points) {
            Some(2) => vec![x, y],
            Some(3) => vec![x, y, z],
            Some(4) => vec![x, y, z, confidence],
            _ => return None,
        };
        (columns.is_multiple_of(points)).then_some(Self { points, values })
    }
}

/// Gives the first layer of a stream a column for each of these values, if it has others: those that the file names, or as many
/// as it has columns for. What was done, in words.
///
/// # Errors
/// If memory runs out.
pub fn adapted(
    weights: &mut Weights,
    stream: &Stream,
    values: &[PointValue],
    named: Option<&[PointValue]>,
) -> Result<Vec<String>, tch::TchError> {
    let layers = ["input_proj", "input_proj.0"].map(|layer| format!("encoder.{}_branch.{layer}", stream.name));
    let mut done = Vec::new();
    for layer in layers {
        let place = |part: &str| weights.tensors.iter().position(|(name, _)| *name == format!("{layer}.{part}"));
        let (Some(weight), bias) = (place("weight"), place("bias")) else { continue };
        let Some([_, columns]) = weights.tensors[weight].1.size2().ok().map(|(rows, columns)| [rows, columns]) else {
            continue;
        };
        let Some(Columns { points, values: theirs }) =
            Columns::of(columns.unsigned_abs() as usize, stream.points, named)
        else {
            continue;
        };
        if theirs == values || named.is_none() && theirs.len() == values.len() {
            continue;
        }
        let rows_rpv =
            weights.tensors[weight].1.f_to_kind(Kind::Float)?.f_view([-1, points as i64, theirs.len() as i64])?;
        let column = |value: &PointValue| match theirs.iter().position(|known| known == value) {
            Some(place) => rows_rpv.f_select(2, place as i64),
            None => rows_rpv.f_select(2, 0)?.f_zeros_like(),
        };
        let ours = values.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let left_out: Vec<PointValue> = theirs.iter().filter(|value| !values.contains(value)).copied().collect();
        if let (Some(bias), Some(place)) = (bias, theirs.iter().position(|value| *value == PointValue::Confidence))
            && left_out.contains(&PointValue::Confidence)
        {
            let constant = rows_rpv.f_select(2, place as i64)?.f_sum_dim_intlist([1].as_slice(), false, Kind::Float)?;
            weights.tensors[bias].1 = weights.tensors[bias].1.f_to_kind(Kind::Float)?.f_add(&constant)?;
        }
        weights.tensors[weight].1 = Tensor::f_stack(&ours, 2)?.f_flatten(1, 2)?;
        let new: Vec<PointValue> = values.iter().filter(|value| !theirs.contains(value)).copied().collect();
        done.push(said(&layer, (&theirs, values), (&new, &left_out)));
    }
    Ok(done)
}

fn said(
    layer: &str,
    (theirs, ours): (&[PointValue], &[PointValue]),
    (new, left_out): (&[PointValue], &[PointValue]),
) -> String {
    let names = |values: &[PointValue]| values.iter().map(|value| value.name()).collect::<Vec<_>>().join(", ");
    let both: Vec<PointValue> = ours.iter().filter(|value| theirs.contains(value)).copied().collect();
    let mut text = format!("the columns of {} of {layer} were copied", names(&both));
    if !new.is_empty() {
        text += &format!("; those of {} start with 0", names(new));
    }
    if left_out.contains(&PointValue::Confidence) {
        text += "; that of the confidence, taken for 1, is in the bias";
    }
    let rest: Vec<PointValue> = left_out.iter().filter(|value| **value != PointValue::Confidence).copied().collect();
    if !rest.is_empty() {
        text += &format!("; those of {} are left out", names(&rest));
    }
    text
}
