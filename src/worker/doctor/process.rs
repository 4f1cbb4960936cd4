//! Who runs the program, and where.

use std::fs;

use super::finding::Finding;
use crate::util::access;
use crate::util::container::Container;

/// Names them.
pub(super) fn check(container: Option<Container>) -> Finding {
    let first = fs::read_to_string("/proc/1/comm").unwrap_or_default();
    Finding::ok("process", text(container, access::process(), std::process::id(), first.trim()))
}

fn text(container: Option<Container>, user: access::Owner, own: u32, first: &str) -> String {
    let place = container.map_or("no container", Container::name);
    let first = match (container, own, first) {
        (None, ..) | (_, _, "") => String::new(),
        (Some(_), 1, _) => ", the first process of its container".to_owned(),
        (Some(_), _, first) => format!(", below {first} as the first process of its container"),
    };
    format!("{place}, user {user}{first}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_container_are_reported() {
        let user = access::Owner { user: 10001, group: 100 };
        assert_eq!(text(None, user, 99, "systemd"), "no container, user 10001:100");
        let text = |own| text(Some(Container::Docker), user, own, "tini");
        assert_eq!(text(7), "Docker, user 10001:100, below tini as the first process of its container");
        assert_eq!(text(1), "Docker, user 10001:100, the first process of its container");
    }
}
