//! The mount that a path is on, its kind, and the folder of the host behind it. Read from `/proc/self/mountinfo`, whose
//! format is in proc_pid_mountinfo(5).

use std::fs;
use std::path::{Path, PathBuf};

/// File systems whose files are on another machine. `9p` and `virtiofs` are folders of the host that a virtual machine sees.
const NETWORK: [&str; 14] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ceph",
    "lustre",
    "glusterfs",
    "fuse.glusterfs",
    "fuse.sshfs",
    "beegfs",
    "fuse.s3fs",
    "fuse.gcsfuse",
    "fuse.rclone",
];

/// A mount, as this process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The folder of the mounted file system that appears at `point`: for a bind mount, the path on the disk of the host.
    pub root: PathBuf,
    /// The mount point.
    pub point: PathBuf,
    /// Whether it is read-only.
    pub read_only: bool,
    /// The kind of file system: `ext4`, `overlay`, `nfs4`.
    pub kind: String,
    /// The device, the server and its folder, or a word if there is none.
    pub source: String,
}

impl Mount {
    /// Whether the files are on another machine.
    #[must_use]
    pub fn is_network(&self) -> bool {
        NETWORK.contains(&self.kind.as_str())
    }

    /// Whether the files are in memory, and lost with it.
    #[must_use]
    pub fn is_memory(&self) -> bool {
        matches!(self.kind.as_str(), "tmpfs" | "ramfs")
    }

    /// Whether it is the root: in a container, it is removed with the container.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.point == Path::new("/")
    }

    /// The path on the disk of the host of a path below this mount. `None` if a whole disk is mounted, or there is no
    /// disk: then it can't be known. The host's mount point of that disk is unknown too; most often it is `/`.
    #[must_use]
    pub fn path_on_host(&self, path: &Path) -> Option<PathBuf> {
        if self.is_root() || self.is_memory() || self.root == Path::new("/") {
            return None;
        }
        let below = path.strip_prefix(&self.point).ok()?;
        Some(if below.as_os_str().is_empty() { self.root.clone() } else { self.root.join(below) })
    }
}

/// The mount that a path is on; for a path that does not exist yet, the mount of the nearest folder above it.
#[must_use]
pub fn of(path: &Path) -> Option<Mount> {
    let mounts = parse(&fs::read_to_string("/proc/self/mountinfo").ok()?);
    holding(&mounts, &resolved(path)).cloned()
}

/// The path without links and dots; the part that does not exist yet stays as it is written.
#[must_use]
pub fn resolved(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = whole.ancestors().find_map(|above| Some((above, fs::canonicalize(above).ok()?)));
    match found {
        Some((above, there)) => match whole.strip_prefix(above) {
            Ok(below) if !below.as_os_str().is_empty() => there.join(below),
            _ => there,
        },
        None => whole,
    }
}

/// All mounts, in the order in which they were made.
#[must_use]
pub fn parse(mountinfo: &str) -> Vec<Mount> {
    mountinfo.lines().filter_map(parse_line).collect()
}

/// `36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue`, with any number of fields before the dash.
fn parse_line(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(3);
    let (root, point, options) = (before.next()?, before.next()?, before.next()?);
    let mut after = after.split(' ');
    let (kind, source, of_disk) = (after.next()?, after.next()?, after.next().unwrap_or_default());
    let is_read_only = |options: &str| options.split(',').any(|option| option == "ro");
    Some(Mount {
        root: unescaped(root).into(),
        point: unescaped(point).into(),
        read_only: is_read_only(options) || is_read_only(of_disk),
        kind: kind.to_owned(),
        source: unescaped(source),
    })
}

