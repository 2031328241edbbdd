#include "CImageCodecs.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <zlib.h>

// Bytes that libpng reads one after the other, and where its errors lead.
typedef struct {
    const uint8_t *file;
    size_t length;
    size_t at;
    jmp_buf start;
    CodecMessage *message;
    CodecStatus status;
    png_structp png;
    png_infop info;
    png_bytep *rows;
} Source;

static void fail(png_structp png, png_const_charp text) {
    Source *source = png_get_error_ptr(png);
    snprintf(source->message->text, sizeof source->message->text, "%s", text);
    if (source->status == CODEC_OK) source->status = CODEC_CORRUPT;
    longjmp(source->start, 1);
}

static void be_silent(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep output, size_t count) {
    Source *source = png_get_io_ptr(png);
    if (count > source->length - source->at) {
        source->status = CODEC_TRUNCATED;
        png_error(png, "it ends before its pixels do");
    }
    memcpy(output, source->file + source->at, count);
    source->at += count;
}

// Everything between the first call that may fail and the last one; it returns, or jumps to `source->start`.
static void decode(Source *source, uint32_t width, uint32_t height, uint8_t *pixels, size_t capacity) {
    // None of these changes a stored color. Comments and profiles may be compressed, kilobytes that become megabytes.
    static const png_byte ignored[] =
        "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0tRNS\0zTXt";
    png_structp png = source->png;
    png_infop info = source->info = png_create_info_struct(png);
    if (info == NULL) png_error(png, "there is no memory for it");
    png_set_read_fn(png, source, read_bytes);
    png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, ignored, (int)(sizeof ignored / 5));
    png_read_info(png, info);
    if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height) {
        source->status = CODEC_OTHER_SIZE;
        return;
    }
    // The stream of the pixels has a checksum of its own, inside; other decoders ignore the outer one.
    png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    int kind = png_get_color_type(png, info);
    if (kind == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (kind == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
    if (png_get_bit_depth(png, info) == 16) png_set_strip_16(png);
    if (kind & PNG_COLOR_MASK_ALPHA) png_set_strip_alpha(png);
    if (!(kind & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = png_get_rowbytes(png, info);
    if (stride != 3 * (size_t)width || capacity / stride != height) {
        source->status = CODEC_OTHER_SIZE;
        return;
    }
    source->rows = malloc(height * sizeof(png_bytep));
    if (source->rows == NULL) png_error(png, "there is no memory for it");
    for (uint32_t y = 0; y < height; y++) source->rows[y] = pixels + y * stride;
    // What follows the pixels changes none of them, and is not read.
    png_read_image(png, source->rows);
}

CodecStatus png_file_decode(
    const uint8_t *file, size_t length, uint32_t width, uint32_t height, uint8_t *pixels, size_t capacity, CodecMessage *message) {
    Source source = {.file = file, .length = length, .message = message, .status = CODEC_OK};
    message->text[0] = 0;
    if (setjmp(source.start) == 0) {
        source.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, fail, be_silent);
        if (source.png == NULL) return CODEC_NO_MEMORY;
        decode(&source, width, height, pixels, capacity);
    }
    png_destroy_read_struct(&source.png, &source.info, NULL);
    free(source.rows);
    return source.status;
}

CodecStatus png_file_encode(
    const void *pixels, uint32_t width, uint32_t height, PNGFileKind kind, uint8_t **file, size_t *length, CodecMessage *message) {
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = width;
    image.height = height;
    switch (kind) {
    case PNG_FILE_GRAY: image.format = PNG_FORMAT_GRAY; break;
    case PNG_FILE_GRAY16: image.format = PNG_FORMAT_LINEAR_Y; break;
    case PNG_FILE_RGB: image.format = PNG_FORMAT_RGB; break;
    case PNG_FILE_RGBA: image.format = PNG_FORMAT_RGBA; break;
    }
    message->text[0] = 0;
    *file = NULL;
    *length = 0;
    png_alloc_size_t size = 0;
    if (png_image_write_to_memory(&image, NULL, &size, 0, pixels, 0, NULL)) {
        *file = malloc(size);
        if (*file == NULL) return CODEC_NO_MEMORY;
        if (png_image_write_to_memory(&image, *file, &size, 0, pixels, 0, NULL)) {
            *length = size;
            return CODEC_OK;
        }
    }
    snprintf(message->text, sizeof message->text, "%s", image.message);
    free(*file);
    *file = NULL;
    return CODEC_CORRUPT;
}

ptrdiff_t zlib_inflate(const uint8_t *stream, size_t length, uint8_t *output, size_t capacity) {
    if (length > UINT32_MAX || capacity > UINT32_MAX) return -1;
    z_stream z;
    memset(&z, 0, sizeof z);
    z.next_in = (Bytef *)stream;
    z.avail_in = (uInt)length;
    z.next_out = output;
    z.avail_out = (uInt)capacity;
    if (inflateInit(&z) != Z_OK) return -1;
    int status = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return status == Z_STREAM_END || status == Z_BUF_ERROR ? (ptrdiff_t)(capacity - z.avail_out) : -1;
}
