// The C libraries that decode and encode images: libwebp, libavif, libheif, libde265, giflib and libtiff as they are, and libjpeg-turbo
// and libpng through the functions below. Those two report errors by longjmp, which must not cross Swift code.
#ifndef CIMAGECODECS_H
#define CIMAGECODECS_H

#include <avif/avif.h>
#include <gif_lib.h>
#include <libde265/de265.h>
#include <libheif/heif.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>
#include <webp/decode.h>
#include <webp/encode.h>

/// How a call to libjpeg or libpng ended.
typedef enum {
    CODEC_OK = 0,
    /// The file contradicts itself.
    CODEC_CORRUPT,
    /// The file ends before the image does.
    CODEC_TRUNCATED,
    /// The library does not decode files of this kind.
    CODEC_UNSUPPORTED,
    /// The file's size is not the one that the caller expects.
    CODEC_OTHER_SIZE,
    CODEC_NO_MEMORY,
} CodecStatus;

/// What the library says where a call did not end well.
typedef struct {
    char text[256];
} CodecMessage;

/// What the header of a JPEG file says.
typedef struct {
    uint32_t width;
    uint32_t height;
    int32_t components;
    /// Memory that a file of several scans takes for its coefficients while it is decoded; 0 for other files.
    uint64_t coefficient_bytes;
} JPEGHeader;

/// Reads the header of a JPEG file up to its first scan.
CodecStatus jpeg_file_header(const uint8_t *file, size_t length, JPEGHeader *header, CodecMessage *message);

/// Decodes a JPEG file of `width` x `height` pixels, reduced by 1, 2, 4 or 8 while decoding, with the accurate transform.
/// Writes three bytes a pixel, or, for a file of four components, four: the inks as the file stores them.
CodecStatus jpeg_file_decode(
    const uint8_t *file, size_t length, uint32_t width, uint32_t height, uint32_t divisor, uint8_t *pixels, size_t capacity,
    CodecMessage *message);

/// Encodes RGB pixels as a JPEG file with the accurate transform. The caller frees `*file` by `free`.
CodecStatus jpeg_file_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int32_t quality, uint8_t **file, unsigned long *length,
    CodecMessage *message);

/// Decodes a PNG file of `width` x `height` pixels into three bytes a pixel: the colors as they are stored, those of transparent
/// pixels too; the more significant byte of 16 bits.
CodecStatus png_file_decode(
    const uint8_t *file, size_t length, uint32_t width, uint32_t height, uint8_t *pixels, size_t capacity, CodecMessage *message);

/// Kinds of pixels that PNG files are written with; the number is that of bytes a pixel.
typedef enum { PNG_FILE_GRAY = 1, PNG_FILE_GRAY16 = 2, PNG_FILE_RGB = 3, PNG_FILE_RGBA = 4 } PNGFileKind;

/// Encodes pixels as a PNG file; 16-bit values are in the machine's byte order. The caller frees `*file` by `free`.
CodecStatus png_file_encode(
    const void *pixels, uint32_t width, uint32_t height, PNGFileKind kind, uint8_t **file, size_t *length, CodecMessage *message);

/// Inflates a zlib stream into at most `capacity` bytes; returns how many there are, or -1 where the stream is damaged.
ptrdiff_t zlib_inflate(const uint8_t *stream, size_t length, uint8_t *output, size_t capacity);

/// How an AVIF image is to be turned, by its `irot` and `imir` properties, as an EXIF orientation.
int32_t avif_image_orientation(const avifImage *image);

#endif
