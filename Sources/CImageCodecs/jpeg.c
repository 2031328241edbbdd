#include "CImageCodecs.h"

#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>
#include <stdlib.h>

// A decompressor or compressor of libjpeg with an error handler that returns to where the work began.
typedef struct {
    struct jpeg_error_mgr errors;
    jmp_buf start;
    CodecMessage *message;
    // What the pixels are missing, if anything: the first warning that means lost image data.
    CodecStatus damage;
    // Whether the file ended before its end marker.
    int ended;
    // Where a compressor writes. libjpeg's own destination loses sight of the memory where more of it cannot be had.
    struct jpeg_destination_mgr output;
    uint8_t *buffer;
    size_t capacity;
} Session;

static CodecStatus status_of(int code) {
    switch (code) {
    case JERR_INPUT_EMPTY:
    case JERR_INPUT_EOF: return CODEC_TRUNCATED;
    case JERR_OUT_OF_MEMORY: return CODEC_NO_MEMORY;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED: return CODEC_UNSUPPORTED;
    default: return CODEC_CORRUPT;
    }
}

// The status of a call that failed. In a file that ends early libjpeg meets contradictions which the file does not have.
static CodecStatus ended_status(const Session *session) {
    CodecStatus status = status_of(session->errors.msg_code);
    return status == CODEC_CORRUPT && session->ended ? CODEC_TRUNCATED : status;
}

static void say(j_common_ptr info) {
    Session *session = info->client_data;
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    snprintf(session->message->text, sizeof session->message->text, "%s", text);
}

static void fail(j_common_ptr info) {
    Session *session = info->client_data;
    say(info);
    longjmp(session->start, 1);
}

// Of libjpeg's warnings these mean that image data is lost; all others, such as stray bytes between segments, wrong parameters of a
// sequential scan, or an unknown transform number of Adobe's, leave every pixel as it should be.
static void warn(j_common_ptr info, int level) {
    Session *session = info->client_data;
    if (level >= 0) return;
    info->err->num_warnings++;
    switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
        session->ended = 1;
        return;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
        if (session->damage != CODEC_OK) return;
        session->damage = info->err->msg_code == JWRN_HIT_MARKER ? CODEC_TRUNCATED : CODEC_CORRUPT;
        say(info);
        return;
    default: return;
    }
}

static void be_silent(j_common_ptr info) { (void)info; }

static struct jpeg_error_mgr *handler(Session *session, CodecMessage *message) {
    memset(session, 0, sizeof *session);
    session->message = message;
    message->text[0] = 0;
    jpeg_std_error(&session->errors);
    session->errors.error_exit = fail;
    session->errors.emit_message = warn;
    session->errors.output_message = be_silent;
    return &session->errors;
}

CodecStatus jpeg_file_header(const uint8_t *file, size_t length, JPEGHeader *header, CodecMessage *message) {
    Session session;
    struct jpeg_decompress_struct info;
    memset(&info, 0, sizeof info);
    info.err = handler(&session, message);
    info.client_data = &session;
    if (setjmp(session.start)) {
        CodecStatus status = ended_status(&session);
        jpeg_destroy_decompress(&info);
        return status;
    }
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, file, length);
    jpeg_read_header(&info, TRUE);
    header->width = info.image_width;
    header->height = info.image_height;
    header->components = info.num_components;
    header->coefficient_bytes = 0;
    if (jpeg_has_multiple_scans(&info))
        for (int i = 0; i < info.num_components; i++)
            header->coefficient_bytes +=
                (uint64_t)info.comp_info[i].width_in_blocks * info.comp_info[i].height_in_blocks * sizeof(JBLOCK);
    jpeg_destroy_decompress(&info);
    return CODEC_OK;
}

// Whether a file that ended before its end marker, or that has several scans, lacks some of its image data.
static CodecStatus missing(struct jpeg_decompress_struct *info, Session *session) {
    // Each component gets its quantization table when its first scan begins.
    for (int i = 0; i < info->num_components; i++)
        if (info->comp_info[i].quant_table == NULL) return session->ended ? CODEC_TRUNCATED : CODEC_CORRUPT;
    if (!session->ended) return CODEC_OK;
    // The arithmetic decoder reads zeros after the end of the file and says nothing.
    if (info->arith_code) return CODEC_TRUNCATED;
    if (info->progressive_mode && info->coef_bits != NULL)
        for (int i = 0; i < info->num_components; i++)
            for (int k = 0; k < DCTSIZE2; k++)
                if (info->coef_bits[i][k] != 0) return CODEC_TRUNCATED;
    return CODEC_OK;
}

