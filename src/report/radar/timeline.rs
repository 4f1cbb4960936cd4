//! A picture of a dataset in time: a row for each event, with a bar as long as the event in the colour of its side,
//! with its gaps as holes and refused files as marks. The time between events is left out. It knows no task: times,
//! names and sides are plain values.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::report::canvas::{BLACK, Canvas, GREY, Rgb};
use crate::report::text_width::{centred, shortened, text_width};
use crate::util::units;

/// The meaning of a bar's colour. Blue, orange, green: distinct also to the colour-blind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Training.
    Train,
    /// Validation.
    Val,
    /// Test.
    Test,
    /// No window fits.
    Unused,
}

impl Bar {
    const ALL: [Self; 4] = [Self::Train, Self::Val, Self::Test, Self::Unused];

    fn colour(self) -> Rgb {
        match self {
            Self::Train => [55, 118, 184],
            Self::Val => [240, 150, 40],
            Self::Test => [60, 150, 90],
            Self::Unused => [190, 190, 190],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "validation",
            Self::Test => "test",
            Self::Unused => "no window fits",
        }
    }
}

/// A row: an event, its frames and what is missing from them. All times are seconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineEvent {
    /// The event's name.
    pub name: String,
    /// The time of its first frame.
    pub first_seconds: f64,
    /// The time of its last frame.
    pub last_seconds: f64,
    /// How many frames it has.
    pub frames: usize,
    /// How many windows it has.
    pub windows: usize,
    /// What it serves, from when to when; several if it is cut.
    pub bars: Vec<(Bar, f64, f64)>,
    /// From the frame before a gap to the frame after it.
    pub gaps: Vec<(f64, f64)>,
    /// Files that were refused and set aside.
    pub set_aside: Vec<f64>,
}

const WIDTH: usize = 1400;
const MARGIN: usize = 24;
const ROW: usize = 26;
const BAR_HEIGHT: usize = 14;
const TEXT: usize = 15;
const TOP: usize = 92;
const BOTTOM: usize = 56;
/// A single frame is a moment, but must be seen.
const LEAST_BAR: usize = 3;
const GRID: Rgb = [228, 228, 228];
const MARK: Rgb = [205, 30, 45];
/// Seconds between two ticks: the first that gives a readable axis.
const TICKS: [f64; 12] =
    [300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 604_800.0];

/// Draws the events in the order given, as a PNG file.
///
/// # Errors
/// If the picture can't be encoded.
pub fn timeline(events: &[TimelineEvent]) -> Result<Vec<u8>, image::ImageError> {
    draw(events).png()
}

fn draw(events: &[TimelineEvent]) -> Canvas {
    let layout = Layout::of(events);
    let mut canvas = Canvas::new(WIDTH, TOP + events.len() * ROW + BOTTOM);
    canvas.text(&title(events), [MARGIN, 26], 20, BLACK);
    legend(&mut canvas, events);
    axis(&mut canvas, &layout, events.len());
    for (row, event) in events.iter().enumerate() {
        draw_row(&mut canvas, &layout, event, TOP + row * ROW + ROW / 2);
    }
    canvas
}

/// The columns: names, bars, notes.
struct Layout {
    bars: usize,
    bars_width: usize,
    notes: usize,
    longest_seconds: f64,
}

impl Layout {
    fn of(events: &[TimelineEvent]) -> Self {
        let widest = |text: &dyn Fn(&TimelineEvent) -> String| {
            events.iter().map(|event| text_width(&text(event), TEXT)).max().unwrap_or(0)
        };
        let bars = MARGIN + widest(&label).min(WIDTH / 3) + 16;
        let notes = WIDTH - MARGIN - widest(&note).min(WIDTH / 3);
        let longest = events.iter().map(|event| event.last_seconds - event.first_seconds).fold(TICKS[0], f64::max);
        Self { bars, bars_width: notes - 24 - bars, notes, longest_seconds: longest }
    }

    fn x(&self, seconds: f64) -> usize {
        let share = (seconds / self.longest_seconds).clamp(0.0, 1.0);
        self.bars + (share * self.bars_width as f64).round() as usize
    }
}

fn title(events: &[TimelineEvent]) -> String {
    let frames: usize = events.iter().map(|event| event.frames).sum();
    let windows: usize = events.iter().map(|event| event.windows).sum();
    let count = |number: usize, noun| units::count(number as u64, noun);
    format!("{}, {}, {}; times in UTC", count(events.len(), "event"), count(frames, "frame"), count(windows, "window"))
}

