//! A prepared dataset in pictures: the images of each class, its mean image, images that contradict each other, and counts.

use std::path::{Path, PathBuf};

use super::findings::{Looks, Repeat};
use super::{InspectError, Inspection};
use crate::report::chart::{self, AxisOf, Chart, Ink, Look, Series, Sheet};
use crate::report::classes::contact::{self, Line, SIDE};
use crate::report::classes::sheet::{self, Shown};
use crate::task::image_class::config::Fit;
use crate::task::image_class::dataset::Dataset;
use crate::task::image_class::fit::Gray;
use crate::util::fs::{FsError, create_dir_all, write_atomic};

/// Images of a class.
const EACH: usize = 16;

/// Classes of a page.
const CLASSES: usize = 24;

/// Pages; classes after them are not drawn.
const PAGES: usize = 20;

/// Mean images.
const MEANS: usize = 500;

/// Images that occur more than once.
const REPEATED: usize = 100;

/// Draws everything into a folder; pictures of an earlier look are removed.
pub(super) fn draw(
    dataset: &Dataset,
    looks: &Looks,
    repeats: &[Repeat],
    inspection: &Inspection,
    folder: &Path,
) -> Result<Vec<PathBuf>, InspectError> {
    create_dir_all(folder)?;
    for old in ["repeats.png".to_owned()].into_iter().chain((1..=PAGES).map(page_name)) {
        remove(&folder.join(old))?;
    }
    let mut pictures = pages(dataset, inspection)?;
    pictures.push(("means.png".to_owned(), means(looks, inspection)?));
    pictures.push(("counts.png".to_owned(), counts(inspection)?));
    let odd: Vec<&Repeat> =
        repeats.iter().filter(|repeat| repeat.classes.len() > 1 || repeat.sides.len() > 1).collect();
    if !odd.is_empty() {
        pictures.push(("repeats.png".to_owned(), repeated(dataset, &odd)?));
    }
    let write = |(name, bytes): (String, Vec<u8>)| {
        let path = folder.join(name);
        write_atomic(&path, &bytes).map(|()| path)
    };
    Ok(pictures.into_iter().map(write).collect::<Result<_, _>>()?)
}

fn remove(path: &Path) -> Result<(), FsError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FsError::at("remove", path)(error)),
        _ => Ok(()),
    }
}

fn page_name(page: usize) -> String {
    if page == 1 { "images.png".to_owned() } else { format!("images-{page}.png") }
}

/// Rows of images, evenly from all images of a class: the first ones may be of one writer.
fn pages(dataset: &Dataset, inspection: &Inspection) -> Result<Vec<(String, Vec<u8>)>, InspectError> {
    let mut of_class = vec![Vec::new(); inspection.classes.len()];
    dataset.facts.images.iter().enumerate().for_each(|(record, image)| of_class[image.class].push(record));
    let classes: Vec<_> = inspection.classes.iter().zip(of_class).collect();
    let pages = classes.len().div_ceil(CLASSES);
    let mut pictures = Vec::new();
    for (page, classes) in classes.chunks(CLASSES).take(PAGES).enumerate() {
        let mut lines = Vec::new();
        for (class, records) in classes {
            let shown = records.len().min(EACH);
            let chosen = (0..shown).map(|place| records[place * records.len() / shown]);
            let images = chosen.map(|record| Ok(small(&dataset.records.read(record)?, dataset.facts.model.size)));
            let totals = class.images;
            let about = match (totals.all(), totals.test) {
                (0, _) => "no images".to_owned(),
                (_, 0) => format!("{} / {}", totals.train, totals.val),
                (_, test) => format!("{} / {} / {test}", totals.train, totals.val),
            };
            lines.push(Line { name: class.label.clone(), about, images: images.collect::<Result<_, InspectError>>()? });
        }
        let of = if pages > 1 { format!(", page {} of {pages}", page + 1) } else { String::new() };
        let counted = if inspection.images.test > 0 { "train / val / test" } else { "train / val" };
        let title = format!("Images of each class as the model sees them ({counted}){of}");
        let png = contact::png(&title, small_size(dataset.facts.model.size), &lines)?;
        pictures.push((page_name(page + 1), png));
    }
    Ok(pictures)
}

