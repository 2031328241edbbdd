// The C libraries that decode and encode pictures: turbojpeg, libpng's simplified interface, libwebp, libheif, giflib, libtiff.
#include <gif_lib.h>
#include <libheif/heif.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>
#include <turbojpeg.h>
#include <webp/decode.h>
#include <webp/encode.h>
