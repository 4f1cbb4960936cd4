//! The program, libtorch, and what that was built for.

use super::finding::Finding;
use crate::native::{cuda, versions};

/// Names them.
pub(super) fn check() -> Finding {
    Finding::ok("program", text(versions::commit(), cuda::is_installed(), cuda::line()))
}

fn text(commit: Option<&str>, has_cuda: bool, line: Option<u32>) -> String {
    let commit = commit.map_or_else(String::new, |commit| format!(" ({commit})"));
    let built_for = match (has_cuda, line) {
        (false, _) => "for CPUs only".to_owned(),
        (true, Some(line)) => format!("for CUDA {line}"),
        (true, None) => "with CUDA".to_owned(),
    };
    format!("fragua {}{commit}, libtorch {} {built_for}", versions::PROGRAM, versions::LIBTORCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_program_commit_and_what_libtorch_was_built_for() {
        assert!(text(Some("7c8f147"), true, Some(12)).starts_with(concat!(
            "fragua ",
            env!("CARGO_PKG_VERSION"),
            " (7c8f147), "
        )));
        assert!(text(None, true, Some(13)).ends_with(" for CUDA 13"));
        assert!(text(None, false, None).ends_with(" for CPUs only"));
    }
}
