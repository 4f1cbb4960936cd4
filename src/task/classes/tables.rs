//! What an evaluation found, as files for spreadsheets and programs. Classes have the names of their folders there, which are
//! plain and differ from each other; on pictures and on the page they have their labels.

use serde_json::json;
use thiserror::Error;

use super::long_tail;
use super::scores::ClassScoresSum;
use crate::train::task::{Plots, TaskError};
use crate::util::exit::Exit;

/// A table that JSON can't hold.
#[derive(Debug, Error)]
#[error("the table of classes can't be written as JSON: {0}")]
pub struct NoTable(#[from] serde_json::Error);

impl NoTable {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::Bug
    }
}

impl From<NoTable> for TaskError {
    fn from(error: NoTable) -> Self {
        let exit = error.exit();
        Self::Other { source: error.into(), exit }
    }
}

/// The tables with their file names, for classes with these folders.
///
/// # Errors
/// If one can't be encoded, which is a mistake of this program.
pub fn tables<K: Clone>(scores: &ClassScoresSum<K>, classes: &[String]) -> Result<Plots, NoTable> {
    let mut tables = vec![
        ("confusion_matrix.csv".to_owned(), matrix(scores, classes).into_bytes()),
        ("most_confused.csv".to_owned(), confused(scores, classes).into_bytes()),
        ("metrics_by_class.csv".to_owned(), by_class(scores, classes).into_bytes()),
        ("metrics_by_class.json".to_owned(), by_class_json(scores, classes)?),
    ];
    if let Some(found) = scores.long_tail() {
        tables.extend(long_tail::tables::tables(&found, &scores.confusion, classes)?);
    }
    Ok(tables)
}

fn matrix<K: Clone>(scores: &ClassScoresSum<K>, classes: &[String]) -> String {
    let line =
        |first: &str, cells: Vec<String>| std::iter::once(field(first)).chain(cells).collect::<Vec<_>>().join(",");
    let head = line("true\\pred", classes.iter().map(|class| field(class)).collect());
    let rows = classes.iter().enumerate().map(|(truth, class)| {
        line(class, (0..classes.len()).map(|predicted| scores.confusion.count(truth, predicted).to_string()).collect())
    });
    std::iter::once(head).chain(rows).map(|line| line + "\n").collect()
}

/// Every pair that was confused, with its share of the true class.
fn confused<K: Clone>(scores: &ClassScoresSum<K>, classes: &[String]) -> String {
    let supports = scores.confusion.by_class();
    let rows = scores.confusion.most_confused(usize::MAX).into_iter().map(|(truth, predicted, count)| {
        let share = count as f64 / supports[truth].support as f64;
        format!("{},{},{count},{share:.6}\n", field(&classes[truth]), field(&classes[predicted]))
    });
    std::iter::once("true,predicted,count,share\n".to_owned()).chain(rows).collect()
}

fn by_class<K: Clone>(scores: &ClassScoresSum<K>, classes: &[String]) -> String {
    let rows = scores.confusion.by_class().into_iter().zip(classes).enumerate().map(|(number, (of, class))| {
        format!("{number},{},{:.6},{:.6},{:.6},{}\n", field(class), of.precision, of.recall, of.f1, of.support)
    });
    std::iter::once("class_id,class_name,precision,recall,f1,support\n".to_owned()).chain(rows).collect()
}

fn by_class_json<K: Clone>(scores: &ClassScoresSum<K>, classes: &[String]) -> Result<Vec<u8>, NoTable> {
    let each = scores.confusion.by_class().into_iter().zip(classes.iter().zip(scores.labels())).enumerate();
    let rows: Vec<_> = each
        .map(|(number, (of, (class, label)))| {
            json!({
                "class_id": number, "class_name": class, "label": label,
                "precision": of.precision, "recall": of.recall, "f1": of.f1, "support": of.support,
            })
        })
        .collect();
    let mut text = serde_json::to_vec_pretty(&rows)?;
    text.push(b'\n');
    Ok(text)
}

/// A field of a table: in quotation marks if it has a comma, quotation marks or a line break. A folder may be called like a
/// formula, which spreadsheets would compute: it gets an apostrophe.
#[must_use]
pub fn field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Numbered;
    use super::*;
    use crate::train::task::Depth;

    fn files() -> Vec<(String, String)> {
        let classes = ["A_upper", "a, \"b\"", "=1+1"].map(str::to_owned);
        let mut scores = ClassScoresSum::none(classes.to_vec().into(), Depth::Evaluation, 1.0);
        let sample = |record, class| Numbered { record, class };
        scores.add(&sample(0, 0), &[2.0, 1.0, 0.0]);
        scores.add(&sample(1, 0), &[1.0, 2.0, 0.0]);
        scores.add(&sample(2, 1), &[0.0, 2.0, 1.0]);
        let files = tables(&scores, &classes).unwrap();
        files.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
    }

    #[test]
    fn tables_have_a_head_a_row_for_each_class_and_only_harmless_fields() {
        let files = files();
        let of = |name: &str| files.iter().find(|(known, _)| known == name).unwrap().1.as_str();
        assert_eq!(
            of("confusion_matrix.csv"),
            "true\\pred,A_upper,\"a, \"\"b\"\"\",'=1+1\nA_upper,1,1,0\n\"a, \"\"b\"\"\",0,1,0\n'=1+1,0,0,0\n"
        );
        assert_eq!(of("most_confused.csv"), "true,predicted,count,share\nA_upper,\"a, \"\"b\"\"\",1,0.500000\n");
        let rows: Vec<&str> = of("metrics_by_class.csv").lines().collect();
        assert_eq!(
            rows[..2],
            ["class_id,class_name,precision,recall,f1,support", "0,A_upper,1.000000,0.500000,0.666667,2"]
        );
        assert_eq!(rows[3], "2,'=1+1,0.000000,0.000000,0.000000,0");
        let json: serde_json::Value = serde_json::from_str(of("metrics_by_class.json")).unwrap();
        assert_eq!((json[1]["class_name"].as_str(), json[2]["support"].as_u64()), (Some("a, \"b\""), Some(0)));
    }
}
