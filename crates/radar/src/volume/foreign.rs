//! Formats of radar data that are known and not read: each is named, with what converts it.

use std::path::Path;

use super::error::VolumeError;
use super::header::Header;

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    name: &'static str,
    remedy: &'static str,
}

const fn foreign(name: &'static str, remedy: &'static str) -> Foreign {
    Foreign { name, remedy }
}

const POLAR: &str = "put it on a grid in km with LROSE's Radx2Grid or with Py-ART, and write that as netCDF";
const GRIB_REMEDY: &str = "convert it to netCDF with `wgrib2 FILE -netcdf FILE.nc` or `cdo -f nc4 copy FILE FILE.nc`";

const ODIM: Foreign =
    foreign("ODIM HDF5", "read it with wradlib or xradar, put it on a grid in km, and write that as netCDF");
const KNMI: Foreign =
    foreign("KNMI HDF5", "read it with h5py or wradlib, and write its images as netCDF with x, y and time");
const NEXRAD: Foreign = foreign("NEXRAD level II", POLAR);
const NEXRAD_3: Foreign = foreign("NEXRAD level III", POLAR);
const MRMS: Foreign = foreign("GRIB2 of MRMS", GRIB_REMEDY);
const GRIB: Foreign = foreign("GRIB", GRIB_REMEDY);
const BUFR: Foreign = foreign("BUFR", "convert it to netCDF with ecCodes or wradlib");
const MDV: Foreign = foreign("MDV", "convert it to netCDF with LROSE's Mdv2NetCDF");
const SIGMET: Foreign = foreign("IRIS/Sigmet raw data", POLAR);
const UNIVERSAL: Foreign = foreign("the Universal Format of radars", POLAR);
const CFRADIAL: Foreign = foreign("CfRadial: sweeps along beams, not a grid", POLAR);

impl Foreign {
    /// The format that a file's first bytes say.
    pub fn by_first_bytes(first: &[u8]) -> Option<Self> {
        Some(match first {
            [b'A', b'R', b'2', b'V', ..] | [b'A', b'R', b'C', b'H', b'I', b'V', b'E', b'2', ..] => NEXRAD,
            [b'S', b'D', b'U', b'S', ..] => NEXRAD_3,
            // Edition 2, discipline 209: products of the Multi-Radar/Multi-Sensor System.
            [b'G', b'R', b'I', b'B', _, _, 209, 2, ..] => MRMS,
            [b'G', b'R', b'I', b'B', ..] => GRIB,
            [b'B', b'U', b'F', b'R', ..] => BUFR,
            // The length of the header, and the number that it begins with.
            [0, 0, 3, 248, 0, 0, 0x37, 0x3E, ..] => MDV,
            [27, 0, _, 0, ..] => SIGMET,
            [b'U', b'F', ..] | [_, _, _, _, b'U', b'F', ..] => UNIVERSAL,
            _ => return None,
        })
    }

    /// The format that the names in the root of an HDF5 file say.
    pub fn by_root(has: impl Fn(&str) -> bool) -> Option<Self> {
        match () {
            () if has("what") && has("dataset1") => Some(ODIM),
            () if has("overview") && has("image1") => Some(KNMI),
            () => None,
        }
    }

    /// The format that the dimensions of a netCDF file say.
    pub fn by_dimensions(header: &Header) -> Option<Self> {
        let has = |name: &str| header.dimensions.iter().any(|dimension| dimension.name == name);
        (has("range") && has("time") && has("sweep")).then_some(CFRADIAL)
    }

    pub fn at(self, path: &Path) -> VolumeError {
        VolumeError::Foreign { path: path.to_owned(), format: self.name.to_owned(), remedy: self.remedy.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_named_by_their_first_bytes() {
        for (first, name) in [
            (&b"AR2V0006.001"[..], "NEXRAD level II"),
            (b"ARCHIVE2.001", "NEXRAD level II"),
            (b"SDUS53 KDMX 011200", "NEXRAD level III"),
            (b"GRIB\0\0\xd1\x02\0\0", "GRIB2 of MRMS"),
            (b"GRIB\0\0\x00\x02\0\0", "GRIB"),
            (b"\0\0\x03\xf8\0\0\x37\x3e\0\0", "MDV"),
            (b"\x1b\x00\x08\x00\x00", "IRIS/Sigmet raw data"),
        ] {
            assert_eq!(Foreign::by_first_bytes(first).map(|format| format.name), Some(name));
        }
        assert_eq!(Foreign::by_first_bytes(b"CDF\x01"), None);
    }

    #[test]
    fn formats_are_named_by_their_groups() {
        let root = |names: &'static [&str]| Foreign::by_root(|name| names.contains(&name)).map(|format| format.name);
        assert_eq!(root(&["what", "where", "how", "dataset1"]), Some("ODIM HDF5"));
        assert_eq!(root(&["overview", "image1", "geographic"]), Some("KNMI HDF5"));
        assert_eq!(root(&["DBZ", "x0", "y0", "what"]), None);
    }
}
