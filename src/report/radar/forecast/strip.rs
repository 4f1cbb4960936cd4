//! A forecast as a strip: a film for a page, which draws the panels and plays them. Weak echo fades, so that a forecast
//! with a halo does not look larger than what was observed; no echo is transparent, because pages are light or dark.

use super::Forecast;
use super::minutes::Minutes;
use crate::report::PictureError;
use crate::report::radar::colours::Scale;
use crate::report::strip::Strip;

/// The places in the palette of what is no echo, and of what is missing: even and hatched.
const NO_ECHO: u8 = 0;
const MISSING: [u8; 2] = [1, 2];
/// The place of the first colour.
const FIRST: u8 = 3;
/// Longer sides are made smaller: a page has no room for more.
const MOST_CELLS: usize = 256;

/// The strip as a PNG file.
///
/// # Errors
/// If an array does not fit its times, or there is nothing to show.
pub fn strip(forecast: &Forecast<'_>) -> Result<Vec<u8>, PictureError> {
    forecast.check()?;
    let down = forecast.height.max(forecast.width).div_ceil(MOST_CELLS);
    let (seen, leads) = (Minutes::of(forecast.seen_minutes), Minutes::of(forecast.lead_minutes));
    let before = forecast.seen_minutes.iter().map(|&minutes| format!("{}, seen by the model", seen.label(minutes)));
    let after = forecast.lead_minutes.iter().map(|&minutes| format!("{}, forecast", leads.label(minutes)));
    let strip = Strip {
        title: forecast.title.to_owned(),
        panels: ["observed", "model", forecast.compared_name].map(str::to_owned).into(),
        size: [forecast.width.div_ceil(down), forecast.height.div_ceil(down)],
        moments: before.chain(after).collect(),
        before: forecast.seen_minutes.len(),
        scale: scale(forecast.scale),
        unit: forecast.scale.unit().to_owned(),
    };
    let [_, rows] = strip.size;
    let value = |panel: usize, moment: usize, row: usize, column: usize| {
        let (values, frame) = match (panel, moment.checked_sub(strip.before)) {
            (0, None) => (forecast.seen, moment),
            (0, Some(lead)) => (forecast.observed, lead),
            (_, None) => return None,
            (1, Some(lead)) => (forecast.predicted, lead),
            (_, Some(lead)) => (forecast.compared, lead),
        };
        // Pictures begin in the north, arrays in the south.
        let south = (rows - 1 - row) * down;
        let cells = (south..(south + down).min(forecast.height)).flat_map(|row| {
            let begin = (frame * forecast.height + row) * forecast.width;
            values[begin..begin + forecast.width].iter().skip(column * down).take(down)
        });
        Some(cells.copied().fold(f32::NAN, f32::max))
    };
    strip.png(&palette(forecast.scale), |panel, moment, row, column| match value(panel, moment, row, column) {
        None => NO_ECHO,
        Some(value) => place(forecast.scale, value, row + column),
    })
}

fn palette(scale: &Scale) -> Vec<[u8; 4]> {
    let grey = |opacity| [128, 128, 128, opacity];
    [[0; 4], grey(40), grey(95)].into_iter().chain(scale.faded().map(|(_, colour)| colour)).collect()
}

fn place(scale: &Scale, value: f32, diagonal: usize) -> u8 {
    if value.is_nan() {
        return MISSING[usize::from(diagonal.is_multiple_of(4))];
    }
    scale.step(value).map_or(NO_ECHO, |step| FIRST + step.min(usize::from(u8::MAX - FIRST)) as u8)
}

/// The visible colours and the values at which they begin.
fn scale(scale: &Scale) -> Vec<(String, String)> {
    let seen = scale.faded().filter(|(_, [.., opacity])| *opacity > 0);
    let entry = |(from, [red, green, blue, opacity]): (f32, [u8; 4])| {
        (format!("#{red:02x}{green:02x}{blue:02x}{opacity:02x}"), brief(from))
    };
    seen.map(entry).collect()
}

/// A number with at most three digits after the point.
fn brief(value: f32) -> String {
    ((value * 1000.0).round() / 1000.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::quantity::Quantity;

    #[test]
    fn every_panel_has_its_frames_and_weak_echo_fades() {
        let of = |values: &[f32]| values.iter().flat_map(|&value| vec![value; 6]).collect::<Vec<f32>>();
        let (seen, observed, predicted, compared) =
            (of(&[52.0, 12.0]), of(&[52.0]), of(&[-9.0]), vec![f32::NAN, 30.0, 30.0, 30.0, 30.0, -29.0]);
        let forecast = Forecast {
            title: "2014-01-13",
            scale: &Scale::of(&Quantity::of("dBZ"), -29.0, 65.0),
            height: 2,
            width: 3,
            seen: &seen,
            seen_minutes: &[-5.0, 0.0],
            observed: &observed,
            predicted: &predicted,
            compared: &compared,
            compared_name: "advection",
            lead_minutes: &[5.0],
        };
        let bytes = strip(&forecast).unwrap();
        let told = Strip::of(&bytes).unwrap();
        assert_eq!((told.size, told.before, told.panels[2].as_str()), ([3, 2], 2, "advection"));
        assert_eq!(told.moments, ["-5 min, seen by the model", "0 min, seen by the model", "+5 min, forecast"]);
        let picture = image::load_from_memory(&bytes).unwrap().to_rgba8();
        let pixel =
            |panel: u32, moment: u32, row: u32, column: u32| picture.get_pixel(3 * panel + column, 2 * moment + row).0;
        assert_eq!(pixel(0, 0, 0, 0), [0xF2, 0x12, 0x00, 255]);
        assert_eq!(pixel(1, 0, 0, 0)[3], 0, "nothing is forecast before the forecast");
        assert!((1..200).contains(&pixel(1, 2, 0, 0)[3]), "a halo is pale");
        assert_eq!(pixel(2, 2, 0, 2)[3], 0, "north is up, and no echo is transparent");
        assert!(pixel(2, 2, 1, 0)[0] == 128 && pixel(2, 2, 1, 0)[3] > 0, "missing is grey");
    }
}
