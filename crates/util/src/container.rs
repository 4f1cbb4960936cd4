//! Whether the process runs in a container, and of which kind. It looks for known marks, because there is no certain
//! way.

use std::path::Path;
use std::{env, fs};

/// The software or service that runs the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Vast.ai, which runs Docker.
    Vast,
    /// Kubernetes.
    Kubernetes,
    /// Docker.
    Docker,
    /// Podman.
    Podman,
    /// Another one.
    Other,
}

impl Container {
    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vast => "Vast.ai",
            Self::Kubernetes => "Kubernetes",
            Self::Docker => "Docker",
            Self::Podman => "Podman",
            Self::Other => "a container",
        }
    }
}

/// The container around this process; none if it runs on the machine itself.
#[must_use]
pub fn around() -> Option<Container> {
    let cgroups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    recognize(|name| env::var_os(name).is_some(), |path| Path::new(path).exists(), &cgroups)
}

/// By variables, files and the text of `/proc/self/cgroup`. Services that run Docker for others come first.
fn recognize(is_set: impl Fn(&str) -> bool, exists: impl Fn(&str) -> bool, cgroups: &str) -> Option<Container> {
    let has = |words: &[&str]| words.iter().any(|word| cgroups.contains(word));
    let is_marked = exists("/.dockerenv") || exists("/run/.containerenv") || is_set("container");
    let is_inside = is_marked || has(&["docker", "kubepods", "containerd", "libpod", "/lxc/"]);
    let known = [
        (Container::Vast, is_inside && (is_set("VAST_CONTAINERLABEL") || is_set("CONTAINER_API_KEY"))),
        (Container::Kubernetes, is_set("KUBERNETES_SERVICE_HOST") || has(&["kubepods"])),
        (Container::Podman, exists("/run/.containerenv") || has(&["libpod"])),
        (Container::Docker, exists("/.dockerenv") || has(&["docker"])),
        (Container::Other, is_inside),
    ];
    known.into_iter().find_map(|(container, is_it)| is_it.then_some(container))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_container_is_known_by_what_it_leaves() {
        let found = |variables: &[&str], files: &[&str], cgroups| {
            recognize(|name| variables.contains(&name), |path| files.contains(&path), cgroups)
        };
        assert_eq!(found(&[], &[], "0::/user.slice/user-1000.slice/session-1.scope\n"), None);
        assert_eq!(found(&[], &["/.dockerenv"], "0::/\n"), Some(Container::Docker));
        assert_eq!(found(&[], &[], "12:memory:/docker/5f0a1c\n"), Some(Container::Docker));
        assert_eq!(found(&["container"], &["/run/.containerenv"], "0::/\n"), Some(Container::Podman));
        assert_eq!(found(&["KUBERNETES_SERVICE_HOST"], &[], "0::/\n"), Some(Container::Kubernetes));
        assert_eq!(found(&[], &[], "1:cpu:/kubepods/besteffort/pod7\n"), Some(Container::Kubernetes));
        assert_eq!(found(&["VAST_CONTAINERLABEL"], &["/.dockerenv"], "0::/\n"), Some(Container::Vast));
        assert_eq!(found(&["container"], &[], "0::/\n"), Some(Container::Other));
        assert_eq!(found(&["VAST_CONTAINERLABEL"], &[], "0::/\n"), None, "a shell on somebody's desk");
    }
}
