//! A prepared dataset in pictures: the images of each class, its mean image, images that contradict each other, and counts.

use std::path::{Path, PathBuf};

use super::findings::{Looks, Repeat};
use super::{InspectError, Inspection};
use crate::report::chart::{self, AxisOf, Chart, Ink, Look, Scale, Series, Sheet};
use crate::report::classes::contact::{self, Line, SIDE};
use crate::report::classes::sheet::{self, Shown};
use crate::task::classes::called::called;
use crate::task::image_class::config::Fit;
use crate::task::image_class::dataset::Dataset;
use crate::task::image_class::fit::Gray;
use crate::task::image_class::samples_seen::balance;
use crate::util::fs::{FsError, create_dir_all, write_atomic};
use crate::util::progress::Unit;

/// Images of a class.
const EACH: usize = 16;

/// Classes of a page.
const CLASSES: usize = 24;

/// Mean images.
const MEANS: usize = 1000;

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
    remove_old(folder)?;
    let names = called(&dataset.facts.model.classes, &dataset.facts.model.labels);
    let mut pictures = pages(dataset, inspection, &names)?;
    pictures.push(("means.png".to_owned(), means(looks, inspection, &names)?));
    pictures.push(("counts.png".to_owned(), balance(dataset)?));
    pictures.push(("levels.png".to_owned(), levels(inspection)?));
    let odd: Vec<&Repeat> =
        repeats.iter().filter(|repeat| repeat.classes.len() > 1 || repeat.sides.len() > 1).collect();
    if !odd.is_empty() {
        pictures.push(("repeats.png".to_owned(), repeated(dataset, &odd, &names)?));
    }
    let write = |(name, bytes): (String, Vec<u8>)| {
        let path = folder.join(name);
        write_atomic(&path, &bytes).map(|()| path)
    };
    Ok(pictures.into_iter().map(write).collect::<Result<_, _>>()?)
}

/// Removes what an earlier look at other data may have left.
fn remove_old(folder: &Path) -> Result<(), FsError> {
    let entries = std::fs::read_dir(folder).map_err(FsError::at("read", folder))?;
    for entry in entries {
        let path = entry.map_err(FsError::at("read", folder))?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(is_old) {
            std::fs::remove_file(&path).map_err(FsError::at("remove", &path))?;
        }
    }
    Ok(())
}

fn is_old(name: &str) -> bool {
    let page = name.strip_prefix("images-").and_then(|rest| rest.strip_suffix(".png"));
    name == "repeats.png" || page.is_some_and(|page| page.bytes().all(|digit| digit.is_ascii_digit()))
}

fn page_name(page: usize) -> String {
    if page == 1 { "images.png".to_owned() } else { format!("images-{page}.png") }
}

