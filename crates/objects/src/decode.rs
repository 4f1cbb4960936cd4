//! From the bytes of an image file to pixels, upright as its EXIF data says, for every format that is read. What colors become is
//! the caller's decision, but for [`picture`].

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Rgba};

use crate::picture::Picture;

/// The largest image that is decoded: 64 million pixels.
pub const MOST_PIXELS: u64 = 1 << 26;

/// What is read, by the first bytes of a file: a name may be wrong.
const FORMATS: [ImageFormat; 6] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Gif];

/// The same, for people.
const EXPECTED: &str = "expected PNG, JPEG, BMP, WebP, TIFF or GIF";

/// Whether bytes begin as an image of a format that is read.
#[must_use]
pub fn is_image(head: &[u8]) -> bool {
    image::guess_format(head).is_ok_and(|format| FORMATS.contains(&format))
}

/// The image in the bytes of a file, upright. Of several pictures in a file it is the first.
///
/// # Errors
/// The reason for which the bytes are not an image of a known format, as a fragment.
pub fn upright(bytes: &[u8]) -> Result<DynamicImage, String> {
    let (format, mut decoder) = open(bytes)?;
    // A file that says nothing, or nonsense, is as it is.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    if format == ImageFormat::Jpeg && is_cut(bytes) {
        return Err("can't be decoded: the file is cut off".to_owned());
    }
    image.apply_orientation(orientation);
    match image.width() * image.height() {
        0 => Err(format!("has {} x {} pixels", image.width(), image.height())),
        _ => Ok(image),
    }
}

/// Width and height of the upright image, without its pixels.
///
/// # Errors
/// As [`upright`].
pub fn size(bytes: &[u8]) -> Result<[usize; 2], String> {
    let (_, mut decoder) = open(bytes)?;
    let (width, height) = decoder.dimensions();
    let is_turned = matches!(
        decoder.orientation().unwrap_or(Orientation::NoTransforms),
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    let size = [width as usize, height as usize];
    Ok(if is_turned { [size[1], size[0]] } else { size })
}

/// The image as red, green and blue. What is transparent becomes black, as programs see it that ignore transparency and save black
/// below it.
///
/// # Errors
/// As [`upright`].
pub fn picture(bytes: &[u8]) -> Result<Picture, String> {
    let image = upright(bytes)?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let rgb = match image {
        DynamicImage::ImageRgb8(image) => image.into_raw(),
        image if image.color().has_alpha() => image.to_rgba8().pixels().flat_map(over_black).collect(),
        image => image.into_rgb8().into_raw(),
    };
    Ok(Picture { width, height, rgb })
}

fn over_black(pixel: &Rgba<u8>) -> [u8; 3] {
    let [red, green, blue, alpha] = pixel.0;
    [red, green, blue].map(|level| ((u16::from(level) * u16::from(alpha) + 127) / 255) as u8)
}

fn open(bytes: &[u8]) -> Result<(ImageFormat, impl ImageDecoder + '_), String> {
    let format = match image::guess_format(bytes) {
        Ok(format) if FORMATS.contains(&format) => format,
        Ok(format) => return Err(format!("is an image of the format {format:?}, {EXPECTED}")),
        Err(_) if bytes.is_empty() => return Err("is empty".to_owned()),
        Err(_) => return Err(format!("is not an image, {EXPECTED}")),
    };
    let decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!("has {width} x {height} pixels, expected at most {MOST_PIXELS} in all"));
    }
    Ok((format, decoder))
}

fn failed(error: image::ImageError) -> String {
    format!("can't be decoded: {}", error.to_string().trim_end())
}

/// Whether a JPEG file has no end: the decoder fills what is missing with gray. Within compressed data these marks can't occur.
fn is_cut(bytes: &[u8]) -> bool {
    let last = |mark: [u8; 2]| memchr::memmem::rfind(bytes, &mark);
    last([0xFF, 0xD9]) < last([0xFF, 0xDA])
}

