//! What is in a prepared dataset, as text for people.

use super::Inspection;
use super::findings::{Equal, Repeat};
use crate::report::plain::visible;
use crate::report::table::Table;
use crate::task::image_class::dataset::Totals;
use crate::util::units;

/// Lines of a list; JSON has all of it.
const SHOWN: usize = 5;

/// Equal images that are named in a line.
const MOST_EQUAL: usize = 12;

impl Inspection {
    /// A table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let [rows, columns] = self.size;
        let inverted = if self.inverted { ", inverted" } else { "" };
        let mut text = format!("{}\n{rows} x {columns}{inverted}\n\n", self.store.display());
        text += &self.classes();
        text += &self.found();
        text += &self.problems();
        self.pictures.iter().for_each(|picture| text += &format!("{}\n", picture.display()));
        text
    }

    fn classes(&self) -> String {
        let mut table = Table::new(&["<class", "<folder", "images", "train", "val", "test"]);
        let cells =
            |totals: &Totals| [totals.all(), totals.train, totals.val, totals.test].map(|count| count.to_string());
        for class in &self.classes {
            let names = [class.label.clone(), class.folder.clone()];
            table.row(names.into_iter().chain(cells(&class.images)).collect());
        }
        table.row(["all".to_owned(), String::new()].into_iter().chain(cells(&self.images)).collect());
        table.render()
    }

    /// What was found and is no problem.
    fn found(&self) -> String {
        let mut text = String::from("\n");
        let size = |size: &crate::task::image_class::prepare::SizeCount| {
            format!("{} x {} ({})", size.size[0], size.size[1], size.images)
        };
        let sizes: Vec<String> = self.sizes.iter().take(SHOWN).map(size).collect();
        let more =
            if self.sizes.len() > SHOWN { format!(" and {} more", self.sizes.len() - SHOWN) } else { String::new() };
        text += &format!("sizes before: {}{more}\n", sizes.join(", "));
        let levels = &self.levels;
        text += &format!("gray levels: mean {:.0}, {:.1} % ink\n", levels.mean, 100.0 * levels.ink_share);
        if let Some(imbalance) = &self.imbalance {
            let ((largest, most), (smallest, fewest)) = (&imbalance.largest, &imbalance.smallest);
            let [largest, smallest] = [largest, smallest].map(|name| visible(name));
            text += &match most == fewest {
                true if self.empty.is_empty() => format!("balance: {most} images of each class\n"),
                true => format!("balance: {most} images of each class that has any\n"),
                false => format!("balance: {largest} {most}, {smallest} {fewest}, ratio {:.1}\n", imbalance.ratio),
            };
        }
        if self.replaced > 0 {
            text += &format!("{} are replaced by processed ones\n", units::count(self.replaced as u64, "raw file"));
        }
        if self.capped > 0 {
            text += &format!("{} above max_per_class are not used\n", units::count(self.capped as u64, "image"));
        }
        text
    }

    fn problems(&self) -> String {
        let mut text = String::new();
        let mut list = |title: String, lines: Vec<String>| {
            if !lines.is_empty() {
                text += &format!("\n{title}\n");
                lines.iter().take(SHOWN).for_each(|line| text += &format!("  {}\n", visible(line)));
                if lines.len() > SHOWN {
                    text += &format!("  and {} more; --json lists them\n", lines.len() - SHOWN);
                }
            }
        };
        let count = |count: usize, noun: &str| units::count(count as u64, noun);
        list("classes without images".into(), self.empty.clone());
        let repeats = &self.repeats;
        // All that the number counts, and first those that no list above has.
        let groups = |is: &dyn Fn(&Repeat) -> bool, is_above: &dyn Fn(&Repeat) -> bool| {
            let (above, new): (Vec<&Repeat>, Vec<&Repeat>) =
                repeats.groups.iter().filter(|repeat| is(repeat)).partition(|repeat| is_above(repeat));
            new.into_iter().chain(above).map(line).collect::<Vec<_>>()
        };
        let in_classes = |repeat: &Repeat| repeat.classes.len() > 1;
        let on_sides = |repeat: &Repeat| repeat.sides.len() > 1;
        list(
            format!(
                "the same image in several classes: {}, at least one label is wrong",
                count(repeats.across_classes, "image")
            ),
            groups(&in_classes, &|_| false),
        );
        list(
            format!("the same image on several sides: {}", count(repeats.across_sides, "image")),
            groups(&on_sides, &in_classes),
        );
        list(
            format!("repeated within a class: {}", count(repeats.within_classes, "image")),
            groups(&|repeat| repeat.files.len() > repeat.classes.len(), &|repeat| {
                in_classes(repeat) || on_sides(repeat)
            }),
        );
        list(format!("blank: {}", count(self.blank, "image")), self.blank_files.clone());
        let set_aside = self.set_aside.iter().map(|bad| format!("{}: {}", bad.file, bad.reason)).collect();
        list(format!("set aside: {}", count(self.set_aside.len(), "file")), set_aside);
        let left_out = self.left_out.iter().map(|left| format!("{} ({}): {}", left.place, left.files, left.reason));
        list("left out".into(), left_out.collect());
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

/// Equal images in a line: at least one of each class and side, with what tells them apart.
fn line(repeat: &Repeat) -> String {
    let Repeat { files, classes, sides, .. } = repeat;
    let telling = (classes.len() + sides.len()).saturating_sub(1).clamp(3, MOST_EQUAL);
    let shown: Vec<String> =
        files.iter().take(telling).map(|equal| named(equal, classes.len() > 1, sides.len() > 1)).collect();
    let more = files.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(" = "))
}

fn named(Equal { file, class, side }: &Equal, with_class: bool, with_side: bool) -> String {
    let facts = [with_class.then_some(class.as_str()), with_side.then(|| side.name())];
    let facts: Vec<&str> = facts.into_iter().flatten().collect();
    if facts.is_empty() { file.clone() } else { format!("{file} ({})", facts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::split::Side;

    #[test]
    fn equal_images_are_named_with_the_classes_and_sides_that_they_differ_in() {
        let equal = |file: &str, class: &str, side| Equal { file: file.into(), class: class.into(), side };
        let repeat = |files: Vec<Equal>, classes: &[&str], sides: &[Side]| Repeat {
            records: (0..files.len()).collect(),
            files,
            classes: classes.iter().map(|&class| class.to_owned()).collect(),
            sides: sides.to_vec(),
        };
        let (train, test) = (Side::Train, Side::Test);
        let copies = |class: &str| (3..6).map(|number| equal(&number.to_string(), class, train)).collect::<Vec<_>>();
        let within = repeat([vec![equal("1", "a", train)], copies("a")].concat(), &["a"], &[train]);
        assert_eq!(line(&within), "1 = 3 = 4 and 1 more");
        let both = vec![equal("1", "a", train), equal("2", "b", train), equal("9", "a", test)];
        let across = repeat([both, copies("a")].concat(), &["a", "b"], &[train, test]);
        assert_eq!(line(&across), "1 (a, train) = 2 (b, train) = 9 (a, test) and 3 more");
    }
}
