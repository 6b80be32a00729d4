#!/usr/bin/python3
"""Renders the glyph images: the 94 visible ASCII characters in free fonts, turned, sheared, blurred, faded and noisy,
32x32 gray.

    make_data.py            writes calibration-*.idx.gz and test-*.idx.gz beside this file
    make_data.py --check    renders them again and compares with what is there

Needs Debian's python3-pil, python3-numpy and the font packages below (README.md has the apt line).
The same packages and the same seeds give the same bytes.
"""
import gzip
import pathlib
import struct
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

CLASSES = "".join(map(chr, range(33, 127)))
SIDE = 32
SCALE = 3  # drawn this much larger, so that turning a glyph does not roughen its edges
HERE = pathlib.Path(__file__).resolve().parent
FONTS = pathlib.Path("/usr/share/fonts")
TEX_GYRE = "/usr/share/texmf/fonts/opentype/public/tex-gyre/"

# Fonts that the network is trained and calibrated with, by Debian package.
TRAIN_FONTS = {
    "fonts-dejavu-core": [
        "truetype/dejavu/DejaVuSans.ttf", "truetype/dejavu/DejaVuSans-Bold.ttf",
        "truetype/dejavu/DejaVuSansMono.ttf", "truetype/dejavu/DejaVuSerif.ttf",
        "truetype/dejavu/DejaVuSerif-Bold.ttf"],
    "fonts-liberation": [
        "truetype/liberation/LiberationMono-Regular.ttf", "truetype/liberation/LiberationSans-Regular.ttf",
        "truetype/liberation/LiberationSans-Bold.ttf",
        "truetype/liberation/LiberationSansNarrow-Regular.ttf",
        "truetype/liberation/LiberationSerif-Regular.ttf", "truetype/liberation/LiberationSerif-Bold.ttf"],
    "fonts-freefont-ttf": [
        "truetype/freefont/FreeMono.ttf", "truetype/freefont/FreeMonoBold.ttf",
        "truetype/freefont/FreeSans.ttf", "truetype/freefont/FreeSansBold.ttf",
        "truetype/freefont/FreeSerif.ttf", "truetype/freefont/FreeSerifBold.ttf"],
    "fonts-hack-ttf": [
        "truetype/hack/Hack-Regular.ttf", "truetype/hack/Hack-Bold.ttf"],
    "fonts-roboto-unhinted": [
        "truetype/roboto/unhinted/RobotoTTF/Roboto-Regular.ttf",
        "truetype/roboto/unhinted/RobotoTTF/Roboto-Bold.ttf",
        "truetype/roboto/unhinted/RobotoTTF/Roboto-Light.ttf",
        "truetype/roboto/unhinted/RobotoCondensed-Regular.ttf"],
    "fonts-lato": [
        "truetype/lato/Lato-Regular.ttf", "truetype/lato/Lato-Black.ttf", "truetype/lato/Lato-Light.ttf"],
    "fonts-cantarell": [
        "opentype/cantarell/Cantarell-Regular.otf", "opentype/cantarell/Cantarell-ExtraBold.otf"],
    "fonts-inconsolata": [
        "truetype/inconsolata/Inconsolata.otf"],
    "fonts-linuxlibertine": [
        "opentype/linux-libertine/LinLibertine_R.otf", "opentype/linux-libertine/LinLibertine_RB.otf",
        "opentype/linux-libertine/LinBiolinum_R.otf", "opentype/linux-libertine/LinBiolinum_RB.otf"],
    "fonts-quicksand": [
        "truetype/quicksand/Quicksand-Regular.ttf", "truetype/quicksand/Quicksand-Bold.ttf"],
    "fonts-texgyre": [
        TEX_GYRE + "texgyreadventor-regular.otf", TEX_GYRE + "texgyrebonum-regular.otf",
        TEX_GYRE + "texgyrecursor-regular.otf", TEX_GYRE + "texgyrecursor-bold.otf",
        TEX_GYRE + "texgyrepagella-regular.otf", TEX_GYRE + "texgyrepagella-bold.otf",
        TEX_GYRE + "texgyreschola-regular.otf"],
    "fonts-b612": [
        "opentype/b612/B612-Regular.otf", "opentype/b612/B612Mono-Bold.otf"],
    "fonts-clear-sans": [
        "truetype/clear-sans/ClearSans-Regular.ttf", "truetype/clear-sans/ClearSans-Bold.ttf"],
    "fonts-firacode": [
        "truetype/firacode/FiraCode-Light.ttf", "truetype/firacode/FiraCode-Bold.ttf"],
    "fonts-go": [
        "fonts-go/Go-Regular.ttf", "fonts-go/Go-Mono.ttf"],
    "fonts-inter": [
        "opentype/inter/Inter-Regular.otf", "opentype/inter/Inter-Bold.otf"],
    "fonts-karla": [
        "truetype/karla/Karla-Regular.otf", "truetype/karla/Karla-Bold.otf"],
    "fonts-mononoki": [
        "truetype/mononoki/mononoki-Regular.ttf"],
    "fonts-oldstandard": [
        "truetype/fonts-oldstandard/OldStandard-Regular.ttf", "truetype/fonts-oldstandard/OldStandard-Bold.ttf"],
    "fonts-quattrocento": [
        "opentype/quattrocento/Quattrocento-Regular.otf"],
    "fonts-roboto-slab": [
        "opentype/roboto/slab/RobotoSlab-Regular.otf", "opentype/roboto/slab/RobotoSlab-Light.otf"],
    "fonts-sil-charis": [
        "truetype/charis/CharisSIL-Regular.ttf", "truetype/charis/CharisSIL-Bold.ttf"],
    "fonts-anonymous-pro": [
        "truetype/anonymous-pro/Anonymous Pro.ttf"],
    "fonts-comic-neue": [
        "opentype/comic-neue/ComicNeue-Regular.otf", "opentype/comic-neue/ComicNeue-Bold.otf"],
    "fonts-dosis": [
        "opentype/dosis/Dosis-Medium.otf", "opentype/dosis/Dosis-Bold.otf"],
    "fonts-fantasque-sans": [
        "opentype/fantasque-sans/Normal/OTF/FantasqueSansMono-Regular.otf"],
    "fonts-sil-andika": [
        "truetype/andika/Andika-Regular.ttf", "truetype/andika/Andika-Bold.ttf"],
    "fonts-tuffy": [
        "truetype/tuffy/tuffy_regular.ttf", "truetype/tuffy/tuffy_bold.ttf"],
    "fonts-yanone-kaffeesatz": [
        "opentype/yanone-kaffeesatz/YanoneKaffeesatz-Regular.otf"],
    "fonts-crosextra-caladea": [
        "truetype/crosextra/Caladea-Regular.ttf", "truetype/crosextra/Caladea-Bold.ttf"],
    "fonts-cardo": [
        "truetype/cardo/Cardo104s.ttf"],
}
# Fonts that only the test images use: no family of these is above.
TEST_FONTS = {
    "fonts-open-sans": [
        "truetype/open-sans/OpenSans-Regular.ttf", "truetype/open-sans/OpenSans-ExtraBold.ttf",
        "truetype/open-sans/OpenSans-CondLight.ttf"],
    "fonts-play": [
        "truetype/play/Play-Regular.ttf", "truetype/play/Play-Bold.ttf"],
    "fonts-ebgaramond": [
        "opentype/ebgaramond/EBGaramond12-Regular.otf", "opentype/ebgaramond/EBGaramond12-Bold.otf"],
    "fonts-junction": [
        "opentype/junction/Junction.otf"],
    "fonts-gfs-didot": [
        "opentype/didot/GFSDidot.otf", "opentype/didot/GFSDidotBold.otf"],
    "fonts-comfortaa": [
        "truetype/comfortaa/Comfortaa-Regular.ttf", "truetype/comfortaa/Comfortaa-Bold.ttf"],
    "fonts-jura": [
        "opentype/jura/Jura-Regular.otf", "opentype/jura/Jura-Bold.otf"],
    "fonts-jetbrains-mono": [
        "truetype/jetbrains-mono/JetBrainsMono-Regular.ttf", "truetype/jetbrains-mono/JetBrainsMono-Bold.ttf"],
    "fonts-vollkorn": [
        "truetype/vollkorn/Vollkorn-Regular.ttf", "truetype/vollkorn/Vollkorn-Bold.ttf"],
    "fonts-manrope": [
        "truetype/manrope/Manrope-Regular.ttf", "truetype/manrope/Manrope-Bold.ttf"],
    "fonts-cabin": [
        "opentype/cabin/Cabin-Regular.otf", "opentype/cabin/Cabin-Bold.otf"],
    "fonts-courier-prime": [
        "opentype/courier-prime/Courier Prime.otf", "opentype/courier-prime/Courier Prime Bold.otf"],
}


