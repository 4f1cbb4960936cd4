//! A model in PyTorch: its network, and around it what turns the network's output into a forecast. The same arithmetic as
//! [`super::carried`], with the names of weight files.

use super::{Ending, Sizes};
use crate::task::nowcast::advection::{LONGEST_STEP, MOST_STEPS, SPACING};
use crate::task::nowcast::config::{Coordinates, NowcastConfig};

/// A network in PyTorch.
#[derive(Clone, Debug)]
pub struct Python {
    /// What it is, for people: "A ConvLSTM".
    pub title: String,
    /// Classes that it is made of.
    pub classes: String,
    /// The lines that make its parts, each with eight spaces.
    pub parts: String,
    /// The lines from `frames`, which are `[b, t, c, y, x]`, to `return` of its output, each with eight spaces.
    pub body: String,
}

const NETWORK: &str = r#"{classes}{ways}class Network(nn.Module):
    """{title}: {input_frames} frames in, {target_frames} frames out, both normalised to 0..1.{about}"""

    MIN_DBZ, MAX_DBZ = {min_dbz}, {max_dbz}

    def __init__(self):
        super().__init__()
{parts}
    def network(self, frames):
        """Batch, time, channels, rows and columns of {frames} frames, to {outputs}."""
{body}
{forward}
    def to_dbz(self, normalised):
        return normalised * (self.MAX_DBZ - self.MIN_DBZ) + self.MIN_DBZ

    def from_dbz(self, values):
        share = (values - self.MIN_DBZ) / (self.MAX_DBZ - self.MIN_DBZ)
        return share.nan_to_num(0.0).clamp(0.0, 1.0)
"#;

const FRAMES: &str = "    def forward(self, frames):
        return self.network(frames[:, -{frames}:]){ended}
";

const ABOUT: &str = "

    Motion is in cells per minute, batch x 2 x rows x columns: towards higher columns, then towards higher rows. Minutes say
    when each frame was taken and each forecast is for, batch x (time + leads), on any clock.";

const WAYS: &str = r#"def look_up(values, x, y):
    """The values at places between cells; outside, those of the border."""
    across, down = 2 * x / (values.shape[3] - 1) - 1, 2 * y / (values.shape[2] - 1) - 1
    places = torch.stack([across, down], -1)
    return nn.functional.grid_sample(values, places, padding_mode="border", align_corners=True)


def follow(motion, minutes):
    """Where the echo of each cell was, these minutes before: times x 2 x rows x columns, in cells. Backward along the
    motion by the midpoint rule, for every {spacing}th cell along each axis."""
    rows, columns = motion.shape[1:]
    mesh = [-(-(cells - 1) // {spacing}) + 1 for cells in (rows, columns)]
    y, x = torch.meshgrid(*({spacing} * torch.arange(cells).to(motion) for cells in mesh), indexing="ij")
    at = lambda x, y: look_up(motion[None], x[None], y[None])[0]
    fastest, before = float(motion.abs().max()), 0.0
    way, ways = motion.new_zeros(2, *mesh), []
    for now in minutes.tolist():
        steps = min(max(int(-(-fastest * abs(now - before) // {longest})), 1), {most})
        step = (now - before) / steps
        before = now
        for _ in range(steps):
            middle = way - step / 2 * at(x + way[0], y + way[1])
            way = way - step * at(x + middle[0], y + middle[1])
        ways.append(way)
    sides = [(cells - 1) * {spacing} + 1 for cells in mesh]
    dense = nn.functional.interpolate(torch.stack(ways), sides, mode="bilinear", align_corners=True)
    return dense[:, :, :rows, :columns]


def ends(way):
    """The column and the row that each cell looks at."""
    rows, columns = (torch.arange(cells).to(way) for cells in way.shape[-2:])
    return way[..., 0, :, :] + columns, way[..., 1, :, :] + rows[:, None]


"#;

const CARRIED: &str = r#"    def carried(self, frames, back):
        """The frames at the time of the last one; what came from outside is as in the next newer frame."""
        known = [frames[:, -1]]
        for age in range(frames.shape[1] - 1):
            x, y = ends(back[:, age])
            inside = (x >= 0) & (y >= 0) & (x <= frames.shape[4] - 1) & (y <= frames.shape[3] - 1)
            known.append(torch.where(inside[:, None], look_up(frames[:, -2 - age], x, y), known[-1]))
        return torch.stack(known[::-1], 1)

    def forward(self, frames, motion, minutes):
        batch, times = frames.shape[:2]
        expected = [(batch, 2, *frames.shape[3:]), (batch, times + {target_frames})]
        if [tuple(motion.shape), tuple(minutes.shape)] != expected:
            found = f"{tuple(motion.shape)} and {tuple(minutes.shape)}"
            raise ValueError(f"expected motion and minutes of the shapes {expected[0]} and {expected[1]}, got {found}")
        frames = frames[:, -{frames}:]
        now = minutes[:, times - 1 : times]
        ages = (now - minutes)[:, times - frames.shape[1] : times - 1].flip(1)
        ahead = (minutes - now)[:, times:]
        if frames.shape[1] > 1:
            back = torch.stack([follow(*one) for one in zip(motion, ages)])
            change = self.network(self.carried(frames, back))
        else:
            change = self.network(frames)
        grown = frames[:, -1:] + change[:, :{target_frames}]
        ways = torch.stack([follow(*one) for one in zip(motion, ahead)]).flatten(0, 1)
        moved = look_up(grown.flatten(0, 1), *ends(ways)).view(grown.shape)
        return (moved + change[:, {target_frames}:]).clamp(0.0, 1.0)
"#;

/// The code, with the sizes of this network.
pub(super) fn whole(network: Python, sizes: &Sizes, config: &NowcastConfig, ending: Ending) -> String {
    let is_carried = config.coordinates == Coordinates::Lagrangian;
    let ended = match ending {
        Ending::Sigmoid => ".sigmoid()",
        Ending::Plain => ".clamp(0.0, 1.0)",
    };
    let Python { title, classes, parts, body } = network;
    let (ways, about, forward, outputs) = match is_carried {
        true => {
            (WAYS.to_owned(), ABOUT, CARRIED, "what is added before and after carrying, for each lead time".to_owned())
        }
        false => (String::new(), "", FRAMES, "the forecasts before the last function".to_owned()),
    };
    // What contains other names comes first.
    let fields = [
        ("classes", classes),
        ("ways", ways),
        ("about", about.to_owned()),
        ("parts", parts),
        ("body", body),
        ("forward", forward.to_owned()),
        ("title", title),
        ("outputs", outputs),
        ("ended", ended.to_owned()),
        ("frames", sizes.frames.to_string()),
        ("input_frames", config.windows.input_frames.to_string()),
        ("target_frames", sizes.leads.to_string()),
        ("min_dbz", format!("{:?}", config.prepare.min)),
        ("max_dbz", format!("{:?}", config.prepare.max)),
        ("spacing", SPACING.to_string()),
        ("longest", format!("{LONGEST_STEP:?}")),
        ("most", (MOST_STEPS as i64).to_string()),
    ];
    fields.iter().fold(NETWORK.to_owned(), |code, (name, value)| code.replace(&format!("{{{name}}}"), value))
}
