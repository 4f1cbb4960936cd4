//! Which dimension of a field is time, which is level, row and column: by CF attributes, then by order. Never by name,
//! as names differ between writers (`x0`, `longitude`, `x`). The numbers along an axis are read in `grid`.

use super::header::{Attributes, Header, Variable};

/// What a dimension counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Columns.
    X,
    /// Rows.
    Y,
    /// Levels.
    Z,
    /// Frames.
    Time,
    /// Nothing of interest: a dimension of length 1, such as the member of an ensemble.
    Single,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::X => "columns",
            Self::Y => "rows",
            Self::Z => "levels",
            Self::Time => "times",
            Self::Single => "nothing",
        }
    }
}

/// A dimension of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldDimension {
    /// What it counts.
    pub role: Role,
    /// Its length.
    pub len: u64,
    /// Its name.
    pub name: String,
    /// The variable that holds its coordinates, as an index into [`Header::variables`].
    pub coordinate: Option<usize>,
}

/// Assigns a role to each dimension of a field. `frame_has_time` says that the time is known from elsewhere, so that a
/// lone unknown dimension in front of rows and columns counts levels.
///
/// # Errors
/// A text that says what is wrong with the dimensions, as the end of a sentence about the variable.
pub(super) fn assign(header: &Header, field: &Variable, time_is_known: bool) -> Result<Vec<FieldDimension>, String> {
    let mut roles = Vec::new();
    let mut dimensions = Vec::new();
    for &id in &field.dimensions {
        let Some(dimension) = header.dimensions.get(id) else { continue };
        let coordinate = coordinate_variable(header, field, id);
        let attributes = coordinate.and_then(|index| header.variables.get(index)).map(|variable| &variable.attributes);
        roles.push(attributes.and_then(role_of));
        let (len, name) = (dimension.len, dimension.name.clone());
        dimensions.push((FieldDimension { role: Role::Single, len, name, coordinate }, dimension.unlimited));
    }
    drop_repeated_singles(&mut roles, &dimensions)?;
    fill_by_order(&mut roles, &dimensions, time_is_known);
    for role in [Role::Y, Role::X] {
        if !roles.contains(&Some(role)) {
            return Err(format!(
                "has the dimensions {}, none of which counts {}; a field needs (y, x), (z, y, x), (time, y, x) or (time, z, y, x), with coordinates x and y in km or m",
                describe(&dimensions),
                role.name()
            ));
        }
    }
    if let Some(extra) = (0..roles.len()).find(|&i| roles[i].is_none() && dimensions[i].0.len != 1) {
        return Err(format!(
            "has the dimensions {}, of which \"{}\" is none of time, level, row and column; select one index of it first",
            describe(&dimensions),
            dimensions[extra].0.name
        ));
    }
    let assigned = dimensions.into_iter().zip(roles);
    Ok(assigned
        .map(|((dimension, _), role)| FieldDimension { role: role.unwrap_or(Role::Single), ..dimension })
        .collect())
}

fn describe(dimensions: &[(FieldDimension, bool)]) -> String {
    let parts: Vec<String> = dimensions.iter().map(|(d, _)| format!("{} = {}", d.name, d.len)).collect();
    format!("({})", parts.join(", "))
}

/// Two dimensions may claim the same role, such as a forecast's reference time and its valid time. One of length 1 then
/// loses it.
fn drop_repeated_singles(roles: &mut [Option<Role>], dimensions: &[(FieldDimension, bool)]) -> Result<(), String> {
    for role in [Role::X, Role::Y, Role::Z, Role::Time] {
        let mut claims: Vec<usize> = (0..roles.len()).filter(|&i| roles[i] == Some(role)).collect();
        while claims.len() > 1 {
            let Some(place) = claims.iter().rposition(|&i| dimensions[i].0.len == 1) else {
                let names: Vec<&str> = claims.iter().map(|&i| dimensions[i].0.name.as_str()).collect();
                return Err(format!(
                    "has two dimensions of {}, {}; select one index of the other first",
                    role.name(),
                    names.join(" and ")
                ));
            };
            roles[claims.remove(place)] = Some(Role::Single);
        }
    }
    Ok(())
}