def font_files(fonts):
    files = [FONTS / name for names in fonts.values() for name in names]
    missing = [str(f) for f in files if not f.exists()]
    if missing:
        sys.exit("fonts are missing: " + " ".join(missing) + "\ninstall: " + " ".join(fonts))
    return files


class Renderer:
    """Draws random images of characters; a seed decides all of them."""

    def __init__(self, fonts, seed):
        self.files = font_files(fonts)
        self.rng = np.random.Generator(np.random.PCG64(seed))
        self.cache = {}

    def font(self, file, size):
        if (file, size) not in self.cache:
            # The basic layout engine does the same with and without libraqm.
            self.cache[file, size] = ImageFont.truetype(str(file), size, layout_engine=ImageFont.Layout.BASIC)
        return self.cache[file, size]

    def font_of_height(self, file, height):
        """The font at the size that makes its H this many pixels high."""
        left, top, right, bottom = self.font(file, 200).getbbox("H", anchor="ls")
        return self.font(file, round(200 * height / (bottom - top)))

    def image(self, char):
        """One uint8 image [32, 32]. All characters stand on one line, give or take the shift, and capitals are about as
        high in every font: it takes both to tell c from C and a comma from an apostrophe."""
        rng = self.rng
        side = SIDE * SCALE
        height = rng.uniform(15, 19) * SCALE
        font = self.font_of_height(self.files[rng.integers(len(self.files))], height)
        mask = Image.new("L", (side, side))
        left, _, right, _ = font.getbbox(char, anchor="ls")
        ImageDraw.Draw(mask).text(((side - left - right) / 2, side / 2 + 0.4 * height), char, fill=255, font=font,
                                  anchor="ls")
        # Output pixel (x, y) reads the mask at (a b; c d)(x, y) about the centre, moved by at most 2 pixels.
        angle = np.deg2rad(rng.normal(0, 6))
        shear, stretch = rng.normal(0, 0.1), np.exp(rng.normal(0, 0.08))
        a, b = np.cos(angle) * stretch, np.sin(angle) + shear
        c, d = -np.sin(angle), np.cos(angle) / stretch
        centre = side / 2
        dx, dy = rng.uniform(-2, 2, 2) * SCALE
        mask = mask.transform((side, side), Image.Transform.AFFINE,
                              (a, b, centre - a * centre - b * centre + dx, c, d, centre - c * centre - d * centre + dy),
                              resample=Image.Resampling.BILINEAR)
        mask = mask.resize((SIDE, SIDE), Image.Resampling.BOX)
        mask = mask.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.2)))
        ink = np.asarray(mask, dtype=np.float64) / 255
        # Ink and paper differ by 50 to 230 gray levels; either may be the brighter one.
        contrast = rng.uniform(50, 230)
        paper = rng.uniform(0, 255 - contrast)
        gray = paper + contrast * (ink if rng.random() < 0.5 else 1 - ink)
        # Light that falls off to one side, then noise.
        across = np.linspace(-1, 1, SIDE)
        gray += rng.normal(0, 12) * across[None, :] + rng.normal(0, 12) * across[:, None]
        gray += rng.normal(0, rng.uniform(0, 16), gray.shape)
        # 16 gray levels: a cheap sensor, and half the bytes.
        return (np.clip(np.rint(gray / 17), 0, 15) * 17).astype(np.uint8)

    def batch(self, count):
        """uint8 [count, 32, 32] and labels uint8 [count]."""
        labels = self.rng.integers(len(CLASSES), size=count).astype(np.uint8)
        return np.stack([self.image(CLASSES[k]) for k in labels]), labels


def idx(array):
    """The bytes of MNIST's idx format: magic (uint8, rank), big-endian dims, data."""
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.tobytes(), 9, mtime=0)


def main():
    check = "--check" in sys.argv[1:]
    for name, fonts, seed, count in (("calibration", TRAIN_FONTS, 1, 512), ("test", TEST_FONTS, 2, 5000)):
        images, labels = Renderer(fonts, seed).batch(count)
        for kind, array in (("images", images), ("labels", labels)):
            path = HERE / f"{name}-{kind}.idx.gz"
            if check:
                same = gzip.decompress(path.read_bytes()) == gzip.decompress(idx(array))
                print(f"{path.name}: {'same' if same else 'DIFFERENT'}")
                if not same:
                    sys.exit(1)
            else:
                path.write_bytes(idx(array))
                print(f"{path.name}: {array.shape[0]} samples, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
