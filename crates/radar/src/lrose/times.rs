//! The times of one volume or several: of the scan, and the reference time of a forecast.

use super::container::{Attribute, Values, Variable};
use super::{BOUNDS, TIME, text};

const SINCE_1970: &str = "seconds since 1970-01-01T00:00:00Z";

/// The variables of time for scans with these beginnings, centres and ends; with those of a forecast if its
/// reference time is given.
pub(crate) fn variables(scans: &[[f64; 3]], forecast_from_seconds: Option<f64>) -> Vec<Variable<'static>> {
    let along = |place: usize| scans.iter().map(|scan| scan[place]).collect::<Vec<_>>();
    let [starts, centres, stops] = [0, 1, 2].map(along);
    let mut time = vec![
        text("standard_name", "time"),
        text("long_name", "Data time"),
        text("units", SINCE_1970),
        text("axis", "T"),
    ];
    let bounded = scans.iter().all(|&[start, centre, stop]| start <= centre && centre <= stop && start != stop);
    if bounded {
        time.push(text("bounds", "time_bounds"));
    }
    time.push(text("comment", "times are centroids of the scans"));
    let plain = |name: &'static str| vec![text("long_name", name), text("units", SINCE_1970)];
    let mut variables = vec![
        of_time("time", centres.clone(), time),
        of_time("start_time", starts, plain("start_time")),
        of_time("stop_time", stops, plain("stop_time")),
    ];
    if bounded {
        let both = scans.iter().flat_map(|&[start, _, stop]| [start, stop]).collect();
        variables.push(Variable {
            name: "time_bounds".into(),
            dimensions: vec![TIME, BOUNDS],
            attributes: vec![text("comment", "beginning and end of the scan"), text("units", SINCE_1970)],
            values: Values::Double(both),
        });
    }
    if let Some(from) = forecast_from_seconds {
        let name = "forecast_reference_time";
        let attributes = vec![text("standard_name", name), text("units", SINCE_1970)];
        variables.push(of_time(name, vec![from; scans.len()], attributes));
        let name = "forecast_period";
        let attributes = vec![text("standard_name", name), text("units", "seconds")];
        variables.push(of_time(name, centres.iter().map(|centre| centre - from).collect(), attributes));
    }
    variables
}

fn of_time(name: &'static str, seconds: Vec<f64>, attributes: Vec<Attribute>) -> Variable<'static> {
    Variable { name: name.into(), dimensions: vec![TIME], attributes, values: Values::Double(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(scans: &[[f64; 3]], from: Option<f64>) -> Vec<(String, Values<'static>)> {
        variables(scans, from).into_iter().map(|variable| (variable.name.into_owned(), variable.values)).collect()
    }

    #[test]
    fn bounds_are_written_only_if_the_scan_took_time() {
        let names = |scan| named(&[scan], None).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names([0.0, 91.0, 182.0]), ["time", "start_time", "stop_time", "time_bounds"]);
        assert_eq!(names([91.0, 91.0, 91.0]), ["time", "start_time", "stop_time"]);
        assert_eq!(names([100.0, 91.0, 182.0]), ["time", "start_time", "stop_time"]);
    }

    #[test]
    fn forecasts_say_when_they_were_made_and_how_far_they_reach() {
        let found = named(&[[900.0; 3], [1200.0; 3]], Some(300.0));
        assert!(found.contains(&("forecast_reference_time".into(), Values::Double(vec![300.0, 300.0]))));
        assert!(found.contains(&("forecast_period".into(), Values::Double(vec![600.0, 900.0]))));
    }
}
