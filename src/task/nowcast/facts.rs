//! The facts about its dataset in a weights file: the unit of its values. Nothing is written for reflectivity.

use serde_json::{Value, json};

use crate::util::quantity::Quantity;

const UNITS: &str = "units";

/// The facts of data with this unit, as it is written in the files.
pub(super) fn of(units: &str) -> Value {
    if Quantity::of(units).is_reflectivity() { Value::Null } else { json!({UNITS: units}) }
}

/// What is measured, by the facts.
pub(super) fn quantity(facts: &Value) -> Quantity {
    Quantity::of(facts.get(UNITS).and_then(Value::as_str).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_name_every_unit_but_that_of_reflectivity() {
        assert_eq!([of("dBZ"), of("")], [Value::Null, Value::Null]);
        assert_eq!(quantity(&Value::Null), Quantity::default());
        assert_eq!(of("kg m-2"), json!({"units": "kg m-2"}));
        assert_eq!(quantity(&of("kg m-2")).unit(), "mm");
    }
}