/// Blanks, tabs, newlines and backslashes are written as `\040` and the like.
fn unescaped(field: &str) -> String {
    let mut text = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                text.push(byte);
                rest = &after[3..];
            }
            None => {
                text.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The mount of a whole path: the deepest one, of two at the same place the one on top.
#[must_use]
pub fn holding<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let above = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    above.max_by_key(|mount| mount.point.components().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A container of Docker: layers, memory, two bind mounts, a volume, a disk of its own, a network drive.
    const DOCKER: &str = r"
1035 912 0:312 / / rw,relatime master:388 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A:/var/lib/docker/overlay2/l/B
1036 1035 0:315 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
1037 1035 0:316 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755,inode64
1041 1037 0:314 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k,inode64
1042 1035 259:2 /srv/storm\040runs /app/model_output rw,relatime - ext4 /dev/nvme0n1p2 rw,errors=remount-ro
1043 1035 259:2 /srv/radar /app/datasets ro,relatime - ext4 /dev/nvme0n1p2 rw,errors=remount-ro
1044 1035 259:2 /var/lib/docker/volumes/runs/_data /volume rw,relatime master:1 - ext4 /dev/nvme0n1p2 rw
1045 1035 8:17 / /disk rw,relatime - xfs /dev/sdb1 rw,attr2
1046 1035 0:77 / /share rw,relatime - nfs4 store:/export/radar rw,vers=4.2
1047 1035 0:330 / /tmp rw,relatime - tmpfs tmpfs rw
";

    fn found(path: &str) -> Mount {
        holding(&parse(DOCKER), Path::new(path)).unwrap().clone()
    }

    #[test]
    fn the_folder_of_the_host_behind_a_path_is_known() {
        let on_host = |path: &str| found(path).path_on_host(Path::new(path)).map(|path| path.display().to_string());
        assert_eq!(on_host("/app/model_output").unwrap(), "/srv/storm runs");
        assert_eq!(on_host("/app/model_output/storms/weights").unwrap(), "/srv/storm runs/storms/weights");
        assert_eq!(on_host("/volume/a").unwrap(), "/var/lib/docker/volumes/runs/_data/a");
        for unknown in ["/app", "/disk/a", "/share/a", "/tmp/a"] {
            assert_eq!(on_host(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_path_is_on_the_deepest_mount_above_it() {
        assert!(found("/app").is_root() && found("/app/model_outputs").is_root());
        assert_eq!(found("/dev/shm/a").source, "shm");
        assert!(found("/share").is_network() && !found("/disk").is_network());
        assert!(found("/tmp").is_memory());
        let twice = format!("{DOCKER}1050 1047 0:331 / /tmp rw - ext4 /dev/sdc rw\n");
        assert_eq!(holding(&parse(&twice), Path::new("/tmp/a")).unwrap().source, "/dev/sdc", "the one on top");
    }

    #[test]
    fn read_only_is_what_the_mount_or_the_disk_says() {
        assert!(found("/app/datasets").read_only);
        assert!(!found("/app/model_output").read_only, "errors=remount-ro says nothing of now");
        assert!(parse("1 0 8:1 / / rw - ext4 /dev/sda ro")[0].read_only);
        assert!(parse("1 0 8:1 / / ro - overlay overlay rw,lowerdir=/a")[0].read_only);
    }

    #[test]
    fn incomplete_lines_are_skipped() {
        assert_eq!(parse("\nnonsense\n1 2 3 - \n36 35 98:0 /a /b rw master:1\n"), []);
        assert_eq!(
            [r"a\040b", r"a\134b", r"a\04", r"\", r"\999"].map(unescaped),
            ["a b", r"a\b", r"a\04", r"\", r"\999"]
        );
    }

    #[test]
    fn every_path_of_this_machine_is_on_a_mount() {
        let folder = tempfile::tempdir().unwrap();
        let mount = of(&folder.path().join("not/there/yet")).unwrap();
        assert!(folder.path().canonicalize().unwrap().starts_with(&mount.point), "{mount:?}");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/proc", &link).unwrap();
        assert_eq!(of(&link.join("self/nothing")).unwrap().kind, "proc");
    }
}
