//! Films on a page: a chooser, and for each film its panels, a player that the script enables, and the scale. Without
//! the script each film shows its last moment.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::block::Film;
use super::escape::escape;

/// The style has a rule for each of so many films.
const MOST: usize = 8;

/// The films with their chooser.
pub(super) fn films(films: &[Film]) -> String {
    let films = &films[..films.len().min(MOST)];
    let choice = |(at, film): (usize, &Film)| {
        let checked = if at == 0 { " checked" } else { "" };
        let title = escape(&film.strip.title);
        format!("<label><input type=\"radio\" name=\"film\" value=\"{at}\"{checked}><span>{title}</span></label>")
    };
    let choices: String = films.iter().enumerate().map(choice).collect();
    let chooser = match films.len() {
        0 | 1 => String::new(),
        _ => format!("<fieldset><legend>Window</legend>{choices}</fieldset>\n"),
    };
    format!("<div class=\"films\">\n{chooser}{}</div>\n", films.iter().map(film).collect::<String>())
}

fn film(film: &Film) -> String {
    let strip = &film.strip;
    let [columns, rows] = strip.size;
    let (panels, last) = (strip.panels.len(), strip.moments.len().saturating_sub(1));
    let panel = |(at, name): (usize, &String)| {
        let (name, across) = (escape(name), share(at, panels));
        format!(
            "<div class=\"panel\"><p>{name}</p><div class=\"sky\" role=\"img\" aria-label=\"{name}: {}\" \
             style=\"background-position:{across} 100%\"></div></div>",
            escape(&strip.title)
        )
    };
    let moments = strip.moments.iter().map(|moment| escape(moment)).collect::<Vec<_>>().join("|");
    let swatch = |(colour, words): &(String, String)| {
        format!("<li><i style=\"background:{}\"></i>{}</li>", escape(colour), escape(words))
    };
    let scale: String = strip.scale.iter().map(swatch).collect();
    format!(
        "<figure class=\"film\" data-moments=\"{moments}\" data-before=\"{}\">\n<div class=\"panels\" style=\"--columns:{columns};\
         --rows:{rows};--wide:{}%;--tall:{}%;--strip:url(data:image/png;base64,{})\">{}</div>\n\
         <div class=\"player\"><button type=\"button\" hidden>Play</button><input type=\"range\" min=\"0\" max=\"{last}\" \
         value=\"{last}\" aria-label=\"Moment of the film\" hidden><output>{}</output></div>\n\
         <ul class=\"scale\"><li>{}</li>{scale}</ul></figure>\n",
        strip.before,
        100 * panels,
        100 * (last + 1),
        STANDARD.encode(&film.bytes),
        strip.panels.iter().enumerate().map(panel).collect::<String>(),
        strip.moments.last().map_or_else(String::new, |moment| escape(moment)),
        escape(&strip.unit),
    )
}

/// A place in a strip of so many frames, for a background that is as many times as large as its box.
fn share(at: usize, of: usize) -> String {
    match of.saturating_sub(1) {
        0 => "0%".into(),
        last => format!("{}%", (100_000.0 * at as f64 / last as f64).round() / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::strip::Strip;

    fn of(title: &str) -> Film {
        let strip = Strip {
            title: title.into(),
            panels: ["observed", "model", "advection"].map(str::to_owned).into(),
            size: [4, 2],
            moments: ["-5 min", "0 min", "+5 min"].map(str::to_owned).into(),
            before: 2,
            scale: vec![("#f00".into(), "50".into())],
            unit: "dBZ".into(),
        };
        Film { bytes: b"x".into(), strip }
    }

    #[test]
    fn one_film_is_seen_at_a_time_and_shows_its_last_moment_without_a_script() {
        let html = films(&[of("first"), of("second <b>")]);
        assert_eq!(html.matches("type=\"radio\"").count(), 2);
        assert!(html.contains("<span>second &lt;b&gt;</span>") && html.contains("value=\"0\" checked"), "{html}");
        assert!(html.contains("background-position:50% 100%") && html.contains("<output>+5 min</output>"), "{html}");
        assert!(html.contains("data-moments=\"-5 min|0 min|+5 min\" data-before=\"2\""), "{html}");
        assert!(!films(&[of("alone")]).contains("fieldset"));
        assert_eq!(films(&vec![of("many"); 20]).matches("<figure").count(), MOST);
    }
}
