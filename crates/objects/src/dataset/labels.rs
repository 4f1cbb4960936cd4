//! The text file of an image's boxes: `class x y width height` on each line, the middle and the size as shares of the image, or
//! `class x1 y1 x2 y2 x3 y3 ..` for a polygon. What is wrong with a line drops that line, and is reported with its number.

use crate::boxes::{Object, Rect};

/// Larger than any real one.
pub const MOST_BYTES: usize = 16 << 20;

/// A border that is off by no more than this share of the image is moved to the image's.
const SLACK: f64 = 0.01;

/// The boxes of an image, as shares of its width and height.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    /// The boxes.
    pub objects: Vec<Object>,
    /// Lines that are dropped.
    pub faults: Vec<Fault>,
    /// Lines that repeat another, which are left out.
    pub repeated: usize,
    /// Boxes that were cut at the border of the image.
    pub cut: usize,
    /// Polygons, of which the box around is taken.
    pub polygons: usize,
}

/// A line that is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its number, from 1.
    pub line: usize,
    /// What was found, and what was expected.
    pub reason: String,
}

impl Labels {
    /// Reads the bytes of a file for so many classes.
    #[must_use]
    pub fn parse(bytes: &[u8], classes: usize) -> Self {
        let mut labels = Self::default();
        if bytes.len() > MOST_BYTES {
            let reason = format!("the file has {} bytes, expected at most {MOST_BYTES}", bytes.len());
            labels.faults.push(Fault { line: 1, reason });
            return labels;
        }
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            match row(line, classes) {
                Ok(row) => labels.take(row),
                Err(reason) => labels.faults.push(Fault { line: number + 1, reason }),
            }
        }
        labels
    }

    fn take(&mut self, row: Row) {
        if self.objects.contains(&row.object) {
            self.repeated += 1;
            return;
        }
        self.cut += usize::from(row.is_cut);
        self.polygons += usize::from(row.is_polygon);
        self.objects.push(row.object);
    }
}

struct Row {
    object: Object,
    is_cut: bool,
    is_polygon: bool,
}

fn row(line: &str, classes: usize) -> Result<Row, String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let class = class(words[0], classes)?;
    let numbers = words[1..].iter().map(|word| number(word)).collect::<Result<Vec<f64>, String>>()?;
    let is_polygon = numbers.len() >= 6 && numbers.len().is_multiple_of(2);
    let [left, top, right, bottom] = match numbers[..] {
        [x, y, width, height] => {
            if width <= 0.0 || height <= 0.0 {
                return Err(format!("a box of {width} x {height}, expected a width and a height above 0"));
            }
            [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0]
        }
        _ if is_polygon => around(&numbers),
        _ => {
            let expected = "expected class x y width height, or a class and three or more points";
            return Err(format!("{} numbers, {expected}", words.len()));
        }
    };
    let outside = [left, top, right, bottom].into_iter().find(|place| !(-SLACK..=1.0 + SLACK).contains(place));
    if let Some(place) = outside {
        return Err(format!("a border at {place:.4}, expected shares of the image from 0 to 1"));
    }
    let inside = |place: f64| place.clamp(0.0, 1.0);
    // What rounding of a few decimals adds is no cut.
    let is_cut = [left, top, right, bottom].into_iter().any(|place| (inside(place) - place).abs() > 1e-5);
    let [left, top, right, bottom] = [left, top, right, bottom].map(inside);
    if right <= left || bottom <= top {
        return Err("a box without area, expected one with a width and a height".to_owned());
    }
    let rect = Rect::new(left as f32, top as f32, right as f32, bottom as f32);
    Ok(Row { object: Object { class, rect }, is_cut, is_polygon })
}

/// The box around points.
fn around(points: &[f64]) -> [f64; 4] {
    let far = f64::INFINITY;
    points.chunks_exact(2).fold([far, far, -far, -far], |[left, top, right, bottom], point| {
        [left.min(point[0]), top.min(point[1]), right.max(point[0]), bottom.max(point[1])]
    })
}

