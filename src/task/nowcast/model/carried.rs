//! Lagrangian coordinates: frames carried along the motion to the time of the last one, and back to the times of the
//! forecasts. A network that sees them has not to find the motion: it is told where everything would be if nothing grew or
//! decayed, and returns what does.
//!
//! The echo that is at a cell p was, some minutes before, at p + d: its way d was followed backward along the motion
//! ([`crate::task::nowcast::advection::ways`]). With the frames x_1 to x_T and leads k:
//!
//! ```text
//! z_T = x_T;  z_j(p) = x_j(p + d(p, s_T - s_j)), or z_{j+1}(p) if p + d is outside: nothing is known, so nothing has changed
//! g_k = x_T + r_k                          what is at p in the last frame has grown by r_k
//! f_k(p) = g_k(p + d(p, t_k)) + e_k(p)     it was carried; e_k is added at the place itself
//! ```
//!
//! Values between cells are bilinear; outside of the frame they are those of its border. All of it is fp32, and gradients go
//! through the values, not through the ways.
//!
//! Cells that are missing in the last frame (0 in x_T) are left out while it is carried, as the advection does: with S for the
//! bilinear value at p + d and m = 1 where a cell is known, S(x_T) becomes S(x_T) / S(m) if S(m) is at least a half, else 0. What
//! that adds to S(x_T) is the same for every output of the network, and exactly 0 where nothing is missing.
//!
//! Tensors carry their dimensions: b samples, t frames, k leads, c channels, y rows, x columns; m a mesh of every fourth row
//! or column.

use tch::{Kind, TchError, Tensor};

use crate::task::nowcast::advection::{LEAST_KNOWN, SPACING};
use crate::task::nowcast::config::{Coordinates, Missing, NowcastConfig};

/// `grid_sampler` knows modes by numbers: between four cells, the border outside.
const BILINEAR: i64 = 0;
const BORDER: i64 = 1;

/// Whether missing cells of the last frame are left out while it is carried.
#[must_use]
pub fn leaves_out_missing(config: &NowcastConfig) -> bool {
    config.coordinates == Coordinates::Lagrangian && config.prepare.missing == Missing::Mask
}

/// What a network sees.
#[derive(Debug)]
pub enum Seen {
    /// Frames as they are.
    Frames(Tensor),
    /// Frames at the time of the last one.
    Carried(Carried),
}

impl Seen {
    /// The frames.
    pub fn frames(&self) -> &Tensor {
        match self {
            Self::Frames(frames) => frames,
            Self::Carried(carried) => &carried.frames_btcyx,
        }
    }
}

/// Frames at the time of the last one, and the ways to the forecasts.
#[derive(Debug)]
pub struct Carried {
    frames_btcyx: Tensor,
    /// The places that `grid_sampler` looks at, for each sample and lead.
    ahead_kyx2: Tensor,
    /// What leaving missing cells out adds to the carried last frame; `None` if a missing cell means no echo.
    left_out_bkcyx: Option<Tensor>,
}

/// The ways of each cell, as tensors `[b, times, 2, y, x]` in cells along the columns and along the rows.
#[derive(Debug)]
pub struct Ways {
    /// From the last frame to the earlier ones, the last but one first.
    pub back_btdyx: Tensor,
    /// From the forecasts to the last frame.
    pub ahead_bkdyx: Tensor,
}

impl Carried {
    /// The last frames, in order, one more than there are ways back. `missing` is true where the last of them has no value.
    ///
    /// # Errors
    /// If memory runs out, or the sizes don't fit.
    pub fn new(frames_btcyx: &Tensor, ways: &Ways, missing_bcyx: Option<&Tensor>) -> Result<Self, TchError> {
        let mut newest_first = frames_btcyx.f_unbind(1)?;
        newest_first.reverse();
        let mut carried = vec![newest_first[0].shallow_clone()];
        for (age, frame_bcyx) in (0..).zip(&newest_first[1..]) {
            let way_bdyx = ways.back_btdyx.f_select(1, age)?;
            let ends = Ends::of(&way_bdyx)?;
            let found_bcyx = looked_up(frame_bcyx, &ends.places()?)?;
            let newer_bcyx = &carried[carried.len() - 1];
            carried.push(found_bcyx.f_where_self(&ends.are_inside()?.f_unsqueeze(1)?, newer_bcyx)?);
        }
        carried.reverse();
        let ahead_kyx2 = Ends::of(&ways.ahead_bkdyx.f_flatten(0, 1)?)?.places()?;
        let leads = ways.ahead_bkdyx.size()[1];
        let left_out = |missing_bcyx| left_out(&newest_first[0], missing_bcyx, &ahead_kyx2, leads);
        let left_out_bkcyx = missing_bcyx.map(left_out).transpose()?;
        Ok(Self { frames_btcyx: Tensor::f_stack(&carried, 1)?, ahead_kyx2, left_out_bkcyx })
    }

