//! A model in PyTorch: its network, and around it what turns the network's output into a forecast. The same arithmetic as
//! [`super::carried`], with the names of weight files.

use super::carried::leaves_out_missing;
use super::{Ending, Sizes};
use crate::task::nowcast::advection::{LEAST_KNOWN, LONGEST_STEP, MOST_STEPS, SPACING};
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
        return share{share}.clamp(0.0, 1.0)
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
{known}        now = minutes[:, times - 1 : times]
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
{left_out}        return (moved + change[:, {target_frames}:]).clamp(0.0, 1.0)
"#;

/// If cells may be missing, they are NaN, and the last frame is carried without them.
const KNOWN: &str = "        missing, frames = frames[:, -1:].isnan(), frames.nan_to_num(0.0)
";

const ADD_LEFT_OUT: &str = "        moved = moved + self.left_out(frames[:, -1:], missing, ways)
";

const LEFT_OUT: &str = r#"    def left_out(self, last, missing, ways):
        """What is added to the carried last frame because missing cells are left out. Where more than half is missing, the
        frame is 0."""
        both = torch.cat([last, missing.to(last)], 2).expand(-1, {target_frames}, -1, -1, -1)
        values, missing = look_up(both.flatten(0, 1), *ends(ways)).view(both.shape).chunk(2, 2)
        known = 1 - missing
        return torch.where(known >= {least}, values / known - values, -values)

"#;

const ABOUT_MISSING: &str = " Missing
    cells are NaN.";

/// The code, with the sizes of this network.
pub(super) fn whole(network: Python, sizes: &Sizes, config: &NowcastConfig, ending: Ending) -> String {
    let (is_carried, is_masked) = (config.coordinates == Coordinates::Lagrangian, leaves_out_missing(config));
    let ended = match ending {
        Ending::Sigmoid => ".sigmoid()",
        Ending::Plain => ".clamp(0.0, 1.0)",
    };
    let Python { title, classes, parts, body } = network;
    let [left_out, known, added, missing] =
        if is_masked { [LEFT_OUT, KNOWN, ADD_LEFT_OUT, ABOUT_MISSING] } else { [""; 4] };
    let carried = left_out.to_owned() + &CARRIED.replace("{known}", known).replace("{left_out}", added);
    let (ways, about, forward, outputs) = match is_carried {
        true => (
            WAYS.to_owned(),
            ABOUT.to_owned() + missing,
            carried,
            "what is added before and after carrying, for each lead time".to_owned(),
        ),
        false => (String::new(), String::new(), FRAMES.to_owned(), "the forecasts before the last function".to_owned()),
    };
    // What contains other names comes first.
    let fields = [
        ("classes", classes),
        ("ways", ways),
        ("about", about),
        ("parts", parts),
        ("body", body),
        ("forward", forward),
        ("title", title),
        ("outputs", outputs),
        ("ended", ended.to_owned()),
        ("share", if is_masked { "" } else { ".nan_to_num(0.0)" }.to_owned()),
        ("frames", sizes.frames.to_string()),
        ("input_frames", config.windows.input_frames.to_string()),
        ("target_frames", sizes.leads.to_string()),
        ("min_dbz", format!("{:?}", config.prepare.min)),
        ("max_dbz", format!("{:?}", config.prepare.max)),
        ("spacing", SPACING.to_string()),
        ("least", format!("{LEAST_KNOWN:?}")),
        ("longest", format!("{LONGEST_STEP:?}")),
        ("most", (MOST_STEPS as i64).to_string()),
    ];
    fields.iter().fold(NETWORK.to_owned(), |code, (name, value)| code.replace(&format!("{{{name}}}"), value))
}
