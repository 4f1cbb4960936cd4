//! The time of a frame from the name of its file, if the file itself has none: `ncfdata20100826_000500.nc`,
//! `20100826-0005.nc`, `radar.20100826000500.nc`.

use std::path::Path;

use super::time::{days_from_date, plausible};

/// Seconds since 1970 of the first date and time in a file's name.
#[must_use]
pub fn time_in_name(path: &Path) -> Option<f64> {
    let name = path.file_stem()?.to_str()?;
    let runs = digit_runs(name);
    for (place, &(start, digits)) in runs.iter().enumerate() {
        if digits.len() == 14 || digits.len() == 12 {
            let (date, clock) = digits.split_at(8);
            if let Some(seconds) = moment(date, clock) {
                return Some(seconds);
            }
        }
        let next = runs.get(place + 1).filter(|(next, _)| *next == start + digits.len() + 1);
        if let (8, Some((_, clock))) = (digits.len(), next)
            && let Some(seconds) = moment(digits, clock)
        {
            return Some(seconds);
        }
    }
    None
}

/// The runs of digits in a name, each with the byte it begins at.
fn digit_runs(name: &str) -> Vec<(usize, &str)> {
    let mut runs = Vec::new();
    let mut rest = 0;
    while let Some(start) = name[rest..].find(|c: char| c.is_ascii_digit()).map(|found| rest + found) {
        let end = name[start..].find(|c: char| !c.is_ascii_digit()).map_or(name.len(), |found| start + found);
        runs.push((start, &name[start..end]));
        rest = end;
    }
    runs
}

/// A date of eight digits and a clock of six or four.
fn moment(date: &str, clock: &str) -> Option<f64> {
    let number = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let days = days_from_date(number(date, 0, 4)?, number(date, 4, 6)?, number(date, 6, 8)?, false)?;
    let (hour, minute) = (number(clock, 0, 2)?, number(clock, 2, 4)?);
    let second = match clock.len() {
        4 => 0,
        6 => number(clock, 4, 6)?,
        _ => return None,
    };
    let exists = hour < 24 && minute < 60 && second < 61;
    plausible((days * 86_400 + hour * 3_600 + minute * 60 + second) as f64).filter(|_| exists)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_give_the_time() {
        for name in [
            "ncfdata20100826_000500.nc",
            "20100826_000500.nc",
            "20100826-000500.nc",
            "radar.20100826000500.DBZ.nc4",
            "KNMI_201008260005.nc",
            "site7_20100826T0005Z.nc",
            "cfrad.20100826_000500_to_20100826_001000.nc",
        ] {
            assert_eq!(time_in_name(Path::new(name)), Some(1_282_781_100.0), "{name}");
        }
    }

    #[test]
    fn other_names_give_none() {
        for name in [
            "scan.nc",
            "20100826.nc",
            "f_00001800.nc",
            "20101326_000500.nc",
            "20100826_250000.nc",
            "12345678901234.nc",
            "20100826__000500.nc",
        ] {
            assert_eq!(time_in_name(Path::new(name)), None, "{name}");
        }
    }
}