    /// The forecast `[b, k, c, y, x]` of a network's output `[b, 2 k, c, y, x]`: first r, then e.
    ///
    /// # Panics
    /// As every operation of `tch`.
    pub fn forecast(&self, output: &Tensor, leads: i64) -> Tensor {
        let output = output.to_kind(Kind::Float);
        let last_bcyx = self.frames_btcyx.select(1, -1).unsqueeze(1);
        let grown_bkcyx = last_bcyx + output.narrow(1, 0, leads);
        let shape = grown_bkcyx.size();
        let moved = grown_bkcyx.flatten(0, 1).grid_sampler(&self.ahead_kyx2, BILINEAR, BORDER, true);
        let moved = moved.view(shape.as_slice());
        let moved = self.left_out_bkcyx.as_ref().map_or_else(|| moved.shallow_clone(), |left_out| &moved + left_out);
        moved + output.narrow(1, leads, leads)
    }
}

/// What is added to a carried frame because some of its cells are missing.
fn left_out(last_bcyx: &Tensor, missing_bcyx: &Tensor, ahead_kyx2: &Tensor, leads: i64) -> Result<Tensor, TchError> {
    let channels = last_bcyx.size()[1];
    let both = Tensor::f_cat(&[last_bcyx, &missing_bcyx.f_to_kind(Kind::Float)?], 1)?.f_unsqueeze(1)?;
    let both = both.f_expand([-1, leads, -1, -1, -1], false)?.f_flatten(0, 1)?;
    let found = looked_up(&both, ahead_kyx2)?;
    let (values, missing) = (found.f_narrow(1, 0, channels)?, found.f_narrow(1, channels, channels)?);
    let known = missing.f_neg()?.f_add_scalar(1.0)?;
    let left_out =
        values.f_div(&known)?.f_sub(&values)?.f_where_self(&known.f_ge(f64::from(LEAST_KNOWN))?, &values.f_neg()?)?;
    left_out.f_unflatten(0, [-1, leads])
}

/// Ways at every cell of a frame from those of a mesh `[n, 2, my, mx]`, whose first row and column are the frame's.
///
/// # Errors
/// If memory runs out.
pub fn between_mesh(ways_ndmm: &Tensor, [rows, columns]: [i64; 2]) -> Result<Tensor, TchError> {
    let sides: Vec<i64> = ways_ndmm.size()[2..].iter().map(|cells| (cells - 1) * SPACING as i64 + 1).collect();
    let dense = ways_ndmm.f_upsample_bilinear2d(sides, true, None, None)?;
    dense.f_narrow(2, 0, rows)?.f_narrow(3, 0, columns)?.f_contiguous()
}

/// Values `[n, c, y, x]` at places.
fn looked_up(values_ncyx: &Tensor, places_nyx2: &Tensor) -> Result<Tensor, TchError> {
    values_ncyx.f_grid_sampler(places_nyx2, BILINEAR, BORDER, true)
}

/// The column and the row that each cell looks at, `[n, y, x]`.
struct Ends {
    x: Tensor,
    y: Tensor,
}

impl Ends {
    fn of(ways_ndyx: &Tensor) -> Result<Self, TchError> {
        let size = ways_ndyx.size();
        let (rows, columns) = (size[2], size[3]);
        let options = (Kind::Float, ways_ndyx.device());
        let [across, down] = [ways_ndyx.f_select(1, 0)?, ways_ndyx.f_select(1, 1)?];
        let x = across.f_add(&Tensor::f_arange(columns, options)?)?;
        let y = down.f_add(&Tensor::f_arange(rows, options)?.f_view([rows, 1])?)?;
        Ok(Self { x, y })
    }

    /// The last column and the last row.
    fn last(&self) -> [f64; 2] {
        let size = self.x.size();
        [size[2] - 1, size[1] - 1].map(|last| last as f64)
    }

    /// The places of `grid_sampler`: -1 is the middle of the first cell, 1 that of the last.
    fn places(&self) -> Result<Tensor, TchError> {
        let scaled = |place: &Tensor, last: f64| place.f_mul_scalar(2.0 / last)?.f_sub_scalar_(1.0);
        let [last_x, last_y] = self.last();
        Tensor::f_stack(&[scaled(&self.x, last_x)?, scaled(&self.y, last_y)?], -1)
    }

    /// Whether they are inside of the frame.
    fn are_inside(&self) -> Result<Tensor, TchError> {
        let within = |place: &Tensor, last: f64| place.f_ge(0.0)?.f_logical_and(&place.f_le(last)?);
        let [last_x, last_y] = self.last();
        within(&self.x, last_x)?.f_logical_and(&within(&self.y, last_y)?)
    }
}