#[cfg(test)]
mod tests {
    use image::codecs::{jpeg, png};
    use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};

    use super::*;

    fn colored() -> RgbImage {
        RgbImage::from_fn(8, 4, |x, y| Rgb([30 * x as u8, 60 * y as u8, 7]))
    }

    fn written(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        colored().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn every_format_gives_the_colors_it_was_made_of() {
        for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP, ImageFormat::Gif] {
            let bytes = written(format);
            let found = picture(&bytes).unwrap();
            assert_eq!((found.width, found.height), (8, 4));
            assert_eq!((found.rgb, size(&bytes)), (colored().into_raw(), Ok([8, 4])), "{format:?}");
            assert!(picture(&bytes[..bytes.len() / 2]).is_err(), "{format:?} cut");
        }
    }

    #[test]
    fn what_is_transparent_is_black_and_gray_and_deep_colors_become_bytes() {
        let encoded = |levels: &[u8], kind| {
            let mut bytes = Vec::new();
            png::PngEncoder::new(&mut bytes).write_image(levels, 2, 1, kind).unwrap();
            picture(&bytes).unwrap().rgb
        };
        assert_eq!(encoded(&[10, 20, 30, 0, 200, 100, 50, 128], ExtendedColorType::Rgba8), [0, 0, 0, 100, 50, 25]);
        assert_eq!(encoded(&[9, 200], ExtendedColorType::L8), [9, 9, 9, 200, 200, 200]);
        let deep: Vec<u8> = [0_u16, 65_535].iter().flat_map(|level| level.to_ne_bytes()).collect();
        assert_eq!(encoded(&deep, ExtendedColorType::L16), [0, 0, 0, 255, 255, 255]);
    }

    /// A JPEG file whose left half is black, with this number of EXIF's orientation.
    fn turned(orientation: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        let levels: Vec<u8> = (0..16 * 8).map(|place| if place % 16 < 8 { 0 } else { 255 }).collect();
        jpeg::JpegEncoder::new_with_quality(&mut bytes, 100).encode(&levels, 16, 8, ExtendedColorType::L8).unwrap();
        // The segment APP1 after the first two bytes: little-endian TIFF with one entry.
        let tiff =
            [&b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..], &[orientation], b"\0\0\0\0\0\0\0"].concat();
        bytes.splice(2..2, [&[0xFF, 0xE1, 0, tiff.len() as u8 + 2], &tiff[..]].concat());
        bytes
    }

    #[test]
    fn exif_turns_an_image_upright_and_its_size_is_known_without_decoding() {
        for (orientation, size_of, dark) in [
            (1, [16, 8], [2, 4]),
            (2, [16, 8], [13, 4]),
            (3, [16, 8], [13, 4]),
            (4, [16, 8], [2, 4]),
            (5, [8, 16], [4, 2]),
            (6, [8, 16], [4, 2]),
            (7, [8, 16], [4, 13]),
            (8, [8, 16], [4, 13]),
        ] {
            let bytes = turned(orientation);
            let found = picture(&bytes).unwrap();
            assert_eq!(([found.width, found.height], size(&bytes)), (size_of, Ok(size_of)), "{orientation}");
            assert!(found.pixel(dark[0], dark[1])[0] < 60, "{orientation}");
            let [x, y] = [size_of[0] - 1 - dark[0], size_of[1] - 1 - dark[1]];
            assert!(found.pixel(x, y)[0] > 200, "{orientation}");
        }
    }

    #[test]
    fn bytes_that_are_no_image_are_refused_with_the_reason() {
        for (bytes, words) in [
            (&b""[..], "is empty"),
            (b"not a picture", "is not an image, expected PNG, JPEG"),
            (b"\x89PNG\r\n\x1a\nbroken", "can't be decoded"),
            (b"DDS \x7c\0\0\0", "format Dds, expected PNG"),
        ] {
            assert!(picture(bytes).unwrap_err().contains(words), "{bytes:?}");
            assert!(size(bytes).is_err());
        }
        let whole = turned(1);
        assert!(picture(&whole[..whole.len() - 4]).unwrap_err().contains("cut off"));
    }
}
