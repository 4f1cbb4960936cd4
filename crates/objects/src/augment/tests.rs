//! Boxes follow pixels.

use std::convert::Infallible;

use super::*;
use crate::boxes::Rect;

/// A gray image with a rectangle of its own color where its box is.
fn source(number: usize, size: [usize; 2], rect: Rect) -> Arc<Source> {
    let mut picture = Picture::filled(size[0], size[1], [60; 3]);
    for y in rect.top as usize..rect.bottom as usize {
        for x in rect.left as usize..rect.right as usize {
            picture.rgb[3 * (y * size[0] + x)..][..3].copy_from_slice(&color(number));
        }
    }
    Arc::new(Source { picture, objects: vec![Object { class: number as u32, rect }] })
}

fn color(number: usize) -> [u8; 3] {
    [[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 0]][number % 4]
}

fn sources() -> Vec<Arc<Source>> {
    vec![
        source(0, [100, 75], Rect::new(20.0, 10.0, 60.0, 50.0)),
        source(1, [64, 100], Rect::new(8.0, 40.0, 40.0, 80.0)),
        source(2, [50, 50], Rect::new(10.0, 10.0, 40.0, 35.0)),
        source(3, [200, 150], Rect::new(60.0, 40.0, 150.0, 120.0)),
    ]
}

fn drawn(config: &AugmentConfig, index: u64, has_mosaic: bool) -> (Picture, Vec<Object>) {
    let all = sources();
    let draw = Draw { seed: 42, epoch: 1, index };
    let own = index as usize % all.len();
    let found = sample(config, (128, has_mosaic), draw, (own, all.len()), &mut |number| {
        Ok::<_, Infallible>(Arc::clone(&all[number]))
    });
    found.unwrap()
}

/// The box around all pixels that are nearly of a color.
fn seen(picture: &Picture, color: [u8; 3]) -> Option<[f32; 4]> {
    let is = |x: usize, y: usize| picture.pixel(x, y).iter().zip(color).all(|(one, other)| one.abs_diff(other) < 90);
    let places: Vec<[usize; 2]> =
        (0..picture.height).flat_map(|y| (0..picture.width).map(move |x| [x, y])).filter(|[x, y]| is(*x, *y)).collect();
    let of = |axis: usize| places.iter().map(move |place| place[axis]);
    let (left, right) = (of(0).min()?, of(0).max()?);
    let (top, bottom) = (of(1).min()?, of(1).max()?);
    Some([left as f32, top as f32, right as f32 + 1.0, bottom as f32 + 1.0])
}

const MOVED: AugmentConfig =
    AugmentConfig { translate: 0.1, scale: 0.4, fliplr: 0.5, flipud: 0.5, ..AugmentConfig::OFF };

#[test]
fn without_changes_an_image_is_letterboxed() {
    let (picture, objects) = drawn(&AugmentConfig::OFF, 0, true);
    let letterbox = crate::letterbox::Letterbox::of([100, 75], 128);
    let expected = letterbox.draw(&sources()[0].picture);
    let off = picture.rgb.iter().zip(&expected.rgb).map(|(one, other)| one.abs_diff(*other)).max();
    assert!(off <= Some(2), "{off:?}");
    let rect = letterbox.placed(&sources()[0].objects[0].rect);
    assert!(objects.len() == 1 && objects[0].rect.iou(&rect) > 0.999, "{objects:?}");
}

