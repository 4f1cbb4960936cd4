//! The id of a file or folder on Google Drive, from the link of the Share button or the address bar.

use url::Url;

/// Something on Google Drive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DriveItem {
    /// A file.
    File(String),
    /// A folder.
    Folder(String),
    /// A bare id, which does not say which.
    Unknown(String),
}

impl DriveItem {
    /// The id itself.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::File(id) | Self::Folder(id) | Self::Unknown(id) => id,
        }
    }
}

/// The item of a bare id or an address.
#[must_use]
pub fn item_of(text: &str) -> Option<DriveItem> {
    let text = text.trim();
    if is_id(text) {
        return Some(DriveItem::Unknown(text.to_owned()));
    }
    // People copy addresses without their beginning.
    item_in_url(text).or_else(|| item_in_url(&format!("https://{text}")))
}

/// The item of an address; `None` if it is not one of Google Drive.
#[must_use]
pub fn item_in_url(text: &str) -> Option<DriveItem> {
    let url = Url::parse(text.trim()).ok()?;
    let hosts = ["drive.google.com", "docs.google.com", "drive.usercontent.google.com"];
    if !hosts.contains(&url.host_str()?) {
        return None;
    }
    item_in_path(&url)
}

/// The item in the path or the query of an address, on any host.
#[must_use]
pub fn item_in_path(url: &Url) -> Option<DriveItem> {
    let parts: Vec<&str> = url.path_segments()?.collect();
    let after = |word: &str| {
        let index = parts.iter().position(|part| *part == word)?;
        parts.get(index + 1).filter(|id| is_id(id)).map(|id| (*id).to_owned())
    };
    if let Some(id) = after("folders") {
        return Some(DriveItem::Folder(id));
    }
    if let Some(id) = after("d") {
        return Some(DriveItem::File(id));
    }
    let id = url.query_pairs().find(|(key, id)| key == "id" && is_id(id))?.1.into_owned();
    Some(match parts.last() {
        Some(&("folderview" | "embeddedfolderview")) => DriveItem::Folder(id),
        Some(&"open") => DriveItem::Unknown(id),
        _ => DriveItem::File(id),
    })
}

fn is_id(text: &str) -> bool {
    (10..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1AbC-dEfGhIjKlMnOpQrSt_vWxYz012345";

    #[test]
    fn every_form_of_a_file_gives_its_id() {
        for form in [
            "https://drive.google.com/file/d/ID/view?usp=sharing",
            "https://drive.google.com/file/d/ID",
            "https://drive.google.com/file/u/1/d/ID/edit",
            "https://drive.google.com/a/school.edu/file/d/ID/view",
            "https://drive.google.com/uc?id=ID&export=download",
            "https://drive.google.com/uc?export=download&id=ID",
            "https://drive.usercontent.google.com/download?id=ID&confirm=t",
            "https://docs.google.com/uc?id=ID",
            "drive.google.com/file/d/ID/view",
            "  https://drive.google.com/file/d/ID/view \n",
        ] {
            assert_eq!(item_of(&form.replace("ID", ID)), Some(DriveItem::File(ID.into())), "{form}");
        }
    }

    #[test]
    fn folders_and_bare_ids_are_distinguished() {
        for form in [
            "https://drive.google.com/drive/folders/ID?usp=sharing",
            "https://drive.google.com/drive/u/0/folders/ID",
            "https://drive.google.com/embeddedfolderview?id=ID#list",
            "https://drive.google.com/folderview?id=ID",
        ] {
            assert_eq!(item_of(&form.replace("ID", ID)), Some(DriveItem::Folder(ID.into())), "{form}");
        }
        assert_eq!(item_of(ID), Some(DriveItem::Unknown(ID.into())));
        assert_eq!(item_of(&format!("https://drive.google.com/open?id={ID}")), Some(DriveItem::Unknown(ID.into())));
    }

    #[test]
    fn what_names_nothing_gives_nothing() {
        for text in ["", "short", "https://drive.google.com/", "https://example.org/file/d/", "a b c d e f g h i j k"] {
            assert_eq!(item_of(text), None, "{text}");
        }
        assert_eq!(item_in_url(&format!("https://example.org/file/d/{ID}/view")), None);
    }
}
