//! Times of frames, in minutes from the moment of the forecast.

/// How the times of a forecast are written: in whole minutes, unless the frames are at fractions of minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Minutes {
    decimals: usize,
}

/// Scans every 182 seconds are given as every 3 minutes; those every 150 seconds are not.
const WHOLE: f32 = 0.2;

impl Minutes {
    pub(super) fn of(times: &[f32]) -> Self {
        let steps = times.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let fraction = |step: f32| (step - step.round()).abs() > WHOLE || step < 0.5;
        Self { decimals: usize::from(steps.into_iter().any(fraction)) }
    }

    /// "-21 min", "0 min", "+5 min".
    pub(super) fn label(self, minutes: f32) -> String {
        let number = format!("{minutes:.*}", self.decimals);
        let number = number.strip_suffix(".0").unwrap_or(&number);
        match number {
            "-0" | "0" => "0 min".into(),
            _ if minutes > 0.0 => format!("+{number} min"),
            _ => format!("{number} min"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(times: &[f32]) -> Vec<String> {
        times.iter().map(|&minutes| Minutes::of(times).label(minutes)).collect()
    }

    #[test]
    fn times_are_whole_minutes_unless_the_frames_come_at_fractions() {
        assert_eq!(labels(&[-6.07, -3.03, -0.0]), ["-6 min", "-3 min", "0 min"]);
        assert_eq!(labels(&[3.03, 6.07, 9.1]), ["+3 min", "+6 min", "+9 min"]);
        assert_eq!(labels(&[2.5, 5.0, 7.5]), ["+2.5 min", "+5 min", "+7.5 min"]);
        assert_eq!(labels(&[5.0]), ["+5 min"]);
    }
}
