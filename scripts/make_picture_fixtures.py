"""Makes Tests/TestSupport/Fixtures/pictures.json: small files of unusual kinds, and the pixels that Pillow reads from them.

    pip install pillow pillow-heif numpy && python3 scripts/make_picture_fixtures.py
"""

import base64
import io
import json
import pathlib

import numpy as np
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()

W, H = 24, 16
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x + y) * 255 // (W + H - 2)], -1).astype(np.uint8)
picture = Image.fromarray(rgb)
grey16 = Image.fromarray((x * 65535 // (W - 1)).astype(np.uint16))
alpha = picture.copy()
alpha.putalpha(Image.fromarray((y * 255 // (H - 1)).astype(np.uint8)))


def file(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


files = {
    "grey JPEG": file(picture.convert("L"), format="JPEG", quality=95),
    "CMYK JPEG": file(picture.convert("CMYK"), format="JPEG", quality=95),
    "progressive JPEG": file(picture, format="JPEG", quality=95, progressive=True),
    "4:4:4 JPEG": file(picture, format="JPEG", quality=95, subsampling=0),
    "JPEG with bytes after its end": file(picture, format="JPEG", quality=95) + b"more",
    "palette PNG": file(picture.quantize(16), format="PNG"),
    "grey PNG": file(picture.convert("L"), format="PNG"),
    "one bit PNG": file(picture.convert("1"), format="PNG"),
    "16 bit grey PNG": file(grey16, format="PNG"),
    "PNG with alpha": file(alpha, format="PNG"),
    "grey PNG with alpha": file(alpha.convert("LA"), format="PNG"),
    "lossless WebP": file(picture, format="WEBP", lossless=True),
    "WebP with alpha": file(alpha, format="WEBP", lossless=True, exact=True),
    "GIF": file(picture.quantize(200), format="GIF", interlace=False),
    "interlaced GIF": file(picture.quantize(200), format="GIF", interlace=True),
    "animated GIF": file(picture.quantize(64), format="GIF", save_all=True, append_images=[picture.rotate(90).quantize(64)]),
    "24 bit BMP": file(picture, format="BMP"),
    "32 bit BMP": file(alpha, format="BMP"),
    "palette BMP": file(picture.quantize(16), format="BMP"),
    "one bit BMP": file(picture.convert("1"), format="BMP"),
    "grey BMP": file(picture.convert("L"), format="BMP"),
    "TIFF": file(picture, format="TIFF"),
    "LZW TIFF": file(picture, format="TIFF", compression="tiff_lzw"),
    "deflated TIFF": file(picture, format="TIFF", compression="tiff_adobe_deflate"),
    "grey TIFF": file(picture.convert("L"), format="TIFF"),
    "one bit TIFF": file(picture.convert("1"), format="TIFF", compression="group4"),
    "TIFF with alpha": file(picture.convert("RGBA"), format="TIFF"),
    "AVIF": file(picture.resize((W * 4, H * 4)), format="AVIF", quality=95, subsampling="4:4:4"),
    "HEIC": file(picture.resize((W * 4, H * 4)), format="HEIF", quality=95, chroma=444),
}
fixtures = []
for name, data in files.items():
    image = Image.open(io.BytesIO(data))
    if image.mode.startswith("I"):
        pixels = np.repeat((np.asarray(image).astype(np.float64) / 257).round().astype(np.uint8)[..., None], 3, 2)
    elif image.mode == "CMYK":
        # As inks multiply; Pillow's own conversion has the colour handling of its version.
        c = np.asarray(image).astype(np.float64)
        pixels = ((255 - c[..., :3]) * (255 - c[..., 3:]) / 255).round().astype(np.uint8)
    elif image.mode in ("RGBA", "LA"):
        pixels = np.asarray(image.convert("RGBA"))[..., :3]
    else:
        pixels = np.asarray(image.convert("RGB"))
    fixtures.append({"name": name, "width": image.width, "height": image.height, "file": base64.b64encode(data).decode(),
                     "pixels": base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()})
path = pathlib.Path(__file__).parent.parent / "Tests" / "TestSupport" / "Fixtures" / "pictures.json"
path.write_text(json.dumps(fixtures))
