//! `commit!()`: the commit that a program is built from, as an `Option<&'static str>`: `1a2b3c4d5e6f`, with `-dirty` if
//! tracked files were changed, or the value of `FRAGUA_COMMIT`, for images that are built without a repository.
//!
//! Not a build script: a new commit would then compile the whole package again. This way a new commit compiles only the
//! crate that calls the macro, a few lines, again.

mod repository;

use std::fmt::Write;
use std::path::Path;

use proc_macro::TokenStream;

use repository::Repository;

/// The commit; `None` without a repository.
#[proc_macro]
pub fn commit(_: TokenStream) -> TokenStream {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let named = std::env::var("FRAGUA_COMMIT").ok().filter(|commit| !commit.is_empty());
    let repository = if named.is_some() { None } else { Repository::at(Path::new(&folder)) };
    let watched = repository.as_ref().map_or(&[][..], |repository| &repository.watched);
    let commit = named.or_else(|| repository.as_ref().map(|repository| repository.commit.clone()));
    expression(commit.as_deref(), watched).parse().unwrap_or_default()
}

/// The value, with constants that make the compiler track the files it depends on.
fn expression(commit: Option<&str>, watched: &[String]) -> String {
    let mut text = String::from("{ const _: ::core::option::Option<&str> = ::core::option_env!(\"FRAGUA_COMMIT\");\n");
    for path in watched {
        // Writing to a text does not fail.
        writeln!(text, "const _: &[u8] = ::core::include_bytes!({path:?});").unwrap_or_default();
    }
    text += &commit.map_or_else(
        || "const NONE: ::core::option::Option<&str> = ::core::option::Option::None; NONE }".to_owned(),
        |commit| format!("::core::option::Option::Some({commit:?}) }}"),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expression_names_the_commit_and_what_it_depends_on() {
        let text = expression(Some("1a2b\"3"), &["/a b/.git/HEAD".into()]);
        assert!(text.contains("include_bytes!(\"/a b/.git/HEAD\")"), "{text}");
        assert!(text.ends_with("::core::option::Option::Some(\"1a2b\\\"3\") }"), "{text}");
        assert!(expression(None, &[]).ends_with("NONE }"));
    }
}
