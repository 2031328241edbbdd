// The C libraries that decode and encode pictures: turbojpeg, libpng's simplified interface, libwebp.
#include <png.h>
#include <stdio.h>
#include <turbojpeg.h>
#include <webp/decode.h>
#include <webp/encode.h>
