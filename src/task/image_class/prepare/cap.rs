//! The most images of a class. Which ones stay follows from their content, so that another file in the dataset moves few.

use std::collections::BTreeMap;

use super::read::Image;
use crate::data::split::Side;
use crate::task::classes::class_names::Class;
use crate::util::sha256::{Digest, Hasher};

/// The images without those above the most of their class, in the same order, and how many are gone. Sides of the dataset's
/// own that validate or test stay whole: they must measure every model alike.
pub(super) fn capped(images: Vec<Image>, classes: &[Class], most: Option<usize>) -> (Vec<Image>, usize) {
    let Some(most) = most else { return (images, 0) };
    let mut by_class: BTreeMap<usize, Vec<(Digest, usize)>> = BTreeMap::new();
    for (place, image) in images.iter().enumerate() {
        if matches!(image.side, None | Some(Side::Train)) {
            let key = key(&classes[image.class].folder, image.content);
            by_class.entry(image.class).or_default().push((key, place));
        }
    }
    let mut is_kept = vec![true; images.len()];
    for mut places in by_class.into_values() {
        places.sort_unstable();
        places.into_iter().skip(most).for_each(|(_, place)| is_kept[place] = false);
    }
    let before = images.len();
    let kept: Vec<Image> = images.into_iter().zip(is_kept).filter_map(|(image, kept)| kept.then_some(image)).collect();
    let gone = before - kept.len();
    (kept, gone)
}

/// Another order than that of the split, or the cap would take whole sides away.
fn key(class: &str, content: Digest) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(b"most of a class");
    hasher.update(class.as_bytes());
    hasher.update(&content.bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_keeps_the_most_and_the_own_sides_of_the_dataset_stay_whole() {
        let image = |(number, class, side): (u8, usize, Option<Side>)| Image {
            file: number.to_string(),
            class,
            side,
            levels: Vec::new(),
            content: Digest::of(&[number]),
            border: 0,
            size: [1, 1],
        };
        let free = (0..10).map(|number| (number, usize::from(number > 6), None));
        let images: Vec<Image> = free.chain((10..15).map(|number| (number, 0, Some(Side::Test)))).map(image).collect();
        let classes = ["A", "B"].map(|name| Class { folder: name.into(), label: name.into() });
        let names = |images: &[Image]| images.iter().map(|image| image.file.clone()).collect::<Vec<_>>();
        let (kept, gone) = capped(images.clone(), &classes, Some(4));
        assert_eq!(gone, 3, "of 7, 3 and 5");
        let (fewer, _) = capped(images[1..].to_vec(), &classes, Some(4));
        let moved = names(&fewer).iter().filter(|name| !names(&kept).contains(name)).count();
        assert!(moved <= 1, "{moved}");
        assert_eq!(capped(images, &classes, None).1, 0);
    }
}
