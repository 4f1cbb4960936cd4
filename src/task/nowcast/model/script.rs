//! A model in TorchScript: its network, and around it what turns the network's output into a forecast, for any number of samples
//! and any device.
//!
//! In moving coordinates it takes motion and times beside the frames, from wherever they come, and carries frames as
//! [`super::carried`] does. The ways are followed for one cell in four along each axis, as [`crate::task::nowcast::advection`]
//! does.

use super::carried::leaves_out_missing;
use super::{Ending, Sizes};
use crate::nn::export::modules::{Modules, NETWORK_CLASS};
use crate::nn::export::script::{Attribute, Script};
use crate::nn::parameters::Layout;
use crate::task::nowcast::advection::{LEAST_KNOWN, LONGEST_STEP, MOST_STEPS, SPACING};
use crate::task::nowcast::config::{Coordinates, NowcastConfig};

/// A network in TorchScript.
#[derive(Clone, Debug)]
pub struct Torchscript {
    /// Its parameters.
    pub layout: Layout,
    /// The lines of a method from `frames`, which are `[b, t, c, y, x]`, to `return` of its output, each with four spaces.
    pub body: String,
}

const ATTRIBUTES: &str = "  task : str
  seen_frames : int
  input_frames : int
  target_frames : int
  channels : int
  rows : int
  columns : int
  min_dbz : float
  max_dbz : float
";

const NETWORK: &str = "  def network(self: __torch__.Network,
    frames: Tensor) -> Tensor:
{body}";