/// Only what the picture shows.
fn legend(canvas: &mut Canvas, events: &[TimelineEvent]) {
    let (mut x, y) = (MARGIN, 58);
    for bar in Bar::ALL
        .into_iter()
        .filter(|&bar| events.iter().any(|event| event.bars.iter().any(|(found, ..)| *found == bar)))
    {
        canvas.fill([x, y - BAR_HEIGHT / 2], [22, BAR_HEIGHT], bar.colour());
        x = legend_text(canvas, bar.name(), x + 30, y);
    }
    if events.iter().any(|event| !event.gaps.is_empty()) {
        hole(canvas, x, x + 22, y);
        x = legend_text(canvas, "gap that no window crosses", x + 30, y);
    }
    if events.iter().any(|event| !event.set_aside.is_empty()) {
        mark(canvas, x + 4, y + 8);
        legend_text(canvas, "file set aside", x + 16, y);
    }
}

fn legend_text(canvas: &mut Canvas, text: &str, x: usize, y: usize) -> usize {
    canvas.text(text, [x, y], TEXT, BLACK);
    x + text_width(text, TEXT) + 26
}

fn axis(canvas: &mut Canvas, layout: &Layout, rows: usize) {
    let bottom = TOP + rows * ROW;
    let least = layout.longest_seconds * 80.0 / layout.bars_width as f64;
    let step = TICKS.into_iter().find(|&step| step >= least).unwrap_or(layout.longest_seconds);
    let ticks = (0..).map(|tick| f64::from(tick) * step).take_while(|&time| time <= layout.longest_seconds * 1.000_001);
    for time in ticks {
        canvas.fill([layout.x(time), TOP - 4], [1, rows * ROW + 8], GRID);
        centred(canvas, &tick_name(time, step), [layout.x(time), bottom + 16], TEXT, BLACK);
    }
    let middle = layout.bars + layout.bars_width / 2;
    centred(canvas, "time since the event's first frame", [middle, bottom + 38], TEXT, GREY);
}

fn tick_name(seconds: f64, step: f64) -> String {
    match step {
        _ if step < 3600.0 => format!("{:.0} min", seconds / 60.0),
        _ if step < 86_400.0 => format!("{:.0} h", seconds / 3600.0),
        _ => format!("{:.0} d", seconds / 86_400.0),
    }
}

fn draw_row(canvas: &mut Canvas, layout: &Layout, event: &TimelineEvent, y: usize) {
    let since = |seconds: f64| layout.x(seconds - event.first_seconds);
    hole(canvas, layout.bars, since(event.last_seconds), y);
    for &(bar, from, to) in &event.bars {
        let (from, to) = (since(from), since(to));
        canvas.fill([from, y - BAR_HEIGHT / 2], [(to - from).max(LEAST_BAR), BAR_HEIGHT], bar.colour());
    }
    for &(before, after) in &event.gaps {
        hole(canvas, since(before), since(after).max(since(before) + 2), y);
    }
    event.set_aside.iter().for_each(|&time| mark(canvas, since(time), y));
    canvas.text(&shortened(&label(event), WIDTH / 3, TEXT), [MARGIN, y], TEXT, BLACK);
    canvas.text(&shortened(&note(event), WIDTH / 3, TEXT), [layout.notes, y], TEXT, BLACK);
}

/// Only a line through the middle.
fn hole(canvas: &mut Canvas, from: usize, to: usize, y: usize) {
    canvas.fill([from, y - BAR_HEIGHT / 2], [to - from, BAR_HEIGHT], [255; 3]);
    canvas.fill([from, y], [to - from, 1], GREY);
}

/// A triangle on top of the bar.
fn mark(canvas: &mut Canvas, x: usize, y: usize) {
    for row in 0..6 {
        let half = (5 - row) * 4 / 5;
        canvas.fill([x.saturating_sub(half), y - BAR_HEIGHT / 2 - 5 + row], [2 * half + 1, 1], MARK);
    }
}

fn label(event: &TimelineEvent) -> String {
    let time = Timestamp::from_second(event.first_seconds.floor() as i64).unwrap_or_default();
    let time = TimeZone::UTC.to_datetime(time).strftime("%Y-%m-%d %H:%M");
    format!("{time}   {}", event.name)
}

fn note(event: &TimelineEvent) -> String {
    let count = |number: usize, noun| units::count(number as u64, noun);
    let mut text = format!("{}, {}", count(event.frames, "frame"), count(event.windows, "window"));
    let lengths: Vec<f64> = event.gaps.iter().map(|(before, after)| after - before).collect();
    text += &match lengths[..] {
        [] => String::new(),
        [one] => format!("; gap {}", length(one)),
        [first, second] => format!("; gaps {}, {}", length(first), length(second)),
        _ => format!("; {} gaps up to {}", lengths.len(), length(lengths.iter().copied().fold(0.0, f64::max))),
    };
    if !event.set_aside.is_empty() {
        text += &format!("; {} set aside", event.set_aside.len());
    }
    text
}

