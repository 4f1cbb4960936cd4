//! What is in a prepared dataset, as text for people.

use super::{Inspection, Lengths};
use crate::report::plain::visible;
use crate::report::table::Table;
use crate::task::keypoints::SEQUENCES;
use crate::task::keypoints::dataset::Totals;

/// Lines of a list; JSON has all of it.
const SHOWN: usize = 5;

/// Rows of the table of classes; JSON has all of them.
const MOST_ROWS: usize = 60;

impl Inspection {
    /// A table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let values: Vec<&str> = self.recipe.values.iter().map(|value| value.name()).collect();
        let streams: Vec<String> =
            self.recipe.streams.iter().map(|stream| format!("{} {}", stream.name, stream.points)).collect();
        let mut text =
            format!("{}\npoints: {}; each {}\n\n", self.store.display(), streams.join(", "), values.join(", "));
        text += &self.classes();
        let Lengths { least, median, p95, most } = self.frames;
        text += &format!("\nframes: {least} to {most}, median {median}, 95 % have at most {p95}\n");
        if self.resampled > 0 {
            text += &format!("{} longer ones were resampled\n", self.resampled);
        }
        for (place, part) in self.unseen.iter().enumerate() {
            let share = 100.0 * part.frames as f64 / part.of.max(1) as f64;
            let never = self.measured.sides.iter().filter_map(|of| of.never.get(place)).sum::<usize>();
            let never = if never > 0 { format!(", never in {}", SEQUENCES.count(never as u64)) } else { String::new() };
            text += &format!("{} not seen in {share:.1} % of the frames{never}\n", visible(&part.part));
        }
        let pictures: String = self.pictures.iter().map(|path| format!("{}\n", path.display())).collect();
        let pictures = if pictures.is_empty() { pictures } else { format!("\n{pictures}") };
        text + &self.people() + &self.problems() + &pictures
    }

    fn classes(&self) -> String {
        let mut table = Table::new(&["<class", "sequences", "train", "val", "test"]);
        let cells =
            |totals: &Totals| [totals.all(), totals.train, totals.val, totals.test].map(|count| count.to_string());
        for class in self.classes.iter().take(MOST_ROWS) {
            table.row([class.class.clone()].into_iter().chain(cells(&class.sequences)).collect());
        }
        let hidden = self.classes.len().saturating_sub(MOST_ROWS);
        if hidden > 0 {
            table.row([format!("and {hidden} more")].into_iter().chain([const { String::new() }; 4]).collect());
        }
        table.row(["all".to_owned()].into_iter().chain(cells(&self.sequences)).collect());
        table.render()
    }

    fn people(&self) -> String {
        let mut text = String::new();
        if !self.signers.is_empty() {
            text += &format!("signers: {}\n", self.signers.len());
        }
        if self.without_signer > 0 {
            text += &format!("sequences of which nobody says who signed: {}\n", self.without_signer);
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
        let leaks = self.leaks.iter().map(|leak| {
            let [one, other] = &leak.names;
            let [here, there] = leak.sides.map(|side| side.name());
            format!("{one} ({here}) and {other} ({there})")
        });
        list(format!("frames on two sides: {}", self.leaks.len()), leaks.collect());
        let repeats = self.repeats.iter().map(|repeat| {
            let of =
                if repeat.classes.len() > 1 { format!(" (of {})", repeat.classes.join(", ")) } else { String::new() };
            format!("{}{of}", repeat.names.join(", "))
        });
        list(format!("equal sequences: {}", self.repeats.len()), repeats.collect());
        list(format!("classes with few training sequences: {}", self.tail.len()), self.tail.clone());
        let set_aside = self.set_aside.iter().map(|bad| format!("{}: {}", bad.file, bad.reason)).collect();
        list(format!("set aside: {}", self.set_aside.len()), set_aside);
        if self.dropped > 0 {
            text += &format!("\n{} take no part\n", self.dropped);
        }
        text
    }
}
