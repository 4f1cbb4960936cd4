//! In which unit the values of a dataset are: all of its files must agree. A file that names none is taken to agree.

use std::collections::BTreeMap;

use super::plan::{Draft, EventPlan, FileState};
use super::record::{FileRecord, Outcome};
use crate::util::quantity::Quantity;
use crate::util::units::count;

/// The unit of all files, as the first that names one writes it; empty if none does.
///
/// # Errors
/// A list of the units with their files, if there are several.
pub(super) fn common(plans: &[EventPlan], drafts: &[Draft]) -> Result<String, String> {
    let mut found: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    let mut first = String::new();
    for (plan, draft) in plans.iter().zip(drafts) {
        for (file, state) in plan.event.files.iter().zip(&draft.states) {
            let units = units(plan, state);
            if units.is_empty() {
                continue;
            }
            if first.is_empty() {
                units.clone_into(&mut first);
            }
            let of_unit = found.entry(Quantity::of(units).unit().to_owned());
            let (_, files) = of_unit.or_insert_with(|| (units.to_owned(), Vec::new()));
            files.push(format!("{}/{}", plan.event.path, file.name));
        }
    }
    if found.len() < 2 { Ok(first) } else { Err(listed(found.into_values().collect())) }
}

/// Empty for a file that is not used.
fn units<'a>(plan: &'a EventPlan, state: &'a FileState) -> &'a str {
    match state {
        FileState::Surveyed { units, .. } => units,
        FileState::Adopted(FileRecord { outcome: Outcome::Used(_), .. }) => plan.units.as_deref().unwrap_or_default(),
        FileState::Adopted(_) | FileState::Refused { .. } => "",
    }
}

/// "dBZ in 40 files (a/1.nc, ...), mm in 1 file (b/2.nc)": the rarest last, as that is likely the mistake.
fn listed(mut units: Vec<(String, Vec<String>)>) -> String {
    units.sort_by_key(|(_, files)| std::cmp::Reverse(files.len()));
    let one = |(units, files): (String, Vec<String>)| {
        let more = if files.len() > NAMED { ", ..." } else { "" };
        let named = files[..files.len().min(NAMED)].join(", ");
        format!("{units} in {} ({named}{more})", count(files.len() as u64, "file"))
    };
    units.into_iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The most files that are named of each unit.
const NAMED: usize = 3;