/// In whole minutes: "10 min", "2 h 07 min".
fn length(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    if minutes < 60 { format!("{minutes} min") } else { format!("{} h {:02} min", minutes / 60, minutes % 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(count: usize) -> Vec<TimelineEvent> {
        let event = |number: usize| {
            let first = 1_196_467_200.0 + 90_000.0 * number as f64;
            let frames = 20 + number * 37 % 90;
            let mut last = first + 182.0 * (frames - 1) as f64;
            let mut gaps = Vec::new();
            for gap in 0..[0, 1, 0, 4][number % 4] {
                let before = first + 1000.0 + f64::from(gap) * 900.0;
                gaps.push((before, before + 600.0));
                last += 500.0;
            }
            TimelineEvent {
                name: format!("200712{:02}{number}", number % 30 + 1),
                first_seconds: first,
                last_seconds: last,
                frames,
                windows: (frames - 20) / 5,
                bars: vec![(if frames < 25 { Bar::Unused } else { Bar::ALL[number * 3 / count] }, first, last)],
                gaps,
                set_aside: if number % 5 == 2 { vec![first + 2000.0, first + 3000.0] } else { Vec::new() },
            }
        };
        (0..count).map(event).collect()
    }

    fn count(canvas: &Canvas, colour: Rgb) -> usize {
        canvas.rgb.chunks_exact(3).filter(|pixel| **pixel == colour).count()
    }

    #[test]
    fn every_side_has_its_bars_and_their_length_is_that_of_the_events() {
        let mut two = events(2);
        for (event, bar, seconds) in [(0, Bar::Train, 3600.0), (1, Bar::Test, 7200.0)] {
            let first = two[event].first_seconds;
            two[event].last_seconds = first + seconds;
            two[event].bars = vec![(bar, first, first + seconds)];
        }
        two[1].gaps.clear();
        let lengths = |events: &[TimelineEvent]| {
            let canvas = draw(events);
            assert_eq!(count(&canvas, Bar::Val.colour()), 0);
            let swatch = 22 * BAR_HEIGHT;
            [Bar::Train, Bar::Test].map(|bar| (count(&canvas, bar.colour()) - swatch) / BAR_HEIGHT)
        };
        let [train, test] = lengths(&two);
        assert!((2 * train).abs_diff(test) <= 2, "{train} {test}");
        // A quarter of the longer one becomes a hole; notes may take room from both.
        two[1].gaps = vec![(two[1].first_seconds + 1800.0, two[1].first_seconds + 3600.0)];
        let [train, test] = lengths(&two);
        assert!((3 * train).abs_diff(2 * test) <= 6, "{train} {test}");
    }

    #[test]
    fn an_event_that_is_cut_has_a_bar_for_each_part() {
        let mut one = events(1);
        let first = one[0].first_seconds;
        one[0].last_seconds = first + 8000.0;
        one[0].bars = vec![(Bar::Train, first, first + 4000.0), (Bar::Val, first + 6000.0, first + 8000.0)];
        let canvas = draw(&one);
        let swatch = 22 * BAR_HEIGHT;
        let [train, val] = [Bar::Train, Bar::Val].map(|bar| (count(&canvas, bar.colour()) - swatch) / BAR_HEIGHT);
        assert!(train.abs_diff(2 * val) <= 2, "{train} {val}");
    }

    #[test]
    fn nothing_touches_the_edge_with_no_event_one_or_many() {
        for number in [0, 1, 8, 60] {
            let canvas = draw(&events(number));
            for (place, pixel) in canvas.rgb.chunks_exact(3).enumerate() {
                let (x, y) = (place % canvas.width, place / canvas.width);
                let inside = (8..canvas.width - 8).contains(&x) && (8..canvas.height - 6).contains(&y);
                assert!(inside || pixel == [255; 3], "{number} events: a mark at {x}, {y}");
            }
        }
    }

    #[test]
    fn long_names_are_shortened_and_long_gaps_summed_up() {
        let mut one = events(4).remove(3);
        one.name = "W".repeat(300);
        assert!(text_width(&shortened(&label(&one), 400, TEXT), TEXT) <= 400);
        assert_eq!(note(&one), "41 frames, 4 windows; 4 gaps up to 10 min");
        one.gaps = vec![(0.0, 240.0), (1000.0, 8620.0)];
        assert_eq!(note(&one), "41 frames, 4 windows; gaps 4 min, 2 h 07 min");
        assert!(timeline(&[one]).unwrap().starts_with(b"\x89PNG"));
    }
}
