//! The plain list page of a shared folder (`embeddedfolderview`): its title and what it links to. Pure.

use url::Url;

use super::super::redirect::is_document;
use super::html::{Token, tokens};
use super::id::{DriveItem, item_in_path};
use super::pages::text_of;

/// A folder's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The folder's name.
    pub title: String,
    /// Its entries, in the page's order.
    pub entries: Vec<Entry>,
}

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its displayed name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file, by its id.
    File(String),
    /// A folder, by its id.
    Folder(String),
    /// A Google document, which has no bytes of its own.
    Document,
}

/// Reads the page; `None` if it is not the list of a folder.
#[must_use]
pub fn read(page: &str, url: &Url) -> Option<Listing> {
    let tokens = tokens(page);
    let mut entries = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let Token::Open(tag) = token else { continue };
        let target = (tag.name == "a").then(|| tag.get("href")).flatten().and_then(|href| url.join(href).ok());
        let Some(kind) = target.as_ref().and_then(kind_of) else { continue };
        let rest = &tokens[index + 1..];
        let end = rest.iter().position(|token| *token == Token::Close("a".into())).unwrap_or(rest.len());
        entries.push(Entry { name: name_in(&rest[..end]), kind });
    }
    let is_list = tokens.iter().any(|token| matches!(token, Token::Open(tag) if tag.has_class("flip-entries")));
    let title = text_of(&tokens, |tag| tag.name == "title").unwrap_or_default();
    (is_list || !entries.is_empty()).then_some(Listing { title, entries })
}

fn kind_of(target: &Url) -> Option<Kind> {
    if is_document(target) {
        return Some(Kind::Document);
    }
    match item_in_path(target)? {
        DriveItem::File(id) => Some(Kind::File(id)),
        DriveItem::Folder(id) => Some(Kind::Folder(id)),
        DriveItem::Unknown(_) => None,
    }
}

fn name_in(inside: &[Token]) -> String {
    text_of(inside, |tag| tag.has_class("flip-entry-title")).unwrap_or_else(|| {
        let texts = inside.iter().filter_map(|token| match token {
            Token::Text(text) => Some(text.trim()),
            _ => None,
        });
        texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_folders_and_documents_are_distinguished() {
        let entry = |href: &str, name: &str| {
            format!(
                "<div class=\"flip-entry\" tabindex=\"0\"><div class=\"flip-entry-info\"><a href=\"{href}\" \
                 target=\"_blank\"><div class=\"flip-entry-visual\"><img src=\"x.png\"/></div>\
                 <div class=\"flip-entry-title\">{name}</div></a></div><div class=\"flip-entry-last-modified\">\
                 <div>May 1</div></div></div>"
            )
        };
        let page = format!(
            "<html><head><title>Radar &amp; more</title></head><body><a href=\"https://drive.google.com/\">Drive</a>\
             <div class=\"flip-entries\">{}{}{}{}</div></body></html>",
            entry("https://drive.google.com/file/d/FILE-0123456789/view?usp=drive_web", "a &lt;1&gt;.nc"),
            entry("https://drive.google.com/drive/folders/FOLDER_0123456789", "2020"),
            entry("https://docs.google.com/document/d/DOC-0123456789/edit?usp=drive_web", "Notes"),
            entry("/file/d/OTHER-0123456789/view", "b.nc"),
        );
        let listing = read(&page, &"https://drive.google.com/embeddedfolderview?id=x".parse().unwrap()).unwrap();
        assert_eq!(listing.title, "Radar & more");
        let entry = |name: &str, kind| Entry { name: name.into(), kind };
        let expected = [
            entry("a <1>.nc", Kind::File("FILE-0123456789".into())),
            entry("2020", Kind::Folder("FOLDER_0123456789".into())),
            entry("Notes", Kind::Document),
            entry("b.nc", Kind::File("OTHER-0123456789".into())),
        ];
        assert_eq!(listing.entries, expected);
    }

    #[test]
    fn an_empty_folder_is_a_list_and_another_page_is_none() {
        let url = "https://drive.google.com/embeddedfolderview?id=x".parse().unwrap();
        let empty = read("<title>Empty</title><div class=\"flip-entries\"></div>", &url).unwrap();
        assert_eq!((empty.title.as_str(), empty.entries.len()), ("Empty", 0));
        assert_eq!(read("<title>Sign in</title><a href=\"/help\">x</a>", &url), None);
    }
}