const SCALE: &str = "  def check(self: __torch__.Network,
    input: Tensor) -> NoneType:
    if torch.ne(torch.dim(input), 5):
      ops.prim.RaiseException(\"expected an input of 5 dimensions: batch, time, channels, rows, columns\")
    else:
      pass
    if torch.ne(torch.size(input, 2), self.channels):
      ops.prim.RaiseException(\"expected an input with {channels} as dimension 2: batch, time, channels, rows, columns\")
    else:
      pass
    return None
  def to_dbz(self: __torch__.Network,
    normalised: Tensor) -> Tensor:
    span = torch.sub(self.max_dbz, self.min_dbz)
    return torch.add(torch.mul(normalised, span), self.min_dbz)
  def from_dbz(self: __torch__.Network,
    values: Tensor) -> Tensor:
    span = torch.sub(self.max_dbz, self.min_dbz)
    share = torch.div(torch.sub(values, self.min_dbz), span)
    return torch.clamp({share}, 0., 1.)
";

const FRAMES: &str = "  def forward(self: __torch__.Network,
    input: Tensor) -> Tensor:
    _0 = (self).check(input, )
    first = ops.prim.max(torch.sub(torch.size(input, 1), self.seen_frames), 0)
    frames = torch.slice(input, 1, first, 9223372036854775807)
    return {ended}
";

const CARRIED: &str = "  def look_up(self: __torch__.Network,
    values: Tensor,
    x: Tensor,
    y: Tensor) -> Tensor:
    across = torch.sub(torch.mul(x, torch.div(2., torch.sub(torch.size(values, 3), 1))), 1.)
    down = torch.sub(torch.mul(y, torch.div(2., torch.sub(torch.size(values, 2), 1))), 1.)
    return torch.grid_sampler(values, torch.stack([across, down], -1), 0, 1, True)
  def follow(self: __torch__.Network,
    motion: Tensor,
    minutes: Tensor) -> Tensor:
    rows = torch.size(motion, 1)
    columns = torch.size(motion, 2)
    mesh_rows = torch.add(torch.floordiv(torch.add(torch.sub(rows, 1), {before}), {spacing}), 1)
    mesh_columns = torch.add(torch.floordiv(torch.add(torch.sub(columns, 1), {before}), {spacing}), 1)
    x = torch.mul(torch.expand(torch.arange(mesh_columns, dtype=6, device=motion.device), [1, mesh_rows, mesh_columns]), {spacing})
    y = torch.arange(mesh_rows, dtype=6, device=motion.device)
    y = torch.mul(torch.expand(torch.unsqueeze(y, 1), [1, mesh_rows, mesh_columns]), {spacing})
    field = torch.unsqueeze(motion, 0)
    fastest = float(torch.item(torch.max(torch.abs(motion))))
    dx = torch.zeros_like(x)
    dy = torch.zeros_like(y)
    ways = annotate(List[Tensor], [])
    before = 0.
    for index in range(torch.size(minutes, 0)):
      now = float(torch.item(torch.select(minutes, 0, index)))
      minutes_more = torch.sub(now, before)
      before = now
      steps = torch.ceil(torch.div(torch.mul(fastest, ops.prim.abs(minutes_more)), {longest}))
      steps = ops.prim.min(ops.prim.max(int(steps), 1), {most})
      step = torch.div(minutes_more, steps)
      half = torch.mul(step, 0.5)
      for _1 in range(steps):
        first = (self).look_up(field, torch.add(x, dx), torch.add(y, dy), )
        half_x = torch.sub(torch.add(x, dx), torch.mul(torch.select(first, 1, 0), half))
        half_y = torch.sub(torch.add(y, dy), torch.mul(torch.select(first, 1, 1), half))
        second = (self).look_up(field, half_x, half_y, )
        dx = torch.sub(dx, torch.mul(torch.select(second, 1, 0), step))
        dy = torch.sub(dy, torch.mul(torch.select(second, 1, 1), step))
      _2 = torch.append(ways, torch.cat([dx, dy], 0))
    sides = [torch.add(torch.mul(torch.sub(mesh_rows, 1), {spacing}), 1), torch.add(torch.mul(torch.sub(mesh_columns, 1), {spacing}), 1)]
    dense = torch.upsample_bilinear2d(torch.stack(ways, 0), sides, True, None)
    return torch.slice(torch.slice(dense, 2, 0, rows), 3, 0, columns)
  def ways(self: __torch__.Network,
    motion: Tensor,
    minutes: Tensor) -> Tensor:
    all = annotate(List[Tensor], [])
    for sample in range(torch.size(motion, 0)):
      way = (self).follow(torch.select(motion, 0, sample), torch.select(minutes, 0, sample), )
      _3 = torch.append(all, way)
    return torch.stack(all, 0)
  def x_of(self: __torch__.Network,
    way: Tensor) -> Tensor:
    return torch.add(torch.select(way, 1, 0), torch.arange(torch.size(way, 3), dtype=6, device=way.device))
  def y_of(self: __torch__.Network,
    way: Tensor) -> Tensor:
    return torch.add(torch.select(way, 1, 1), torch.unsqueeze(torch.arange(torch.size(way, 2), dtype=6, device=way.device), 1))
  def carried(self: __torch__.Network,
    frames: Tensor,
    back: Tensor) -> Tensor:
    newest = torch.sub(torch.size(frames, 1), 1)
    known = torch.select(frames, 1, newest)
    all = [known]
    for age in range(newest):
      way = torch.select(back, 1, age)
      x = (self).x_of(way, )
      y = (self).y_of(way, )
      across = torch.logical_and(torch.ge(x, 0), torch.le(x, torch.sub(torch.size(frames, 4), 1)))
      down = torch.logical_and(torch.ge(y, 0), torch.le(y, torch.sub(torch.size(frames, 3), 1)))
      inside = torch.unsqueeze(torch.logical_and(across, down), 1)
      found = (self).look_up(torch.select(frames, 1, torch.sub(torch.sub(newest, 1), age)), x, y, )
      known = torch.where(inside, found, known)
      _4 = torch.append(all, known)
    return torch.flip(torch.stack(all, 1), [1])
  def forward(self: __torch__.Network,
    input: Tensor,
    motion: Tensor,
    minutes: Tensor) -> Tensor:
    _0 = (self).check(input, )
    times = torch.size(input, 1)
    if torch.ne(torch.size(minutes, 1), torch.add(times, self.target_frames)):
      ops.prim.RaiseException(\"expected minutes of each input frame and of {leads} forecasts: batch, time + {leads}\")
    else:
      pass
    shape = [torch.size(input, 0), 2, torch.size(input, 3), torch.size(input, 4)]
    if torch.ne(torch.size(motion), shape):
      ops.prim.RaiseException(\"expected motion of each sample: batch, 2, rows, columns\")
    else:
      pass
    if torch.ne(torch.size(minutes, 0), torch.size(input, 0)):
      ops.prim.RaiseException(\"expected minutes of each sample: batch, time + {leads}\")
    else:
      pass
    seen = ops.prim.min(times, self.seen_frames)
    frames = torch.slice(input, 1, torch.sub(times, seen), times)
{known}    now = torch.slice(minutes, 1, torch.sub(times, 1), times)
    ages = torch.flip(torch.slice(torch.sub(now, minutes), 1, torch.sub(times, seen), torch.sub(times, 1)), [1])
    leads = torch.slice(torch.sub(minutes, now), 1, times, 9223372036854775807)
    if torch.gt(seen, 1):
      seen_frames = (self).carried(frames, (self).ways(motion, ages, ), )
    else:
      seen_frames = frames
    change = (self).network(seen_frames, )
    last = torch.slice(frames, 1, torch.sub(seen, 1), seen)
    grown = torch.add(last, torch.slice(change, 1, 0, self.target_frames))
    way = torch.flatten((self).ways(motion, leads, ), 0, 1)
    moved = (self).look_up(torch.flatten(grown, 0, 1), (self).x_of(way, ), (self).y_of(way, ), )
{left_out}    added = torch.slice(change, 1, self.target_frames, 9223372036854775807)
    return torch.clamp(torch.add(torch.view(moved, torch.size(grown)), added), 0., 1.)
";

/// If cells may be missing, they are NaN, and the last frame is carried without them.
const KNOWN: &str = "    missing = torch.isnan(torch.slice(frames, 1, torch.sub(seen, 1), seen))
    frames = torch.nan_to_num(frames, 0.)
";

const ADD_LEFT_OUT: &str =
    "    moved = torch.add(moved, (self).left_out(last, missing, (self).x_of(way, ), (self).y_of(way, ), ))
";

const LEFT_OUT: &str = "  def left_out(self: __torch__.Network,
    last: Tensor,
    missing: Tensor,
    x: Tensor,
    y: Tensor) -> Tensor:
    both = torch.cat([last, torch.mul(missing, 1.)], 2)
    both = torch.flatten(torch.expand(both, [-1, self.target_frames, -1, -1, -1]), 0, 1)
    found = (self).look_up(both, x, y, )
    values = torch.slice(found, 1, 0, self.channels)
    known = torch.add(torch.neg(torch.slice(found, 1, self.channels, 9223372036854775807)), 1.)
    kept = torch.sub(torch.div(values, known), values)
    return torch.where(torch.ge(known, {least}), kept, torch.neg(values))
";

/// The network with what is around it.
pub(super) fn whole(network: Torchscript, sizes: &Sizes, config: &NowcastConfig, ending: Ending) -> Script {
    let Torchscript { layout, body } = network;
    let root = Modules::of(&layout);
    let mut code = String::new();
    root.classes(NETWORK_CLASS, &mut code);
    code += ATTRIBUTES;
    code += &NETWORK.replace("{body}", &body);
    let is_masked = leaves_out_missing(config);
    let share = if is_masked { "share" } else { "torch.nan_to_num(share, 0.)" };
    code += &SCALE.replace("{channels}", &sizes.channels.to_string()).replace("{share}", share);
    code += &match config.coordinates {
        Coordinates::Eulerian => FRAMES.replace("{ended}", ended(ending)),
        Coordinates::Lagrangian => carried(sizes, is_masked),
    };
    let [rows, columns] = sizes.size;
    let numbers = [
        ("seen_frames", sizes.frames),
        ("input_frames", config.windows.input_frames as i64),
        ("target_frames", sizes.leads),
        ("channels", sizes.channels),
        ("rows", rows),
        ("columns", columns),
    ];
    let scale = [("min_dbz", config.prepare.min), ("max_dbz", config.prepare.max)];
    let object = root.object(NETWORK_CLASS).with("task", Attribute::Text("nowcast".into()));
    let object = numbers.into_iter().fold(object, |object, (name, size)| object.with(name, Attribute::Integer(size)));
    let network = scale.into_iter().fold(object, |object, (name, value)| object.with(name, Attribute::Float(value)));
    Script { code, network }
}

fn ended(ending: Ending) -> &'static str {
    match ending {
        Ending::Sigmoid => "torch.sigmoid((self).network(frames, ))",
        Ending::Plain => "torch.clamp((self).network(frames, ), 0., 1.)",
    }
}

fn carried(sizes: &Sizes, is_masked: bool) -> String {
    let [before, known, added] = if is_masked { [LEFT_OUT, KNOWN, ADD_LEFT_OUT] } else { [""; 3] };
    let code = CARRIED.replace("{known}", known).replace("{left_out}", added);
    let numbers = [
        ("{least}", format!("{LEAST_KNOWN:?}")),
        ("{before}", (SPACING - 1).to_string()),
        ("{spacing}", SPACING.to_string()),
        ("{longest}", format!("{LONGEST_STEP:?}")),
        ("{most}", (MOST_STEPS as i64).to_string()),
        ("{leads}", sizes.leads.to_string()),
    ];
    let code = before.to_owned() + &code;
    numbers.iter().fold(code, |code, (name, value)| code.replace(name, value))
}