/// Rows of images, evenly from all images of a class: the first ones may be of one writer.
fn pages(dataset: &Dataset, inspection: &Inspection, names: &[String]) -> Result<Vec<(String, Vec<u8>)>, InspectError> {
    let mut of_class = vec![Vec::new(); inspection.classes.len()];
    dataset.facts.images.iter().enumerate().for_each(|(record, image)| of_class[image.class].push(record));
    let classes: Vec<_> = inspection.classes.iter().zip(names).zip(of_class).collect();
    let pages = classes.len().div_ceil(CLASSES);
    let mut pictures = Vec::new();
    for (page, classes) in classes.chunks(CLASSES).enumerate() {
        let mut lines = Vec::new();
        for ((class, name), records) in classes {
            let shown = records.len().min(EACH);
            let chosen = (0..shown).map(|place| records[place * records.len() / shown]);
            let images = chosen.map(|record| Ok(small(&dataset.records.read(record)?, dataset.facts.model.size)));
            let totals = class.images;
            let about = match (totals.all(), totals.test) {
                (0, _) => "no images".to_owned(),
                (_, 0) => format!("{} / {}", totals.train, totals.val),
                (_, test) => format!("{} / {} / {test}", totals.train, totals.val),
            };
            lines.push(Line { name: (*name).clone(), about, images: images.collect::<Result<_, InspectError>>()? });
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

fn means(looks: &Looks, inspection: &Inspection, names: &[String]) -> Result<Vec<u8>, InspectError> {
    let classes = inspection.classes.iter().zip(names).zip(&looks.means).filter(|(_, mean)| !mean.is_empty());
    let shown: Vec<Shown> = classes
        .take(MEANS)
        .map(|((class, name), mean)| Shown {
            levels: mean.clone(),
            size: inspection.size,
            caption: [name.clone(), format!("of {}", class.images.all()), String::new()],
            ..Shown::default()
        })
        .collect();
    let title = means_title(shown.len(), inspection.classes.len(), inspection.empty.len());
    Ok(sheet::png(&title, &shown)?)
}

/// What is shown, and which classes are not.
fn means_title(shown: usize, classes: usize, empty: usize) -> String {
    let mut title = "The mean image of each class".to_owned();
    if shown + empty < classes {
        title += &format!(", the first {shown} of {classes}");
    }
    if empty > 0 {
        title += &format!(" ({} without images)", Unit { one: "class", many: "classes" }.count(empty as u64));
    }
    title
}

/// Equal images side by side, each with its class, its side and its file; groups are apart from each other.
fn repeated(dataset: &Dataset, repeats: &[&Repeat], names: &[String]) -> Result<Vec<u8>, InspectError> {
    let mut shown = Vec::new();
    let all = repeats.iter().map(|repeat| repeat.records.len()).sum::<usize>();
    let records =
        repeats.iter().enumerate().flat_map(|(group, of)| of.records.iter().map(move |record| (group, record)));
    for (group, record) in records.take(REPEATED) {
        let (facts, image) = (&dataset.facts.model, &dataset.facts.images[*record]);
        let side = dataset.sides[*record].name();
        shown.push(Shown {
            levels: dataset.records.read(*record)?.to_vec(),
            size: facts.size,
            caption: [names[image.class].clone(), side.to_owned(), image.file.clone()],
            is_wrong: false,
            group,
        });
    }
    let of = if all > shown.len() { format!(", the first {} of {all}", shown.len()) } else { String::new() };
    Ok(sheet::png(&format!("The same image in several classes or on several sides{of}"), &shown)?)
}

/// How many pixels have each level.
fn levels(inspection: &Inspection) -> Result<Vec<u8>, InspectError> {
    let histogram = &inspection.levels.histogram;
    let pixels = histogram.iter().sum::<u64>().max(1) as f64;
    let width = 256.0 / histogram.len() as f64;
    let share = |(bin, count): (usize, &u64)| [(bin as f64 + 0.5) * width, *count as f64 / pixels];
    let points = histogram.iter().enumerate().map(share).collect();
    let levels = Chart {
        title: "Share of pixels".into(),
        across: AxisOf::named("level, 0 is background").range(0.0, 256.0),
        up: AxisOf { scale: Scale::FromZero, ..AxisOf::default() },
        series: vec![Series { look: Look::Bars(0.9 * width), ..Series::line("", Ink::Accent, points) }],
        ..Chart::default()
    };
    let [title, note] = ["Gray levels", "All pixels of all images as the model sees them."].map(str::to_owned);
    let sheet = Sheet { title, note, columns: 1, size: [900, 300], charts: vec![levels] };
    Ok(chart::png(&sheet).map_err(crate::report::PictureError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_says_which_classes_are_not_there() {
        assert_eq!(means_title(7, 7, 0), "The mean image of each class");
        assert_eq!(means_title(6, 7, 1), "The mean image of each class (1 class without images)");
        let title = means_title(1000, 1200, 25);
        assert_eq!(title, "The mean image of each class, the first 1000 of 1200 (25 classes without images)");
    }

    #[test]
    fn pages_of_an_earlier_look_are_removed_and_nothing_else() {
        let is =
            ["repeats.png", "images-2.png", "images-417.png", "images-old.png", "images.png", "mine.png"].map(is_old);
        assert_eq!(is, [true, true, true, false, false, false]);
    }
}
