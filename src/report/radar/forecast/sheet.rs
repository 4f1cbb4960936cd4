//! All lead times of a forecast in one picture: observed above, predicted below, and the error below that. The last frame
//! that the forecast was made from is at the left.

use super::minutes::Minutes;
use super::{Forecast, error_colours};
use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas, GREY};
use crate::report::radar::colours::{self, LEGEND_MIN_HEIGHT, LEGEND_WIDTH};
use crate::report::radar::contact_sheet::evenly;
use crate::report::radar::frame::{Paint, RadarFrame, Zoom};
use crate::report::text_width::shortened;

/// About as wide as a screen; eight frames of 250 cells fit.
const WIDTH: usize = 2100;
/// More lead times than this would be too small to see anything.
const MAX_LEADS: usize = 9;
const MAX_PANEL: usize = 320;
const MARGIN: usize = 16;
const GAP: usize = 8;
const TITLE_HEIGHT: usize = 62;
const ROW_NAME_HEIGHT: usize = 22;
const LABEL_HEIGHT: usize = 19;
const ROW_GAP: usize = 14;
/// Room for a label over a narrow frame.
const MIN_COLUMN: usize = 76;
/// Both colour bars.
const LEGENDS_WIDTH: usize = LEGEND_WIDTH + error_colours::LEGEND_WIDTH;

/// The sheet as a PNG file.
///
/// # Errors
/// If an array does not fit its times, or there is nothing to show.
pub fn png(forecast: &Forecast<'_>) -> Result<Vec<u8>, PictureError> {
    Ok(draw(forecast)?.png()?)
}

pub(super) fn draw(forecast: &Forecast<'_>) -> Result<Canvas, PictureError> {
    forecast.check()?;
    let calm = forecast.scale.calm();
    let forecast = &Forecast { scale: &calm, ..*forecast };
    let shown = evenly(forecast.lead_minutes.len(), MAX_LEADS);
    let layout = Layout::of(forecast, shown.len());
    let mut canvas = Canvas::new(layout.width(shown.len()), layout.height());
    let title = shortened(forecast.title, canvas.width - 2 * MARGIN, 20);
    canvas.text(&title, [MARGIN, 20], 20, BLACK);
    let orientation = forecast.scale.orientation();
    canvas.text(&note(shown.len(), forecast.lead_minutes.len(), orientation), [MARGIN, 44], 14, GREY);

    let minutes = Minutes::of(forecast.lead_minutes);
    let errors: Vec<f32> = forecast.predicted.iter().zip(forecast.observed).map(|(p, o)| p - o).collect();
    let of_value = |value, x, y| forecast.scale.colour(value, x, y);
    let of_error = |error, x, y| error_colours::colour(forecast.scale, error, x, y);
    let radar = Paint { of_two: f32::max, colour: &of_value };
    let error = Paint { of_two: error_colours::larger, colour: &of_error };
    let rows = [
        ("observed", forecast.observed, radar),
        ("predicted", forecast.predicted, radar),
        ("error: predicted - observed", &errors, error),
    ];
    for (row, (name, values, paint)) in rows.into_iter().enumerate() {
        layout.name(&mut canvas, row, 1, name);
        for (column, &lead) in (1..).zip(&shown) {
            let panel = Panel { row, column, label: minutes.label(forecast.lead_minutes[lead]), paint };
            let frame = RadarFrame { dbz: frame_of(values, lead, forecast), ..layout.like };
            layout.panel(&mut canvas, &frame, &panel);
        }
    }
    last_seen(&mut canvas, &layout, forecast, radar);
    let (corner, height) = ([MARGIN, layout.top(1)], layout.height() - layout.top(1) - MARGIN);
    colours::legend(&mut canvas, forecast.scale, corner, height);
    error_colours::legend(&mut canvas, forecast.scale, [corner[0] + LEGEND_WIDTH, corner[1]], height);
    Ok(canvas)
}

fn frame_of<'v>(values: &'v [f32], index: usize, forecast: &Forecast<'_>) -> &'v [f32] {
    let cells = forecast.height * forecast.width;
    &values[index * cells..][..cells]
}

fn last_seen(canvas: &mut Canvas, layout: &Layout<'_>, forecast: &Forecast<'_>, paint: Paint<'_>) {
    let last = forecast.seen_minutes.len() - 1;
    let label = Minutes::of(forecast.seen_minutes).label(forecast.seen_minutes[last]);
    layout.name(canvas, 0, 0, "last seen");
    let frame = RadarFrame { dbz: frame_of(forecast.seen, last, forecast), ..layout.like };
    layout.panel(canvas, &frame, &Panel { row: 0, column: 0, label, paint });
}

fn note(shown: usize, all: usize, orientation: Option<&str>) -> String {
    let leads = match all {
        1 => "1 lead time".to_owned(),
        _ if all == shown => format!("{all} lead times"),
        _ => format!("{shown} of {all} lead times"),
    };
    [Some(leads.as_str()), orientation].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// A frame's place.
struct Panel<'a> {
    row: usize,
    column: usize,
    label: String,
    paint: Paint<'a>,
}

/// The layout.
struct Layout<'a> {
    like: RadarFrame<'a>,
    zoom: Zoom,
    panel: [usize; 2],
    /// The widths of the first column, which holds the colour bars too, and of the others.
    columns: [usize; 2],
}

impl<'a> Layout<'a> {
    fn of(forecast: &Forecast<'a>, leads: usize) -> Self {
        let like = RadarFrame { dbz: &[], height: forecast.height, width: forecast.width, time_seconds: 0 };
        let free = WIDTH - 2 * MARGIN - leads * GAP;
        let pixels = (free / (leads + 1)).min((free - LEGENDS_WIDTH) / leads).min(MAX_PANEL);
        let zoom = Zoom::to_fit(&like, pixels);
        let panel = zoom.size(&like);
        Self { like, zoom, panel, columns: [panel[0].max(LEGENDS_WIDTH), panel[0].max(MIN_COLUMN)] }
    }

    fn width(&self, leads: usize) -> usize {
        2 * MARGIN + self.columns[0] + leads * (GAP + self.columns[1])
    }

    fn height(&self) -> usize {
        (self.top(3) - ROW_GAP).max(self.top(1) + LEGEND_MIN_HEIGHT) + MARGIN
    }

    fn left(&self, column: usize) -> usize {
        match column {
            0 => MARGIN,
            _ => MARGIN + self.columns[0] + GAP + (column - 1) * (self.columns[1] + GAP),
        }
    }

    fn top(&self, row: usize) -> usize {
        TITLE_HEIGHT + row * (ROW_NAME_HEIGHT + LABEL_HEIGHT + self.panel[1] + ROW_GAP)
    }

    fn name(&self, canvas: &mut Canvas, row: usize, column: usize, name: &str) {
        canvas.text(name, [self.left(column), self.top(row) + ROW_NAME_HEIGHT / 2], 16, BLACK);
    }

    fn panel(&self, canvas: &mut Canvas, frame: &RadarFrame<'_>, panel: &Panel<'_>) {
        let (x, y) = (self.left(panel.column), self.top(panel.row) + ROW_NAME_HEIGHT);
        canvas.text(&panel.label, [x, y + LABEL_HEIGHT / 2 - 1], 14, GREY);
        self.zoom.paint(canvas, frame, [x, y + LABEL_HEIGHT], panel.paint);
    }
}
