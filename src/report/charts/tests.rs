//! Charts keep their places, whatever the points are.

use super::*;
use crate::report::canvas::WHITE;

const SIZE: [usize; 2] = [400, 300];

fn chart(points: &[[f64; 2]], behind: Behind) -> Chart {
    let axis = |name: &str| AxisOf { name: name.into(), range: None };
    let series = Series {
        name: "model".into(),
        colour: 0,
        dashed: false,
        points: points.to_vec(),
        labels: points.iter().map(|_| "20".to_owned()).collect(),
    };
    Chart { title: "CSI".into(), x: axis("minutes"), y: axis("CSI"), behind, series: vec![series] }
}

fn sheet(charts: Vec<Chart>) -> Canvas {
    draw(&Charts { title: "Scores".into(), note: "of 3 events".into(), columns: 2, size: SIZE, charts })
}

fn coloured(canvas: &Canvas, colour: [u8; 3]) -> usize {
    canvas.rgb.chunks_exact(3).filter(|pixel| **pixel == colour).count()
}

#[test]
fn points_are_joined_and_what_is_no_number_leaves_a_gap() {
    let whole = sheet(vec![chart(&[[5.0, 0.4], [10.0, 0.3], [15.0, 0.2]], Behind::Grid)]);
    let gap = sheet(vec![chart(&[[5.0, 0.4], [10.0, f64::NAN], [15.0, 0.2]], Behind::Grid)]);
    assert!(coloured(&whole, COLOURS[0]) > 2 * coloured(&gap, COLOURS[0]));
    assert!(coloured(&gap, COLOURS[0]) > 60, "the two points are there, and the legend");
}

#[test]
fn there_is_a_picture_of_nothing_of_one_point_and_of_equal_ones() {
    for points in [&[][..], &[[1.0, 1.0]], &[[2.0, 3.0], [2.0, 3.0]], &[[f64::NAN, f64::NAN]]] {
        for behind in [Behind::Grid, Behind::Diagonal, Behind::Performance] {
            let canvas = sheet(vec![chart(points, behind)]);
            assert!(coloured(&canvas, WHITE) > canvas.width * canvas.height / 2);
        }
    }
}

#[test]
fn charts_stand_side_by_side_in_rows() {
    let one = |count| sheet((0..count).map(|_| chart(&[[0.0, 1.0]], Behind::Grid)).collect());
    let (single, double, triple) = (one(1), one(2), one(3));
    assert!(double.width > single.width + SIZE[0] && double.height == single.height);
    assert_eq!((triple.width, triple.height), (double.width, double.height + SIZE[1] + GAP));
}
