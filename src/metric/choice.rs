//! The names that a message offers instead of an unknown one: all if they are few, otherwise the nearest.

/// So many names are listed; of more, the nearest.
const MOST: usize = 8;

/// The names to choose from, as a message lists them: "loss, huber, csi_20 and 60 more".
#[must_use]
pub fn offered(wanted: &str, known: &[String]) -> String {
    // A part of the loss and a score may have one name.
    let mut distinct: Vec<String> = Vec::new();
    known.iter().for_each(|name| {
        if !distinct.contains(name) {
            distinct.push(name.clone())
        }
    });
    let known = &distinct;
    if known.len() <= MOST {
        return known.join(", ");
    }
    let typed = wanted.to_lowercase().replace('-', "_");
    let mut nearest: Vec<&str> = known.iter().map(String::as_str).collect();
    // A stable sort: equally near names keep their order.
    nearest.sort_by_key(|name| (!name.starts_with(&typed), strsim::damerau_levenshtein(&typed, name)));
    format!("{} and {} more", nearest[..MOST].join(", "), known.len() - MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_names_the_nearest_are_offered() {
        let few = ["loss", "huber"].map(str::to_owned);
        assert_eq!(offered("foo", &few), "loss, huber");
        assert_eq!(offered("foo", &["loss", "ssim", "csi_20", "ssim"].map(str::to_owned)), "loss, ssim, csi_20");
        let many: Vec<String> = (0..60).map(|number| format!("csi_{number}")).chain(few).collect();
        let text = offered("hubert", &many);
        assert!(text.starts_with("huber, ") && text.ends_with(" and 54 more") && text.len() < 100, "{text}");
        assert!(offered("csi", &many).starts_with("csi_0, csi_1, "), "{}", offered("csi", &many));
    }
}
