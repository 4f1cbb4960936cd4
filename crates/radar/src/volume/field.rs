//! The names of a field and its place on the Earth, for a store or a forecast to take over. Not its numbers.

use super::axes::listed_coordinates;
use super::header::{Attributes, Header, Variable};

/// The descriptive attributes of a field and of its file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldAttributes {
    /// The units of the physical values, empty if the file names none.
    pub units: String,
    /// The description, empty if the file has none.
    pub long_name: String,
    /// The CF standard name, empty if the file names none.
    pub standard_name: String,
    /// All attributes of the variable.
    pub variable: Attributes,
    /// All global attributes of the file.
    pub global: Attributes,
    /// The map projection, if the field names one.
    pub grid_mapping: Option<GridMapping>,
    /// The names of the two-dimensional variables of latitude and longitude, if the file has both.
    pub latitude_longitude: Option<(String, String)>,
}

/// A map projection as CF describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct GridMapping {
    /// The variable's name.
    pub variable: String,
    /// The projection's CF name, such as `azimuthal_equidistant`.
    pub name: String,
    /// The latitude of the origin in degrees north.
    pub origin_latitude: Option<f64>,
    /// The longitude of the origin in degrees east.
    pub origin_longitude: Option<f64>,
    /// The Earth's radius in metres.
    pub earth_radius: Option<f64>,
    /// All attributes of the variable.
    pub attributes: Attributes,
}

/// Collects the descriptive attributes of a field.
pub(super) fn describe(header: &Header, field: &Variable) -> FieldAttributes {
    let text = |name| field.attributes.text(name).unwrap_or_default().trim().to_owned();
    FieldAttributes {
        units: text("units"),
        long_name: text("long_name"),
        standard_name: text("standard_name"),
        variable: field.attributes.clone(),
        global: header.attributes.clone(),
        grid_mapping: grid_mapping(header, field),
        latitude_longitude: latitude_longitude(header, field),
    }
}

fn grid_mapping(header: &Header, field: &Variable) -> Option<GridMapping> {
    // The extended form is "crs: x y"; the mapping is the first word.
    let name = field.attributes.text("grid_mapping")?.split([' ', ':']).next()?;
    let variable = header.variables.get(header.find(name)?)?;
    let attributes = &variable.attributes;
    let first = |names: [&str; 3]| names.iter().find_map(|name| attributes.number(name));
    Some(GridMapping {
        variable: variable.name.clone(),
        name: attributes.text("grid_mapping_name").unwrap_or_default().to_owned(),
        origin_latitude: attributes.number("latitude_of_projection_origin"),
        origin_longitude: first([
            "longitude_of_projection_origin",
            "longitude_of_central_meridian",
            "straight_vertical_longitude_from_pole",
        ]),
        earth_radius: first(["earth_radius", "semi_major_axis", "semi_minor_axis"]),
        attributes: attributes.clone(),
    })
}

/// The two-dimensional latitude and longitude over the field's rows and columns.
fn latitude_longitude(header: &Header, field: &Variable) -> Option<(String, String)> {
    let listed = listed_coordinates(header, field);
    let plane = |units: &str, standard_name: &str| {
        let fits = |index: &&usize| {
            let Some(variable) = header.variables.get(**index) else { return false };
            let text = |name| variable.attributes.text(name).unwrap_or_default();
            variable.dimensions.len() == 2
                && variable.dimensions.iter().all(|dimension| field.dimensions.contains(dimension))
                && (text("units").starts_with(units) || text("standard_name") == standard_name)
        };
        let all: Vec<usize> = (0..header.variables.len()).collect();
        let found = listed.iter().find(fits).or_else(|| all.iter().find(fits))?;
        Some(header.variables.get(*found)?.name.clone())
    };
    Some((plane("degrees_north", "latitude")?, plane("degrees_east", "longitude")?))
}
