//! The files of MNIST and its family: two zero bytes, the type of the numbers, the number of dimensions, a big-endian u32 for
//! each dimension, then the numbers, the last dimension fastest. Source: <http://yann.lecun.com/exdb/mnist/>.

use super::pair::{one_dataset, own, side};
use super::read::Source;
use super::{Labels, MOST_BYTES, Table, Unusable};

/// Unsigned bytes.
const BYTES: u8 = 8;

/// One table for each file of images.
pub(super) fn tables(paths: &[&str], source: &mut Source<'_>) -> Result<Vec<Table>, Unusable> {
    one_dataset(paths)?;
    let is_images = |path: &&&str| own(path).to_ascii_lowercase().contains("idx3");
    let images: Vec<&str> = paths.iter().filter(is_images).copied().collect();
    if images.is_empty() {
        return Err(Unusable::new(
            paths[0],
            "has labels, but there is no file of images (...-images-idx3-ubyte) beside it",
        ));
    }
    images.into_iter().map(|file| table(file, paths, source)).collect()
}

fn table(file: &str, paths: &[&str], source: &mut Source<'_>) -> Result<Table, Unusable> {
    let wanted = labels_of(file);
    let labels = paths.iter().find(|path| plain(path) == wanted);
    let missing = || Unusable::new(file, format!("has no labels: expected the file {wanted} beside it"));
    let labels = *labels.ok_or_else(missing)?;
    let (shape, levels) = numbers(file, 3, source)?;
    let (count, labels_bytes) = numbers(labels, 1, source)?;
    if count[0] != shape[0] {
        return Err(Unusable::new(file, format!("has {} images, but {labels} has {} labels", shape[0], count[0])));
    }
    let labels = Labels::Numbers(labels_bytes.into_iter().map(i64::from).collect());
    let (side, shape) = (side(own(file)), [shape[1], shape[2]]);
    Ok(Table { file: file.to_owned(), side, shape, levels, labels, lines: None, bad: Vec::new() })
}

/// The path in lower case, without the ending of a compressed file.
fn plain(path: &str) -> String {
    let path = path.to_ascii_lowercase();
    path.strip_suffix(".gz").map_or_else(|| path.clone(), str::to_owned)
}

fn labels_of(images: &str) -> String {
    let path = plain(images);
    let (folder, name) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, name)| (folder, name));
    let name = name.replace("images", "labels").replace("idx3", "idx1");
    if folder.is_empty() { name } else { format!("{folder}/{name}") }
}

/// The dimensions and the numbers.
fn numbers(file: &str, dimensions: usize, source: &mut Source<'_>) -> Result<(Vec<usize>, Vec<u8>), Unusable> {
    let mut bytes = source.bytes(file)?;
    let refuse = |reason: String| Unusable::new(file, reason);
    let header = 4 + 4 * dimensions;
    match bytes.get(..4) {
        Some(&[0, 0, BYTES, found]) if usize::from(found) == dimensions => {}
        Some(&[0, 0, BYTES, found]) => return Err(refuse(format!("has {found} dimensions, expected {dimensions}"))),
        Some(&[0, 0, kind, _]) => {
            return Err(refuse(format!("has numbers of type {kind:#04x}, expected unsigned bytes (0x08)")));
        }
        _ => return Err(refuse("is not an idx file: it does not begin with two zero bytes".to_owned())),
    }
    let size = |number: usize| Some(u32::from_be_bytes(bytes.get(4 + 4 * number..8 + 4 * number)?.try_into().ok()?));
    let shape: Option<Vec<usize>> = (0..dimensions).map(|number| size(number).map(|size| size as usize)).collect();
    let shape = shape.ok_or_else(|| refuse("ends within its header".to_owned()))?;
    let all = shape.iter().try_fold(1_u64, |all, side| all.checked_mul(*side as u64)).filter(|all| *all <= MOST_BYTES);
    let all = all.ok_or_else(|| refuse(format!("has the impossible size {shape:?}")))? as usize;
    if bytes.len() - header != all {
        let found = bytes.len() - header;
        return Err(refuse(format!("has {found} numbers, expected {all} ({shape:?}); fetch it again")));
    }
    if all == 0 {
        return Err(refuse(format!("is empty ({shape:?})")));
    }
    bytes.drain(..header);
    Ok((shape, bytes))
}