CodecStatus jpeg_file_decode(
    const uint8_t *file, size_t length, uint32_t width, uint32_t height, uint32_t divisor, uint8_t *pixels, size_t capacity,
    CodecMessage *message) {
    Session session;
    struct jpeg_decompress_struct info;
    memset(&info, 0, sizeof info);
    info.err = handler(&session, message);
    info.client_data = &session;
    if (setjmp(session.start)) {
        CodecStatus status = ended_status(&session);
        jpeg_destroy_decompress(&info);
        return status;
    }
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, file, length);
    jpeg_read_header(&info, TRUE);
    if (info.image_width != width || info.image_height != height) {
        jpeg_destroy_decompress(&info);
        return CODEC_OTHER_SIZE;
    }
    info.scale_num = 1;
    info.scale_denom = divisor;
    info.dct_method = JDCT_ISLOW;
    info.out_color_space = info.num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&info);
    size_t stride = (size_t)info.output_width * (size_t)info.output_components;
    if (info.output_components != (info.num_components == 4 ? 4 : 3) || stride == 0 || info.output_height != capacity / stride ||
        capacity % stride != 0) {
        jpeg_destroy_decompress(&info);
        return CODEC_OTHER_SIZE;
    }
    CodecStatus status = missing(&info, &session);
    while (status == CODEC_OK && info.output_scanline < info.output_height) {
        JSAMPROW rows[16];
        JDIMENSION count = info.output_height - info.output_scanline;
        if (count > 16) count = 16;
        for (JDIMENSION i = 0; i < count; i++) rows[i] = pixels + (info.output_scanline + i) * stride;
        if (jpeg_read_scanlines(&info, rows, count) == 0) status = CODEC_TRUNCATED;
    }
    if (status == CODEC_OK) status = session.damage;
    if (status == CODEC_OK && session.ended) status = missing(&info, &session);
    if (status != CODEC_OK && message->text[0] == 0) snprintf(message->text, sizeof message->text, "Premature end of JPEG file");
    jpeg_destroy_decompress(&info);
    return status;
}

static void begin_output(j_compress_ptr info) {
    Session *session = info->client_data;
    session->capacity = 1 << 16;
    session->buffer = malloc(session->capacity);
    if (session->buffer == NULL) ERREXIT1(info, JERR_OUT_OF_MEMORY, 10);
    session->output.next_output_byte = session->buffer;
    session->output.free_in_buffer = session->capacity;
}

// All of the buffer is in use.
static boolean grow_output(j_compress_ptr info) {
    Session *session = info->client_data;
    uint8_t *larger = session->capacity <= SIZE_MAX / 2 ? realloc(session->buffer, 2 * session->capacity) : NULL;
    if (larger == NULL) ERREXIT1(info, JERR_OUT_OF_MEMORY, 11);
    session->buffer = larger;
    session->output.next_output_byte = larger + session->capacity;
    session->output.free_in_buffer = session->capacity;
    session->capacity *= 2;
    return TRUE;
}

static void end_output(j_compress_ptr info) {
    (void)info;
}

CodecStatus jpeg_file_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int32_t quality, uint8_t **file, unsigned long *length,
    CodecMessage *message) {
    Session session;
    struct jpeg_compress_struct info;
    memset(&info, 0, sizeof info);
    info.err = handler(&session, message);
    info.client_data = &session;
    *file = NULL;
    *length = 0;
    if (setjmp(session.start)) {
        CodecStatus status = status_of(session.errors.msg_code);
        jpeg_destroy_compress(&info);
        free(session.buffer);
        return status;
    }
    jpeg_create_compress(&info);
    session.output.init_destination = begin_output;
    session.output.empty_output_buffer = grow_output;
    session.output.term_destination = end_output;
    info.dest = &session.output;
    info.image_width = width;
    info.image_height = height;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    info.dct_method = JDCT_ISLOW;
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)info.next_scanline * width * 3);
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    *file = session.buffer;
    *length = session.capacity - session.output.free_in_buffer;
    jpeg_destroy_compress(&info);
    return CODEC_OK;
}
