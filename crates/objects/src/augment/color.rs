//! Hue, saturation and value of an image, each multiplied: hue on its circle of 180 steps, the others within a byte.

use crate::picture::Picture;

/// Steps of the circle.
const CIRCLE: f32 = 180.0;

/// By how much each is multiplied, less 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shades {
    pub hue: f64,
    pub saturation: f64,
    pub value: f64,
}

impl Shades {
    /// Changes an image.
    pub fn apply(self, picture: &mut Picture) {
        let Self { hue, saturation, value } = self;
        if [hue, saturation, value] == [0.0; 3] {
            return;
        }
        let byte = |gain: f64| -> Vec<f32> {
            (0..256).map(|level| (f64::from(level) * (1.0 + gain)).clamp(0.0, 255.0).floor() as f32).collect()
        };
        let (saturations, values) = (byte(saturation), byte(value));
        let turn = 1.0 + hue as f32;
        for pixel in picture.rgb.as_chunks_mut::<3>().0 {
            let [hue, saturation, value] = to_hsv(*pixel);
            let turned = hue * turn;
            let hue = if turned >= CIRCLE { turned - CIRCLE } else { turned };
            *pixel = to_rgb([hue, saturations[saturation as usize], values[value as usize]]);
        }
    }
}

/// Hue from 0 to 180, saturation and value from 0 to 255.
fn to_hsv([red, green, blue]: [u8; 3]) -> [f32; 3] {
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    if most == least {
        return [0.0, 0.0, f32::from(most)];
    }
    let span = f32::from(most - least);
    let [r, g, b] = [red, green, blue].map(f32::from);
    let sixth = if most == red {
        (g - b) / span
    } else if most == green {
        2.0 + (b - r) / span
    } else {
        4.0 + (r - g) / span
    };
    let hue = sixth * CIRCLE / 6.0;
    let hue = if hue < 0.0 { hue + CIRCLE } else { hue };
    [hue, (span * 255.0 / f32::from(most)).round(), f32::from(most)]
}

fn to_rgb([hue, saturation, value]: [f32; 3]) -> [u8; 3] {
    let share = saturation / 255.0;
    let sixth = hue * 6.0 / CIRCLE;
    let part = |number: f32| {
        let place = number + sixth;
        let place = if place >= 6.0 { place - 6.0 } else { place };
        let level = value - value * share * place.min(4.0 - place).clamp(0.0, 1.0);
        (level + 0.5) as u8
    };
    [part(5.0), part(3.0), part(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_go_there_and_back() {
        for red in (0..=255_u8).step_by(15) {
            for green in (0..=255_u8).step_by(17) {
                for blue in (0..=255_u8).step_by(51) {
                    let back = to_rgb(to_hsv([red, green, blue]));
                    let off = back.iter().zip([red, green, blue]).map(|(one, other)| one.abs_diff(other)).max();
                    assert!(off < Some(3), "{red} {green} {blue}: {back:?}");
                }
            }
        }
        assert_eq!(to_hsv([255, 0, 0]), [0.0, 255.0, 255.0]);
        assert_eq!(to_hsv([0, 0, 255]), [120.0, 255.0, 255.0]);
        assert_eq!(to_rgb([60.0, 255.0, 200.0]), [0, 200, 0]);
    }

    #[test]
    fn value_and_saturation_stay_within_a_byte_and_nothing_changes_nothing() {
        let mut picture = Picture::filled(2, 1, [200, 100, 50]);
        let before = picture.clone();
        Shades { hue: 0.0, saturation: 0.0, value: 0.0 }.apply(&mut picture);
        assert_eq!(picture, before);
        Shades { hue: 0.0, saturation: 0.0, value: 0.9 }.apply(&mut picture);
        assert_eq!(picture.pixel(0, 0)[0], 255);
        Shades { hue: 0.0, saturation: -1.0, value: 0.0 }.apply(&mut picture);
        assert_eq!(picture.pixel(1, 0), [255; 3]);
    }
}
