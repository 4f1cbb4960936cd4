//! The frames that motion is estimated from, and their ages. Not the estimation.

use super::plane::Plane;

/// The most frames that are compared: older ones resemble the last one too little to help.
const MOST_FRAMES: usize = 3;

/// Frames are halved until their longest side is at most this: finer detail lives too briefly to be followed.
pub(super) const LONGEST_SIDE: usize = 256;

/// The shortest side of the coarsest frames.
const SHORTEST_SIDE: usize = 16;

/// The share of the cells with echo that counts as none. The weakest echoes are noise, or just above the step
/// from "no echo" to the least value that a radar reports; that step would outweigh all structure within the echoes.
const WEAKEST_SHARE: f32 = 0.15;

/// The number of steps between the weakest and the strongest echo.
const STEPS: usize = 1024;

/// An earlier frame.
pub(super) struct Earlier {
    /// The frame.
    pub plane: Plane,
    /// How many minutes before the last frame it was taken.
    pub minutes: f32,
}

/// The last frame and those before it, all on the same grid.
pub(super) struct Frames {
    /// The last frame.
    pub last: Plane,
    /// The ones before, each with echo.
    pub earlier: Vec<Earlier>,
}

impl Frames {
    /// Echo from 0 to 1 in the last frames; nothing if no two of them can be compared.
    fn new(input: &[&[f32]], rows: usize, columns: usize, minutes: &[f64], no_echo: f32) -> Option<Self> {
        let cells = rows * columns;
        let usable = |frame: &[f32]| cells > 0 && frame.len() == cells;
        let mut frames = input.iter().zip(minutes).rev().filter(|(frame, _)| usable(frame)).take(MOST_FRAMES);
        let echo = |frame: &[f32]| Plane::of_echo(frame, rows, columns, no_echo);
        let (last, end) =
            frames.next().filter(|_| input.len() == minutes.len()).map(|(last, end)| (echo(last), *end))?;
        let earlier = frames.map(|(frame, start)| Earlier { plane: echo(frame), minutes: (end - start) as f32 });
        let comparable =
            |earlier: &Earlier| earlier.minutes.is_finite() && earlier.minutes > 0.0 && earlier.plane.has_echo();
        let frames = Self { earlier: earlier.filter(comparable).collect(), last };
        (frames.last.has_echo() && !frames.earlier.is_empty()).then_some(frames)
    }

    fn map(&self, change: impl Fn(&Plane) -> Plane) -> Self {
        let earlier =
            self.earlier.iter().map(|earlier| Earlier { plane: change(&earlier.plane), minutes: earlier.minutes });
        Self { last: change(&self.last), earlier: earlier.collect() }
    }

    fn values(&self) -> impl Iterator<Item = f32> {
        let planes = self.earlier.iter().map(|earlier| &earlier.plane).chain([&self.last]);
        planes.flat_map(|plane| plane.values.iter().copied())
    }

    /// The same with the weakest echoes set to none and the strongest to 1.
    fn without_the_weakest(&self) -> Self {
        let strongest = self.values().fold(f32::MIN_POSITIVE, f32::max);
        let mut counts = [0_usize; STEPS];
        let step = |value: f32| ((value / strongest * STEPS as f32) as usize).min(STEPS - 1);
        self.values().filter(|&value| value > 0.0).for_each(|value| counts[step(value)] += 1);
        let weakest = (WEAKEST_SHARE * counts.iter().sum::<usize>() as f32) as usize;
        let mut below = 0;
        let within = |count: &&usize| {
            below += **count;
            below <= weakest
        };
        let least = counts.iter().take_while(within).count() as f32 / STEPS as f32;
        self.map(|plane| Plane {
            values: plane.values.iter().map(|value| (value / strongest - least).max(0.0)).collect(),
            ..*plane
        })
    }
}

/// The frames from the finest grid that motion is sought on to the coarsest.
pub(super) struct Pyramid {
    /// The frames, each time halved.
    pub levels: Vec<Frames>,
    /// The side of a cell of the finest level, in cells of the input.
    pub cells_per_cell: usize,
}

impl Pyramid {
    /// Prepares the last input frames; nothing if no two of them can be compared.
    pub fn new(input: &[&[f32]], rows: usize, columns: usize, minutes: &[f64], no_echo: f32) -> Option<Self> {
        let mut frames = Frames::new(input, rows, columns, minutes, no_echo)?;
        let mut cells_per_cell = 1;
        while frames.last.rows.max(frames.last.columns) > LONGEST_SIDE {
            frames = frames.map(Plane::halved);
            cells_per_cell *= 2;
        }
        let mut levels = vec![frames.without_the_weakest().map(Plane::smoothed)];
        while let Some(finer) =
            levels.last().filter(|finer| finer.last.rows.min(finer.last.columns) >= 2 * SHORTEST_SIDE)
        {
            levels.push(finer.map(|plane| plane.halved().smoothed()));
        }
        Some(Self { levels, cells_per_cell })
    }
}
