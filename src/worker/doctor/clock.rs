//! The time: runs are ordered by it, and a certificate that is not valid yet is refused. Compared with the program's
//! own file, because the check uses no network.

use std::time::SystemTime;

use jiff::Timestamp;

use super::finding::Finding;

/// Whether the clock can be right.
pub(super) fn check() -> Finding {
    let written = std::env::current_exe().and_then(|program| program.metadata()?.modified()).ok();
    judge(SystemTime::now(), written)
}

fn judge(now: SystemTime, program: Option<SystemTime>) -> Finding {
    let text = |time: SystemTime| {
        let time = Timestamp::try_from(time).unwrap_or_default();
        time.strftime("%Y-%m-%d %H:%M UTC").to_string()
    };
    match program {
        Some(program) if now < program => {
            let found = format!("{}, which is before this program was built ({})", text(now), text(program));
            Finding::warning("clock", found, "set the clock of the host: `sudo timedatectl set-ntp true`")
        }
        _ => Finding::ok("clock", format!("{}; all times are written in UTC", text(now))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::worker::doctor::Level;

    #[test]
    fn a_clock_before_the_build_of_the_program_is_wrong() {
        let at = |days: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 * days);
        let wrong = judge(at(1), Some(at(20_000)));
        assert_eq!(wrong.level, Level::Warning);
        assert_eq!(wrong.text, "1970-01-02 00:00 UTC, which is before this program was built (2024-10-04 00:00 UTC)");
        assert_eq!(judge(at(20_001), Some(at(20_000))).level, Level::Ok);
        assert_eq!(judge(at(1), None).level, Level::Ok);
    }
}