#[test]
fn boxes_are_where_their_pixels_are() {
    let turned = AugmentConfig { degrees: 30.0, shear: 5.0, ..MOVED.clone() };
    let (mut compared, mut on_mosaics) = (0, 0);
    for index in 0..40 {
        let (picture, objects) = drawn(&MOVED, index, false);
        for Object { class, rect } in objects {
            let found = seen(&picture, color(class as usize)).unwrap();
            let off = [rect.left, rect.top, rect.right, rect.bottom].into_iter().zip(found);
            let off = off.map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
            assert!(off < 2.5, "{index}: {rect:?}, seen at {found:?}");
            compared += 1;
        }
        // Around corners that turn, a box is larger than what it shows, and never smaller.
        let (picture, objects) = drawn(&turned, index, false);
        for Object { class, rect } in objects {
            let [left, top, right, bottom] = seen(&picture, color(class as usize)).unwrap();
            let holds = rect.left < left + 2.5 && rect.top < top + 2.5 && rect.right > right - 2.5;
            assert!(holds && rect.bottom > bottom - 2.5, "{index}: {rect:?}");
        }
        let mosaic = AugmentConfig { mosaic: 1.0, ..MOVED.clone() };
        let (picture, objects) = drawn(&mosaic, index, true);
        for Object { class, rect } in &objects {
            // An image may be there twice; each of its boxes is full of its color.
            let [x, y] = [(rect.left + rect.right) / 2.0, (rect.top + rect.bottom) / 2.0].map(|place| place as usize);
            let got = picture.pixel(x.min(127), y.min(127));
            assert!(
                got.iter().zip(color(*class as usize)).all(|(one, other)| one.abs_diff(other) < 90),
                "{index}: {got:?}"
            );
            on_mosaics += 1;
        }
    }
    assert!(compared > 35 && on_mosaics > 60, "{compared} {on_mosaics}");
}

#[test]
fn the_same_draw_gives_the_same_and_another_epoch_or_image_another() {
    let all = AugmentConfig { mixup: 0.5, degrees: 5.0, ..AugmentConfig::default() };
    assert_eq!(drawn(&all, 3, true), drawn(&all, 3, true));
    assert_ne!(drawn(&all, 3, true).0, drawn(&all, 7, true).0);
    assert_ne!(drawn(&all, 3, true).0, drawn(&all, 3, false).0);
    // What colors draw does not change where boxes are.
    let plain = AugmentConfig { hsv_h: 0.0, hsv_s: 0.0, hsv_v: 0.0, ..all.clone() };
    assert_eq!(drawn(&plain, 3, true).1, drawn(&all, 3, true).1);
}

#[test]
fn a_blended_image_has_the_boxes_of_both() {
    let blended = AugmentConfig { mixup: 1.0, ..AugmentConfig::OFF };
    let counts: Vec<usize> = (0..20).map(|index| drawn(&blended, index, false).1.len()).collect();
    assert!(counts.iter().all(|count| (1..=2).contains(count)) && counts.contains(&2), "{counts:?}");
}

#[test]
fn mosaics_end_before_training_does() {
    let config = AugmentConfig::default();
    let with: Vec<u64> = (0..100).filter(|epoch| config.has_mosaic(*epoch, 100)).collect();
    assert_eq!(with.len(), 90);
    assert_eq!((0..20).filter(|epoch| config.has_mosaic(*epoch, 20)).count(), 16, "never more than a fifth");
    assert!(config.has_mosaic(0, 1));
}

#[test]
fn numbers_that_make_no_sense_are_reported_with_their_key() {
    assert_eq!(AugmentConfig::default().problems(), []);
    let wrong = AugmentConfig { mosaic: 1.5, scale: 1.0, hsv_h: f64::NAN, ..AugmentConfig::default() };
    assert_eq!(wrong.problems().iter().map(|wrong| wrong.key).collect::<Vec<_>>(), ["mosaic", "scale", "hsv_h"]);
}

#[test]
fn an_image_of_one_pixel_does_no_harm() {
    let tiny = source(0, [1, 1], Rect::new(0.0, 0.0, 1.0, 1.0));
    let draw = Draw { seed: 1, epoch: 0, index: 0 };
    for config in [AugmentConfig::OFF, AugmentConfig { mixup: 1.0, ..AugmentConfig::default() }] {
        let (picture, _) =
            sample(&config, (32, true), draw, (0, 1), &mut |_| Ok::<_, Infallible>(Arc::clone(&tiny))).unwrap();
        assert_eq!(picture.rgb.len(), 3 * 32 * 32);
    }
}
