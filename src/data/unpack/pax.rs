//! The records of a pax extended header: `25 path=some/long/name\n`. Only those that change the result of unpacking are
//! kept.

use super::error::Refusal;

/// What a pax header says about the next entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Its name, in place of the header's.
    pub path: Option<Vec<u8>>,
    /// Its size, in place of the header's.
    pub size: Option<u64>,
}

impl Records {
    /// Reads all records; each must have exactly the length that it states.
    pub fn parse(mut body: &[u8]) -> Result<Self, Refusal> {
        let mut records = Self::default();
        while !body.is_empty() {
            let (key, value, rest) = split_record(body)?;
            records.take(key, value)?;
            body = rest;
        }
        Ok(records)
    }

    /// A global header may set times and comments, but not the name or size of all files.
    pub fn check_global(&self) -> Result<(), Refusal> {
        match self {
            Self { path: None, size: None } => Ok(()),
            _ => Err(wrong("a global one sets the name or the size of all files")),
        }
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), Refusal> {
        let is_new = match key {
            b"path" => self.path.replace(value.to_vec()).is_none(),
            b"size" => self.size.replace(decimal(value)?).is_none(),
            _ if key.starts_with(b"GNU.sparse.") => return Err(Refusal::Sparse),
            _ => true,
        };
        if is_new { Ok(()) } else { Err(wrong("it states the name or the size twice")) }
    }
}

/// Key and value of the first record, and the records after it.
type Split<'a> = (&'a [u8], &'a [u8], &'a [u8]);

fn split_record(body: &[u8]) -> Result<Split<'_>, Refusal> {
    let space = body.iter().take(20).position(|&byte| byte == b' ').ok_or_else(|| wrong("a record has no length"))?;
    let length = decimal(&body[..space])?;
    let length = usize::try_from(length).ok().filter(|length| (space + 3..=body.len()).contains(length));
    let (record, rest) = body.split_at(length.ok_or_else(|| wrong("a record's length does not match"))?);
    let record = record[space + 1..].strip_suffix(b"\n").ok_or_else(|| wrong("a record does not end in a new line"))?;
    let equals = record.iter().position(|&byte| byte == b'=').ok_or_else(|| wrong("a record has no \"=\""))?;
    Ok((&record[..equals], &record[equals + 1..], rest))
}

fn decimal(digits: &[u8]) -> Result<u64, Refusal> {
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| all_digits);
    text.and_then(|text| text.parse().ok()).ok_or_else(|| wrong("a number can't be read"))
}

fn wrong(problem: &'static str) -> Refusal {
    Refusal::Header { field: "its pax header", problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_size_are_taken_and_the_rest_is_let_pass() {
        let body = b"18 path=a/b=c.nc\n\n26 mtime=1290000000.12345\n12 size=123\n";
        let records = Records::parse(body).unwrap();
        assert_eq!(records, Records { path: Some(b"a/b=c.nc\n".to_vec()), size: Some(123) });
    }

    #[test]
    fn records_that_two_readers_could_read_in_two_ways_are_refused() {
        let table: [&[u8]; 10] = [
            b"x",
            b"11 path=abc",
            b"99 path=abc\n",
            b"5 a=\n\n",
            b"10 pathabc\n",
            b"12 path=abcd\n",
            b"+12 size=123\n",
            b"13 size=+123\n",
            b"12 size=123\n12 size=124\n",
            b"29 size=99999999999999999999\n",
        ];
        for body in table {
            assert!(matches!(Records::parse(body), Err(Refusal::Header { .. })), "{}", body.escape_ascii());
        }
        assert_eq!(Records::parse(b"22 GNU.sparse.major=1\n"), Err(Refusal::Sparse));
    }

    #[test]
    fn a_global_header_may_comment_but_not_rename() {
        Records::parse(b"16 comment=0123\n").unwrap().check_global().unwrap();
        assert!(Records::parse(b"12 path=abc\n").unwrap().check_global().is_err());
    }
}
