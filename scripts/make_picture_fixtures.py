"""Makes Tests/TestSupport/Fixtures/pictures.json: small files of unusual kinds, and the pixels that Pillow reads from them.

    pip install pillow numpy && python3 scripts/make_picture_fixtures.py
"""

import base64
import io
import json
import pathlib

import numpy as np
from PIL import Image

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
    fixtures.append({"name": name, "width": W, "height": H, "file": base64.b64encode(data).decode(),
                     "pixels": base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()})
path = pathlib.Path(__file__).parent.parent / "Tests" / "TestSupport" / "Fixtures" / "pictures.json"
path.write_text(json.dumps(fixtures))
