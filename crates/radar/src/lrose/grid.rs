//! The grid of a radar: axes in km about the radar, and the latitudes and longitudes of the cells.

/// The sphere that the projection is made on, as the files state it.
pub const EARTH_RADIUS_M: f64 = 6_378_137.0;

/// The place of the grid's (0, 0) on the earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    /// North is positive.
    pub latitude_degrees: f64,
    /// East is positive.
    pub longitude_degrees: f64,
}

/// The radar of San Rafael, Mendoza.
pub const SAN_RAFAEL: Site =
    Site { latitude_degrees: -34.647_998_809_814_45, longitude_degrees: -68.016_998_291_015_62 };

/// The axes of a volume; rows go from south to north, columns from west to east, levels upwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The place of (0, 0).
    pub origin: Site,
    /// Cell centres eastward of the origin.
    pub x_km: Vec<f32>,
    /// Cell centres northward of the origin.
    pub y_km: Vec<f32>,
    /// Altitudes of the levels.
    pub z_km: Vec<f32>,
    /// Of every cell, row by row.
    pub latitude_degrees: Vec<f32>,
    /// Of every cell, row by row.
    pub longitude_degrees: Vec<f32>,
}

impl Grid {
    /// A square grid of 1 km cells about the origin, with levels at 1, 2, 3, ... km.
    #[must_use]
    pub fn square(origin: Site, size: usize, levels: usize) -> Self {
        let axis: Vec<f32> = (0..size).map(|cell| cell as f32 - (size as f32 - 1.0) / 2.0).collect();
        let z_km = (1..=levels).map(|level| level as f32).collect();
        Self::new(origin, axis.clone(), axis, z_km)
    }

    /// A grid with these axes, by azimuthal equidistant projection about the origin.
    #[must_use]
    pub fn new(origin: Site, x_km: Vec<f32>, y_km: Vec<f32>, z_km: Vec<f32>) -> Self {
        let places = y_km.iter().flat_map(|&y| x_km.iter().map(move |&x| place(origin, f64::from(x), f64::from(y))));
        let (latitude_degrees, longitude_degrees) =
            places.map(|site| (site.latitude_degrees as f32, site.longitude_degrees as f32)).unzip();
        Self { origin, x_km, y_km, z_km, latitude_degrees, longitude_degrees }
    }
}

/// Inverse azimuthal equidistant projection on the sphere (Snyder, Map Projections, 1987, equations 20-14, 20-15, 25-15).
fn place(origin: Site, x_km: f64, y_km: f64) -> Site {
    let distance_km = x_km.hypot(y_km);
    if distance_km == 0.0 {
        return origin;
    }
    let (sin_c, cos_c) = (distance_km * 1000.0 / EARTH_RADIUS_M).sin_cos();
    let (sin_origin, cos_origin) = origin.latitude_degrees.to_radians().sin_cos();
    let latitude = (cos_c * sin_origin + y_km * sin_c * cos_origin / distance_km).asin();
    let east = (x_km * sin_c).atan2(distance_km * cos_origin * cos_c - y_km * sin_origin * sin_c);
    Site { latitude_degrees: latitude.to_degrees(), longitude_degrees: origin.longitude_degrees + east.to_degrees() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_grid_runs_from_minus_to_plus_249_5_km() {
        let grid = Grid::square(SAN_RAFAEL, 500, 18);
        assert_eq!((grid.x_km[0], grid.y_km[499], grid.z_km[17]), (-249.5, 249.5, 18.0));
        assert_eq!(grid.latitude_degrees.len(), 250_000);
    }

    /// Checked with the direct geodesic on the sphere: destination = asin(sin p cos d + cos p sin d cos azimuth).
    #[test]
    fn a_cell_is_at_its_distance_and_azimuth_from_the_radar() {
        for (x_km, y_km) in [(200.0, 0.0), (-120.0, 90.0), (0.0, -249.5), (3.0, 4.0)] {
            let cell = place(SAN_RAFAEL, x_km, y_km);
            let (p, q) = (SAN_RAFAEL.latitude_degrees.to_radians(), cell.latitude_degrees.to_radians());
            let east = (cell.longitude_degrees - SAN_RAFAEL.longitude_degrees).to_radians();
            let haversine = ((q - p) / 2.0).sin().powi(2) + p.cos() * q.cos() * (east / 2.0).sin().powi(2);
            let distance_km = 2.0 * haversine.sqrt().asin() * EARTH_RADIUS_M / 1000.0;
            assert!((distance_km - f64::hypot(x_km, y_km)).abs() < 1e-6);
            let azimuth = (east.sin() * q.cos()).atan2(p.cos() * q.sin() - p.sin() * q.cos() * east.cos());
            assert!((azimuth - x_km.atan2(y_km)).abs() < 1e-9);
        }
    }
}