/// The roles that no attribute gives, from the last dimension to the first: columns, rows, levels, times.
fn fill_by_order(roles: &mut [Option<Role>], dimensions: &[(FieldDimension, bool)], time_is_known: bool) {
    let mut free: Vec<Role> =
        [Role::X, Role::Y, Role::Z, Role::Time].into_iter().filter(|role| !roles.contains(&Some(*role))).collect();
    for place in (0..roles.len()).rev().filter(|&place| roles[place].is_none()).collect::<Vec<_>>() {
        let unknown_in_front = (0..place).any(|earlier| roles[earlier].is_none());
        let (dimension, unlimited) = &dimensions[place];
        let choice = match free[..] {
            [] => continue,
            // One dimension is left for levels or times.
            [Role::Z, Role::Time] if !unknown_in_front => {
                let counts_time = *unlimited || (dimension.len == 1 && !time_is_known);
                usize::from(counts_time)
            }
            _ => 0,
        };
        roles[place] = Some(free.remove(choice));
    }
}

/// The one-dimensional variable that holds the coordinates along a dimension: the one with its name, else one that says
/// what it is, those that the field names in `coordinates` first.
fn coordinate_variable(header: &Header, field: &Variable, dimension: usize) -> Option<usize> {
    let name = &header.dimensions.get(dimension)?.name;
    let along =
        |index: &usize| header.variables.get(*index).is_some_and(|v| v.dimensions == [dimension] && v.kind.is_number());
    let named = header.find(name).filter(along);
    let listed = listed_coordinates(header, field).into_iter().find(along);
    let described = || {
        let says = |index: &usize| header.variables.get(*index).is_some_and(|v| role_of(&v.attributes).is_some());
        (0..header.variables.len()).find(|index| along(index) && says(index))
    };
    named.or(listed).or_else(described)
}

/// The variables that a field names in its `coordinates` attribute.
pub(super) fn listed_coordinates(header: &Header, field: &Variable) -> Vec<usize> {
    let names = field.attributes.text("coordinates").unwrap_or_default();
    names.split_whitespace().filter_map(|name| header.find(name)).collect()
}

/// What the attributes of a coordinate variable say that it counts.
pub(super) fn role_of(attributes: &Attributes) -> Option<Role> {
    let text = |name| attributes.text(name).unwrap_or_default().trim();
    by_axis(text("axis"))
        .or_else(|| by_standard_name(text("standard_name")))
        .or_else(|| by_units(text("units")))
        .or_else(|| matches!(text("positive").to_ascii_lowercase().as_str(), "up" | "down").then_some(Role::Z))
}

fn by_axis(axis: &str) -> Option<Role> {
    match axis {
        "X" | "x" => Some(Role::X),
        "Y" | "y" => Some(Role::Y),
        "Z" | "z" => Some(Role::Z),
        "T" | "t" => Some(Role::Time),
        _ => None,
    }
}

fn by_standard_name(name: &str) -> Option<Role> {
    match name {
        "projection_x_coordinate" | "longitude" | "grid_longitude" | "projection_x_angular_coordinate" => Some(Role::X),
        "projection_y_coordinate" | "latitude" | "grid_latitude" | "projection_y_angular_coordinate" => Some(Role::Y),
        "altitude" | "air_pressure" | "depth" | "model_level_number" | "geopotential_height" => Some(Role::Z),
        "time" => Some(Role::Time),
        _ if name == "height" || name.starts_with("height_above_") || name.starts_with("atmosphere_") => Some(Role::Z),
        _ => None,
    }
}

fn by_units(units: &str) -> Option<Role> {
    match units {
        "degrees_east" | "degree_east" | "degree_E" | "degrees_E" | "degreeE" | "degreesE" => Some(Role::X),
        "degrees_north" | "degree_north" | "degree_N" | "degrees_N" | "degreeN" | "degreesN" => Some(Role::Y),
        "Pa" | "hPa" | "mb" | "mbar" | "millibar" | "bar" | "atm" => Some(Role::Z),
        _ if super::time::looks_like_time(units) => Some(Role::Time),
        _ => None,
    }
}
