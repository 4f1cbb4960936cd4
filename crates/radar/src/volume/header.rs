//! The header of a netCDF file in any format: dimensions, variables, attributes. Not their data.

/// The type of a variable's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Signed byte.
    I8,
    /// Unsigned byte.
    U8,
    /// Signed 16 bits.
    I16,
    /// Unsigned 16 bits.
    U16,
    /// Signed 32 bits.
    I32,
    /// Unsigned 32 bits.
    U32,
    /// Signed 64 bits.
    I64,
    /// Unsigned 64 bits.
    U64,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// Characters or strings.
    Text,
    /// A user-defined type.
    Other,
}

impl Kind {
    /// The bytes of one number; 1 for characters.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Text | Self::Other => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Whether the numbers are whole.
    #[must_use]
    pub fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64 | Self::Text | Self::Other)
    }

    /// Whether these are numbers at all.
    #[must_use]
    pub fn is_number(self) -> bool {
        !matches!(self, Self::Text | Self::Other)
    }

    /// The name of the type as netCDF tools print it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::I8 => "byte",
            Self::U8 => "ubyte",
            Self::I16 => "short",
            Self::U16 => "ushort",
            Self::I32 => "int",
            Self::U32 => "uint",
            Self::I64 => "int64",
            Self::U64 => "uint64",
            Self::F32 => "float",
            Self::F64 => "double",
            Self::Text => "text",
            Self::Other => "a user-defined type",
        }
    }
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// Text, without the zero bytes that some writers append.
    Text(String),
    /// One or more numbers, and the type they are stored in.
    Numbers {
        /// The stored type.
        kind: Kind,
        /// The numbers, widened.
        values: Vec<f64>,
    },
}

/// Attributes in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(pub Vec<(String, AttributeValue)>);

impl Attributes {
    /// The attribute of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of the attribute of that name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            AttributeValue::Text(text) => Some(text),
            AttributeValue::Numbers { .. } => None,
        }
    }

    /// The numbers of the attribute of that name.
    #[must_use]
    pub fn numbers(&self, name: &str) -> Option<&[f64]> {
        match self.get(name)? {
            AttributeValue::Numbers { values, .. } => Some(values),
            AttributeValue::Text(_) => None,
        }
    }

    /// The only number of the attribute of that name.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers(name)?.first().copied()
    }
}

/// A dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// Its current length.
    pub len: u64,
    /// Whether it can grow.
    pub unlimited: bool,
}

/// A variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its dimensions, as indices into [`Header::dimensions`], slowest first.
    pub dimensions: Vec<usize>,
    /// The stored type.
    pub kind: Kind,
    /// Its attributes.
    pub attributes: Attributes,
}

/// Everything a file says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// The dimensions.
    pub dimensions: Vec<Dimension>,
    /// The variables of the root group.
    pub variables: Vec<Variable>,
    /// The global attributes.
    pub attributes: Attributes,
}

impl Header {
    /// The index of the variable of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|variable| variable.name == name)
    }

    /// The lengths of a variable's dimensions, slowest first.
    #[must_use]
    pub fn shape(&self, variable: &Variable) -> Vec<u64> {
        variable.dimensions.iter().filter_map(|&dimension| self.dimensions.get(dimension)).map(|d| d.len).collect()
    }

    /// How many numbers a variable holds.
    #[must_use]
    pub fn count(&self, variable: &Variable) -> u64 {
        self.shape(variable).into_iter().fold(1, u64::saturating_mul)
    }
}
