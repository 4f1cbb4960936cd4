//! What the numbers of a field measure, known from their unit: reflectivity, a rain rate, an amount of rain, or anything
//! else. Labels, scales and default thresholds follow from it. Not a conversion: numbers stay as they are.

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// dBZ.
    Reflectivity,
    /// Millimetres of water in an hour.
    RainRate,
    /// Millimetres of water.
    RainAmount,
    /// Anything else.
    Other,
}

/// A quantity with its unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    family: Family,
    unit: String,
}

impl Default for Quantity {
    /// Reflectivity, also assumed for a field without a unit.
    fn default() -> Self {
        Self { family: Family::Reflectivity, unit: "dBZ".into() }
    }
}

impl Quantity {
    /// The quantity with this unit, in any usual spelling: `mm/h`, `mm hr-1` and `kg m-2 h-1` are one, because a
    /// kilogram of water on a square metre is a millimetre. An empty unit is dBZ.
    #[must_use]
    pub fn of(unit: &str) -> Self {
        let unit = unit.trim();
        if unit.is_empty() || unit.eq_ignore_ascii_case("dbz") {
            return Self::default();
        }
        let mut parts = parts(unit);
        parts.sort_unstable();
        let parts: Vec<(&str, i32)> = parts.iter().map(|(name, power)| (name.as_str(), *power)).collect();
        let (family, unit) = match parts[..] {
            [("h", -1), ("mm", 1)] | [("h", -1), ("kg", 1), ("m", -2)] | [("h", -1), ("l", 1), ("m", -2)] => {
                (Family::RainRate, "mm/h")
            }
            [("mm", 1)] | [("kg", 1), ("m", -2)] | [("l", 1), ("m", -2)] => (Family::RainAmount, "mm"),
            _ => (Family::Other, unit),
        };
        Self { family, unit: unit.to_owned() }
    }

    /// What is measured.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The unit as people read it; empty for a pure number.
    #[must_use]
    pub fn unit(&self) -> &str {
        if self.unit == "1" { "" } else { &self.unit }
    }

    /// The unit of a difference of two values.
    #[must_use]
    pub fn unit_of_difference(&self) -> &str {
        if self.is_reflectivity() { "dB" } else { self.unit() }
    }

    /// Whether it is reflectivity.
    #[must_use]
    pub fn is_reflectivity(&self) -> bool {
        self.family == Family::Reflectivity
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.family {
            Family::Reflectivity => "reflectivity",
            Family::RainRate => "rain rate",
            Family::RainAmount => "rain",
            Family::Other => "value",
        }
    }

    /// A number with the unit: "35 dBZ", "0.5".
    #[must_use]
    pub fn with_unit(&self, value: f64) -> String {
        format!("{value} {}", self.unit()).trim_end().to_owned()
    }
}

/// The factors of a unit with their powers, in short names: "kg m-2 h-1", "mm/hr", "mm per hour", "mm.h^-1".
fn parts(unit: &str) -> Vec<(String, i32)> {
    let plain = unit.to_lowercase().replace(" per ", "/").replace("⁻¹", "-1").replace("⁻²", "-2").replace('²', "2");
    let mut found = Vec::new();
    for (index, side) in plain.split('/').enumerate() {
        let sign = if index == 0 { 1 } else { -1 };
        let factors = side.split(|letter: char| letter.is_whitespace() || "*·.()^".contains(letter));
        for factor in joined(factors) {
            let at = factor.find(|letter: char| letter.is_ascii_digit() || letter == '-').unwrap_or(factor.len());
            let (name, power) = factor.split_at(at);
            let power = if power.is_empty() { Some(1) } else { power.parse::<i32>().ok() };
            // A factor that is not understood stays as it is: the unit is then none of the known ones.
            found.push(power.map_or((factor.clone(), sign), |power| (short(name).to_owned(), sign * power)));
        }
    }
    found
}

/// Factors, each with the power that was split from it: "h", "-1" is "h-1".
fn joined<'a>(pieces: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut factors: Vec<String> = Vec::new();
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        let is_power = piece.parse::<i32>().is_ok();
        match factors.last_mut() {
            Some(last) if is_power => last.push_str(piece),
            _ => factors.push(piece.to_owned()),
        }
    }
    factors
}

fn short(name: &str) -> &str {
    match name {
        "millimeter" | "millimeters" | "millimetre" | "millimetres" => "mm",
        "hr" | "hrs" | "hour" | "hours" => "h",
        "kilogram" | "kilograms" => "kg",
        "liter" | "liters" | "litre" | "litres" => "l",
        "meter" | "meters" | "metre" | "metres" => "m",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(unit: &str) -> (Family, String) {
        let quantity = Quantity::of(unit);
        (quantity.family(), quantity.unit().to_owned())
    }

    #[test]
    fn usual_spellings_of_a_unit_are_one_quantity() {
        for unit in ["dBZ", "DBZ", "dbz", " dBZ ", ""] {
            assert_eq!(of(unit), (Family::Reflectivity, "dBZ".into()), "{unit:?}");
        }
        let rates = [
            "mm/h",
            "mm/hr",
            "mm h-1",
            "mm hr-1",
            "mm/hour",
            "mm h^-1",
            "mm h**-1",
            "mm.h-1",
            "mm h⁻¹",
            "mm per hour",
            "MM/HR",
            "millimeter hour-1",
            "kg m-2 h-1",
            "kg/m2/h",
            "kg/m^2/h",
            "kg m**-2 h**-1",
            "kg/(m2 h)",
            "l m-2 h-1",
        ];
        for unit in rates {
            assert_eq!(of(unit), (Family::RainRate, "mm/h".into()), "{unit:?}");
        }
        for unit in ["mm", "kg m-2", "kg/m2", "kg m^-2", "kg m⁻²", "l/m²", "millimetres"] {
            assert_eq!(of(unit), (Family::RainAmount, "mm".into()), "{unit:?}");
        }
    }

    #[test]
    fn other_units_stay_as_they_are_written() {
        for unit in ["kg m-2 s-1", "mm/s", "mm/day", "mm2", "K", "m s-1", "m", "%", "kg m-3", "mm h"] {
            assert_eq!(of(unit), (Family::Other, unit.into()));
        }
        assert_eq!(of("1"), (Family::Other, String::new()));
        assert_eq!(Quantity::of("1").with_unit(0.5), "0.5");
        assert_eq!(Quantity::of("kg m-2").with_unit(0.5), "0.5 mm");
    }

    #[test]
    fn a_difference_of_reflectivities_is_in_decibels() {
        assert_eq!(["dBZ", "mm/h"].map(|unit| Quantity::of(unit).unit_of_difference().to_owned()), ["dB", "mm/h"]);
    }
}
