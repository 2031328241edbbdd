#include "CImageCodecs.h"

int32_t avif_image_orientation(const avifImage *image) {
#if AVIF_VERSION_MAJOR >= 1
    int swapsSides = image->imir.axis;
#else
    int swapsSides = image->imir.mode;
#endif
    int isMirrored = (image->transformFlags & AVIF_TRANSFORM_IMIR) != 0;
    int quarters = (image->transformFlags & AVIF_TRANSFORM_IROT) != 0 ? image->irot.angle & 3 : 0;
    // By the number of quarter turns to the left, which come before the mirroring.
    static const int32_t turned[4] = {1, 8, 3, 6}, leftAndRight[4] = {2, 7, 4, 5}, topAndBottom[4] = {4, 5, 2, 7};
    if (!isMirrored) return turned[quarters];
    return swapsSides ? leftAndRight[quarters] : topAndBottom[quarters];
}