fn class(word: &str, classes: usize) -> Result<u32, String> {
    // Some programs write 0.0 or 2.000000.
    let whole = word.parse::<f64>().ok().filter(|number| number.fract() == 0.0);
    match whole {
        Some(number) if number >= 0.0 && number < classes as f64 => Ok(number as u32),
        Some(number) => Err(format!("the class {number}, expected 0 to {}", classes.saturating_sub(1))),
        None => Err(format!("the class {:?}, expected a number from 0 to {}", cut(word), classes.saturating_sub(1))),
    }
}

fn number(word: &str) -> Result<f64, String> {
    match word.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("{:?}, expected a number", cut(word))),
    }
}

fn cut(word: &str) -> String {
    word.chars().take(30).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Labels {
        Labels::parse(text.as_bytes(), 3)
    }

    #[test]
    fn boxes_are_read_however_they_are_written() {
        let text =
            "\u{feff}0 0.5 0.5 0.2 0.4\r\n\n2.0\t0.25 0.25 0.5 0.5\n1 0.1 0.1 0.3 0.1 0.2 0.4\n 0 5e-1 0.5 0.20 0.4 \n";
        let labels = parse(text);
        let near = |one: &Object, class, rect: [f32; 4]| {
            let got = [one.rect.left, one.rect.top, one.rect.right, one.rect.bottom];
            one.class == class && got.iter().zip(rect).all(|(got, expected)| (got - expected).abs() < 1e-6)
        };
        assert_eq!((labels.objects.len(), labels.faults.len(), labels.repeated, labels.polygons), (3, 0, 1, 1));
        assert!(near(&labels.objects[0], 0, [0.4, 0.3, 0.6, 0.7]), "{labels:?}");
        assert!(near(&labels.objects[1], 2, [0.0, 0.0, 0.5, 0.5]), "{labels:?}");
        assert!(near(&labels.objects[2], 1, [0.1, 0.1, 0.3, 0.4]), "{labels:?}");
        assert_eq!(labels.cut, 0);
    }

    #[test]
    fn a_border_just_outside_is_cut_and_one_far_outside_drops_its_line_alone() {
        let labels = parse("0 0.1 0.5 0.21 0.2\n0 0.1 0.5 0.4 0.2\n1 0.5 0.5 0.1 0.1");
        assert_eq!((labels.objects.len(), labels.cut), (2, 1));
        assert_eq!(labels.objects[0].rect.left, 0.0);
        assert_eq!(labels.faults[0].line, 2);
        assert!(labels.faults[0].reason.contains("a border at -0.1000"), "{labels:?}");
    }

    #[test]
    fn every_fault_has_its_line_and_what_was_expected() {
        for (text, words) in [
            ("3 0.5 0.5 0.1 0.1", "the class 3, expected 0 to 2"),
            ("-1 0.5 0.5 0.1 0.1", "the class -1"),
            ("cat 0.5 0.5 0.1 0.1", "the class \"cat\", expected a number"),
            ("0.5 0.5 0.5 0.1 0.1", "the class \"0.5\""),
            ("0 0.5 0.5 0.1", "4 numbers, expected class x y"),
            ("0 0.5 0.5 0.1 0.1 0.9", "6 numbers, expected class x y"),
            ("0", "1 numbers"),
            ("0 nan 0.5 0.1 0.1", "\"nan\", expected a number"),
            ("0 0.5 0,5 0.1 0.1", "\"0,5\", expected a number"),
            ("0 0.5 0.5 0 0.1", "a box of 0 x 0.1"),
            ("0 0.5 0.5 -0.1 0.1", "a box of -0.1 x 0.1"),
            ("0 320 240 64 48", "expected shares of the image"),
            ("0 0.1 0.2 0.1 0.3 0.1 0.4", "a box without area"),
            ("0 0.5 0.5 0.1 \u{fffd}", "expected a number"),
        ] {
            let labels = parse(text);
            assert_eq!((labels.objects.len(), labels.faults.len()), (0, 1), "{text:?}");
            let Fault { line, reason } = &labels.faults[0];
            assert!(*line == 1 && reason.contains(words), "{text:?}: {reason}");
        }
        assert_eq!(parse("\n \n"), Labels::default(), "an image without objects");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let labels = Labels::parse(&bytes, 3);
            prop_assert!(labels.objects.iter().all(|one| one.class < 3 && one.rect.area() > 0.0));
        }
    }
}