/// The size of an image on a page.
fn small_size(size: [usize; 2]) -> [usize; 2] {
    let longest = size[0].max(size[1]);
    if longest <= SIDE { size } else { size.map(|side| (side * SIDE / longest).max(1)) }
}

fn small(levels: &[u8], [rows, columns]: [usize; 2]) -> Vec<u8> {
    let image = Gray { rows, columns, levels: levels.to_vec() };
    image.fitted(small_size([rows, columns]), Fit::Stretch)
}

fn means(looks: &Looks, inspection: &Inspection) -> Result<Vec<u8>, InspectError> {
    let classes = inspection.classes.iter().zip(&looks.means).filter(|(_, mean)| !mean.is_empty());
    let shown: Vec<Shown> = classes
        .take(MEANS)
        .map(|(class, mean)| Shown {
            levels: mean.clone(),
            size: inspection.size,
            caption: [class.label.clone(), format!("of {}", class.images.all())],
            is_wrong: false,
        })
        .collect();
    Ok(sheet::png("The mean image of each class", &shown)?)
}

/// Equal images side by side, each with its class and side.
fn repeated(dataset: &Dataset, repeats: &[&Repeat]) -> Result<Vec<u8>, InspectError> {
    let mut shown = Vec::new();
    for record in repeats.iter().flat_map(|repeat| &repeat.records).take(REPEATED) {
        let (facts, image) = (&dataset.facts.model, &dataset.facts.images[*record]);
        let caption = [facts.labels[image.class].clone(), dataset.sides[*record].name().to_owned()];
        shown.push(Shown {
            levels: dataset.records.read(*record)?.to_vec(),
            size: facts.size,
            caption,
            is_wrong: false,
        });
    }
    Ok(sheet::png("The same image in several classes or on several sides", &shown)?)
}

/// Images of each class, and how many pixels have each level.
fn counts(inspection: &Inspection) -> Result<Vec<u8>, InspectError> {
    let bars = |name: &str, ink: Ink, width: f64, points: Vec<[f64; 2]>| Series {
        look: Look::Bars(width),
        ..Series::line(name, ink, points)
    };
    let of = |count: &dyn Fn(&super::ClassView) -> usize| {
        let classes = inspection.classes.iter().enumerate();
        classes.map(|(number, class)| [number as f64, count(class) as f64]).collect::<Vec<_>>()
    };
    let last = inspection.classes.len() as f64 - 0.5;
    let most = inspection.classes.iter().map(|class| class.images.all()).max().unwrap_or(1);
    let classes = Chart {
        title: "Images of each class".into(),
        across: AxisOf::named("number of the class").range(-0.5, last),
        // From 0, or small differences would look large.
        up: AxisOf::named("images").range(0.0, 1.05 * most as f64),
        series: vec![
            bars("all", Ink::Quiet, 0.8, of(&|class| class.images.all())),
            bars("train", Ink::Accent, 0.8, of(&|class| class.images.train)),
        ],
        ..Chart::default()
    };
    let histogram = &inspection.levels.histogram;
    let pixels = histogram.iter().sum::<u64>().max(1) as f64;
    let width = 256.0 / histogram.len() as f64;
    let share = |(bin, count): (usize, &u64)| [(bin as f64 + 0.5) * width, *count as f64 / pixels];
    let levels = Chart {
        title: "Gray levels".into(),
        across: AxisOf::named("level, 0 is background").range(0.0, 256.0),
        up: AxisOf::named("share of pixels"),
        series: vec![bars("pixels", Ink::Accent, 0.9 * width, histogram.iter().enumerate().map(share).collect())],
        ..Chart::default()
    };
    let sheet = Sheet {
        title: "The dataset in numbers".into(),
        note: String::new(),
        columns: 1,
        size: [900, 300],
        charts: vec![classes, levels],
    };
    Ok(chart::png(&sheet).map_err(crate::report::PictureError::from)?)
}
