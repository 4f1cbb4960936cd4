//! A Gaussian over an image: rows, then columns, with a kernel that is cut at three standard deviations. Edges are replicated.

/// Smooths an image in place.
pub fn smooth(image: &mut [f32], [rows, columns]: [usize; 2], sigma: f64) {
    let kernel = kernel(sigma);
    let radius = kernel.len() / 2;
    let mut line = vec![0.0; columns + 2 * radius];
    for row in image.chunks_exact_mut(columns.max(1)) {
        line[..radius].fill(row[0]);
        line[radius..radius + columns].copy_from_slice(row);
        line[radius + columns..].fill(row[columns - 1]);
        row.fill(0.0);
        for (place, weight) in kernel.iter().enumerate() {
            row.iter_mut().zip(&line[place..]).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    let before = image.to_vec();
    for (number, row) in image.chunks_exact_mut(columns.max(1)).enumerate() {
        row.fill(0.0);
        for (place, weight) in kernel.iter().enumerate() {
            let from = (number + place).saturating_sub(radius).min(rows - 1) * columns;
            row.iter_mut().zip(&before[from..]).for_each(|(sum, value)| *sum += weight * value);
        }
    }
}

fn kernel(sigma: f64) -> Vec<f32> {
    let radius = (3.0 * sigma).ceil() as i32;
    let weight = |place: i32| if sigma > 0.0 { (-0.5 * (f64::from(place) / sigma).powi(2)).exp() } else { 1.0 };
    let weights: Vec<f64> = (-radius..=radius).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_convolution_of_torch_with_replicated_edges() {
        let saved: serde_json::Value =
            serde_json::from_str(include_str!("../../../../tests/fixtures/image_class/augment.json")).unwrap();
        for case in saved["blurs"].as_array().unwrap() {
            let levels: Vec<u8> = serde_json::from_value(saved["levels"].clone()).unwrap();
            let expected: Vec<f32> = serde_json::from_value(case["result"].clone()).unwrap();
            let mut image: Vec<f32> = levels.into_iter().map(f32::from).collect();
            smooth(&mut image, [9, 7], case["sigma"].as_f64().unwrap());
            for (got, expected) in image.iter().zip(&expected) {
                assert!((got - expected).abs() < 1e-3, "{case}: {got} instead of {expected}");
            }
        }
    }

    #[test]
    fn nothing_is_smoothed_by_nothing() {
        let mut image: Vec<f32> = (0..12).map(|value| value as f32).collect();
        let before = image.clone();
        smooth(&mut image, [3, 4], 0.0);
        assert_eq!(image, before);
    }
}
