//! What the page of a run says of images beyond what it says of every classifier: pictures of mistakes, and of what training sees.

use super::pictures::{CONFUSED, MISTAKES};
use super::prepare::IMAGES;
use super::samples_seen::{AUGMENTED, BALANCE};
use crate::task::classes::chapters::OfClasses;
use crate::train::observe::page::Plot;

/// Reads an evaluation of a classifier of images.
pub(super) static EVALUATED: OfClasses = OfClasses {
    unit: IMAGES,
    mistakes: &[WORST, SUREST],
    samples: &[
        Plot {
            file: AUGMENTED,
            title: "Images as training sees them",
            caption: "Images of the training side with the random changes of the first epoch. A person should still recognise each \
                  of them; if not, lower task.image_class.augment.",
            is_folded: false,
        },
        Plot {
            file: BALANCE,
            title: "Images of each class",
            caption: "The more even, the better. A model sees little of a class with few images, and recognises it rarely.",
            is_folded: true,
        },
    ],
    drawn: None,
    caption: "Over all images",
    dataset: None,
};

const WORST: Plot = Plot {
    file: CONFUSED,
    title: "The most confused classes, with images",
    caption: "The pairs of classes that are confused most often, with the images that the model was surest of. Classes that a person \
              could not tell apart either, such as o and 0, limit every model; a pair that looks different needs more examples, or \
              has wrong labels.",
    is_folded: false,
};

const SUREST: Plot = Plot {
    file: MISTAKES,
    title: "The surest mistakes",
    caption: "What the model was most certain of and wrong about: its choice, the true class, and the probability of the choice. Wrong \
              labels in the data show here first.",
    is_folded: false,
};
