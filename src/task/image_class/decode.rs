//! From the bytes of an image file to gray levels. It decides nothing about the dataset: size and whether to invert are the caller's
//! decisions.

pub use fragua_objects::decode::is_image;
use fragua_objects::decode::upright;
use image::DynamicImage;

use super::fit::Gray;

/// Brings the bytes of an image file to gray, upright as its EXIF data says; what is transparent becomes the gray level of the
/// ground. Of several pictures in a file it is the first.
///
/// # Errors
/// The reason for which the bytes are not an image of a known format, as a fragment.
pub fn decode(bytes: &[u8], ground: u8) -> Result<Gray, String> {
    let image = upright(bytes)?;
    let (rows, columns) = (image.height() as usize, image.width() as usize);
    Ok(Gray { rows, columns, levels: gray(image, ground) })
}

fn gray(image: DynamicImage, ground: u8) -> Vec<u8> {
    match image {
        DynamicImage::ImageLuma8(image) => image.into_raw(),
        image if image.color().has_alpha() => {
            image.to_luma_alpha8().pixels().map(|pixel| over(ground, pixel.0)).collect()
        }
        image => image.into_luma8().into_raw(),
    }
}

fn over(ground: u8, [level, alpha]: [u8; 2]) -> u8 {
    let (ground, level, alpha) = (u32::from(ground), u32::from(level), u32::from(alpha));
    ((level * alpha + ground * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::codecs::{bmp, gif, jpeg, png, tiff, webp};
    use image::{ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};

    use super::*;

    fn decode(bytes: &[u8]) -> Result<Gray, String> {
        super::decode(bytes, 255)
    }

    fn levels() -> Vec<u8> {
        (0..48).map(|place| place * 5).collect()
    }

    fn written(write: impl FnOnce(&mut Cursor<Vec<u8>>) -> image::ImageResult<()>) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        write(&mut bytes).unwrap();
        bytes.into_inner()
    }

    fn png_of(levels: &[u8], kind: ExtendedColorType, [columns, rows]: [u32; 2]) -> Vec<u8> {
        written(|out| png::PngEncoder::new(out).write_image(levels, columns, rows, kind))
    }

    fn gray(rows: usize, columns: usize, levels: &[u8]) -> Gray {
        Gray { rows, columns, levels: levels.to_vec() }
    }

    #[test]
    fn what_is_transparent_is_the_ground() {
        assert_eq!(
            [over(255, [0, 255]), over(255, [0, 0]), over(255, [100, 255]), over(255, [0, 51])],
            [0, 255, 100, 204]
        );
        let bytes = png_of(&[10, 20, 30, 0, 9, 9, 9, 255], ExtendedColorType::Rgba8, [2, 1]);
        assert_eq!(decode(&bytes).unwrap().levels, [255, 9]);
        assert_eq!(super::decode(&bytes, 0).unwrap().levels, [0, 9]);
    }

    #[test]
    fn bytes_that_are_no_image_are_refused_with_the_reason() {
        assert!(decode(b"not a picture").unwrap_err().contains("is not an image, expected PNG, JPEG"));
        assert!(decode(b"\x89PNG\r\n\x1a\nbroken").unwrap_err().contains("can't be decoded"));
        assert_eq!(decode(b"").unwrap_err(), "is empty");
        assert!(decode(b"DDS \x7c\0\0\0").unwrap_err().contains("format Dds, expected PNG"));
        assert!(is_image(b"GIF89a") && is_image(b"BM") && !is_image(b"PK\x03\x04") && !is_image(b"5,0,0"));
    }

    #[test]
    fn every_format_is_decoded_to_the_levels_it_was_made_of() {
        let (all, kind) = (levels(), ExtendedColorType::L8);
        let color: Vec<u8> = all.iter().flat_map(|level| [*level; 3]).collect();
        let files = [
            png_of(&all, kind, [8, 6]),
            written(|out| bmp::BmpEncoder::new(out).encode(&all, 8, 6, kind)),
            written(|out| tiff::TiffEncoder::new(out).write_image(&all, 8, 6, kind)),
            written(|out| webp::WebPEncoder::new_lossless(out).encode(&color, 8, 6, ExtendedColorType::Rgb8)),
            written(|out| gif::GifEncoder::new(out).encode(&color, 8, 6, ExtendedColorType::Rgb8)),
        ];
        for bytes in files {
            assert_eq!(decode(&bytes), Ok(gray(6, 8, &all)), "{:?}", image::guess_format(&bytes));
            assert!(decode(&bytes[..bytes.len() / 2]).is_err(), "{:?} cut", image::guess_format(&bytes));
        }
    }

    #[test]
    fn a_jpeg_is_close_and_one_that_is_cut_is_refused() {
        let bytes =
            written(|out| jpeg::JpegEncoder::new_with_quality(out, 100).encode(&levels(), 8, 6, ExtendedColorType::L8));
        let image = decode(&bytes).unwrap();
        let off = image.levels.iter().zip(levels()).map(|(got, level)| got.abs_diff(level)).max();
        assert!((image.rows, image.columns) == (6, 8) && off <= Some(3), "{off:?}");
        assert!(decode(&bytes[..bytes.len() - 10]).unwrap_err().contains("cut off"));
    }

    #[test]
    fn sixteen_bits_one_bit_and_color_become_256_levels() {
        let deep: Vec<u8> = [0_u16, 257, 32_896, 65_535].iter().flat_map(|level| level.to_ne_bytes()).collect();
        assert_eq!(decode(&png_of(&deep, ExtendedColorType::L16, [4, 1])).unwrap().levels, [0, 1, 128, 255]);
        let packed = |color: ::png::ColorType, palette: Option<&[u8]>| {
            let mut bytes = Vec::new();
            let mut encoder = ::png::Encoder::new(&mut bytes, 8, 1);
            encoder.set_color(color);
            encoder.set_depth(::png::BitDepth::One);
            if let Some(palette) = palette {
                encoder.set_palette(palette.to_vec());
            }
            encoder.write_header().unwrap().write_image_data(&[0b1010_0001]).unwrap();
            decode(&bytes).unwrap().levels
        };
        assert_eq!(packed(::png::ColorType::Grayscale, None), [255, 0, 255, 0, 0, 0, 0, 255]);
        let palette = [9, 9, 9, 200, 200, 200];
        assert_eq!(packed(::png::ColorType::Indexed, Some(&palette)), [200, 9, 200, 9, 9, 9, 9, 200]);
        let color = RgbImage::from_pixel(1, 1, Rgb([255, 0, 0]));
        assert_eq!(decode(&written(|out| color.write_to(out, ImageFormat::Png))).unwrap().levels, [54]);
    }

    #[test]
    fn exif_turns_an_image_upright() {
        let mut bytes = written(|out| {
            jpeg::JpegEncoder::new_with_quality(out, 100).encode(&[0, 0, 255, 255], 4, 1, ExtendedColorType::L8)
        });
        // The segment APP1 after the first two bytes: little-endian TIFF with one entry, orientation 6 (turn right).
        let tiff = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let segment = [&[0xFF, 0xE1, 0, tiff.len() as u8 + 2], tiff.as_slice()].concat();
        bytes.splice(2..2, segment);
        let image = decode(&bytes).unwrap();
        assert_eq!((image.rows, image.columns), (4, 1));
        assert!(image.levels[0] < 60 && image.levels[3] > 200, "{:?}", image.levels);
    }
}
