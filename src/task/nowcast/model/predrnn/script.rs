//! PredRNN in TorchScript: the same arithmetic as [`super::bound`], for any number of samples and frames.

use super::Predrnn;
use super::cell::Cell;
use crate::task::nowcast::model::convolution::Convolution;
use crate::task::nowcast::model::{Forecaster, Torchscript, by_lead, fill};

/// The code.
pub(super) fn code(predrnn: &Predrnn) -> Torchscript {
    let (patch, hidden, leads) = (predrnn.patch(), predrnn.hidden(), predrnn.sizes.leads);
    let mut lines = vec![
        format!("seen = {}", fill::script("torch.flatten(frames, 0, 1)", patch)),
        format!("seen = torch.pixel_unshuffle(seen, {patch})"),
        "seen = torch.unflatten(seen, 0, [torch.size(frames, 0), torch.size(frames, 1)])".to_owned(),
        "times = torch.size(seen, 1)".to_owned(),
        "last = torch.select(seen, 1, torch.sub(times, 1))".to_owned(),
        "following = last".to_owned(),
        "outputs = annotate(List[Tensor], [])".to_owned(),
    ];
    for (layer, channels) in hidden.iter().enumerate() {
        let size = format!("[torch.size(seen, 0), {channels}, torch.size(seen, 3), torch.size(seen, 4)]");
        lines.push(format!("h{layer} = torch.new_zeros(last, {size})"));
        lines.push(format!("c{layer} = h{layer}"));
    }
    lines.push(format!("m = h{}", hidden.len().saturating_sub(1)));
    lines.push("z = h0".to_owned());
    lines.push(format!("for step in range(torch.add(times, {})):", leads - 1));
    lines.extend(of_step(predrnn).into_iter().map(|line| format!("  {line}")));
    lines.push(format!("output = torch.pixel_shuffle(torch.stack(outputs, 1), {patch})"));
    lines.extend(by_lead::script("output", &predrnn.sizes));
    let body = lines.into_iter().map(|line| format!("    {line}\n")).collect();
    Torchscript { layout: predrnn.layout(), body }
}

/// What is done with one frame.
fn of_step(predrnn: &Predrnn) -> Vec<String> {
    let text = "if torch.lt(step, times):\n  image = torch.select(seen, 1, step)\nelse:\n  image = following";
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (layer, cell) in predrnn.cells().iter().enumerate() {
        lines.extend(of_cell(layer, cell));
        if let (0, Some(highway)) = (layer, predrnn.highway()) {
            lines.extend(of_highway(&highway));
        }
    }
    let following = match predrnn.sizes.parts {
        1 => "output".to_owned(),
        _ => format!("torch.add(last, torch.slice(output, 1, 0, {}))", predrnn.channels()),
    };
    lines.push("if torch.ge(torch.add(step, 1), times):".to_owned());
    lines.push(format!("  output = {}", predrnn.head().script("image")));
    lines.push("  _0 = torch.append(outputs, output)".to_owned());
    lines.push(format!("  following = {following}"));
    lines.push("else:".to_owned());
    lines.push("  pass".to_owned());
    lines
}

fn of_cell(layer: usize, cell: &Cell) -> Vec<String> {
    let (h, c) = (format!("h{layer}"), format!("c{layer}"));
    let chunks = |name: &str, conv: Convolution, input: &str, count: usize| {
        format!("{name} = torch.chunk({}, {count}, 1)", conv.script(input))
    };
    let mut lines =
        vec![chunks("xs", cell.x(), "image", 7), chunks("hs", cell.h(), &h, 4), chunks("ms", cell.m(), "m", 3)];
    match cell.c() {
        None => {
            lines.push(renewed(
                &c,
                [&sum(&["xs[0]", "hs[0]"]), &sum(&["xs[1]", "hs[1]"]), &sum(&["xs[2]", "hs[2]"])],
                &c,
            ));
            lines.push(renewed(
                "m",
                [&sum(&["xs[3]", "ms[0]"]), &sum(&["xs[4]", "ms[1]"]), &sum(&["xs[5]", "ms[2]"])],
                "m",
            ));
            lines.push(format!("both = torch.cat([{c}, m], 1)"));
            lines.push(format!("o = torch.sigmoid({})", sum(&["xs[6]", "hs[3]", &cell.o().script("both")])));
        }
        Some([old, new]) => {
            lines.push(chunks("cs", old, &c, 3));
            let gate = |at: usize| sum(&[&format!("xs[{at}]"), &format!("hs[{at}]"), &format!("cs[{at}]")]);
            lines.push(renewed(&c, [&gate(0), &gate(1), &gate(2)], &c));
            lines.push(chunks("cs", new, &c, 4));
            let gates =
                [&sum(&["xs[3]", "ms[0]", "cs[0]"]), &sum(&["xs[4]", "ms[1]", "cs[2]"]), &sum(&["xs[5]", "cs[1]"])];
            lines.push(renewed("m", gates.map(String::as_str), "torch.tanh(ms[2])"));
            lines.push(format!("both = torch.cat([{c}, m], 1)"));
            lines.push(format!("o = torch.tanh({})", sum(&["xs[6]", "hs[3]", "cs[3]", &cell.o().script("m")])));
        }
    }
    lines.push(format!("{h} = torch.mul(o, torch.tanh({}))", cell.last().script("both")));
    lines.push(format!("image = {h}"));
    lines
}

fn of_highway([h, z]: &[Convolution; 2]) -> Vec<String> {
    vec![
        format!("gates = torch.chunk({}, 2, 1)", sum(&[&h.script("image"), &z.script("z")])),
        "share = torch.sigmoid(gates[1])".to_owned(),
        "kept = torch.sub(z, torch.mul(share, z))".to_owned(),
        "z = torch.add(torch.mul(share, torch.tanh(gates[0])), kept)".to_owned(),
        "image = z".to_owned(),
    ]
}

fn sum(terms: &[&str]) -> String {
    let (first, others) = (terms.first().copied().unwrap_or_default(), terms.iter().skip(1));
    others.fold(first.to_owned(), |sum, term| format!("torch.add({sum}, {term})"))
}

/// sig(f + 1) before + sig(i) tanh(g).
fn renewed(name: &str, [input, forget, seen]: [&str; 3], before: &str) -> String {
    let new = format!("torch.mul(torch.sigmoid({input}), torch.tanh({seen}))");
    format!("{name} = torch.add(torch.mul(torch.sigmoid(torch.add({forget}, 1)), {before}), {new})")
}
