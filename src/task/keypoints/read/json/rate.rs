//! How many frames a second has: a number, or a text with one. Anything else is passed over without being kept.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The number, if it is one.
pub(super) struct Rate(pub Option<f64>);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(Number)
    }
}

struct Number;

impl<'de> Visitor<'de> for Number {
    type Value = Rate;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("frames of a second")
    }

    fn visit_f64<E: Error>(self, rate: f64) -> Result<Rate, E> {
        Ok(Rate((rate.is_finite() && rate > 0.0).then_some(rate)))
    }

    fn visit_u64<E: Error>(self, rate: u64) -> Result<Rate, E> {
        self.visit_f64(rate as f64)
    }

    fn visit_i64<E: Error>(self, rate: i64) -> Result<Rate, E> {
        self.visit_f64(rate as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Rate, E> {
        text.parse().map_or(Ok(Rate(None)), |rate| self.visit_f64(rate))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Rate, E> {
        Ok(Rate(None))
    }

    fn visit_unit<E: Error>(self) -> Result<Rate, E> {
        Ok(Rate(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Rate, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Rate(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rate, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Rate(None))
    }
}
