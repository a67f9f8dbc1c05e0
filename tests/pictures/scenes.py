"""Rooms drawn by Pillow as a cheap camera would show them: noise, JPEG, a clock in the corner, people, sun and infrared."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass, replace

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

SIZE = (352, 288)  # a sub-stream


@dataclass(frozen=True)
class Scene:
    """One look at one room."""

    room: int = 1  # which room
    moment: int = 0  # noise, people and clock differ from moment to moment
    brightness: float = 1.0
    contrast: float = 1.0
    noise: float = 6.0
    people: int = 0
    shift: tuple[int, int] = (0, 0)  # pixels of 352x288: the camera was turned
    blur: float = 0.0
    infrared: bool = False
    sun: bool = False  # a patch on the floor
    cover: str = ""  # "cloth", "spray", "bag", "tape", "cap"
    clock: bool = True
    quality: int = 60
    size: tuple[int, int] = SIZE

    def jpeg(self) -> bytes:
        """As the recorder sends it."""
        return _jpeg(self.image(), self.quality)

    def image(self) -> Image.Image:
        """Before it is squeezed."""
        chance = random.Random(f"{self.room}/{self.moment}")
        image = _turned(_room(self.room), self.shift)
        if self.sun:
            image = _sun(image, chance)
        for _ in range(self.people):
            _person(image, chance)
        image = ImageEnhance.Contrast(image).enhance(self.contrast)
        image = ImageEnhance.Brightness(image).enhance(self.brightness)
        if self.infrared:
            image = _infrared(image)
        if self.cover:
            image = _covered(image, self.cover, chance)
        if self.blur:
            image = image.filter(ImageFilter.GaussianBlur(self.blur))
        image = _noisy(image, self.noise, chance, grey=self.infrared)
        if self.clock:
            _clock(image, self.moment)
        return image if self.size == SIZE else image.resize(self.size)

    def at(self, moment: int, **changes: object) -> Scene:
        """The same later."""
        return replace(self, moment=moment, **changes)  # type: ignore[arg-type]


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _room(number: int) -> Image.Image:
    """A hall twice as wide and high as the picture, so that a camera can look elsewhere."""
    chance = random.Random(number)
    width, height = SIZE[0] * 2, SIZE[1] * 2
    wall = tuple(chance.randint(130, 200) for _ in range(3))
    image = Image.new("RGB", (width, height), wall)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 11 // 20, width, height), fill=tuple(level * 6 // 10 for level in wall))  # the floor
    for x in range(0, width, 48):  # tiles
        draw.line(
            (x, height * 11 // 20, x + (x - width // 2) // 2, height), fill=tuple(level // 2 for level in wall), width=2
        )
    for _ in range(26):  # counters, doors, posters, chairs
        x, y = chance.randint(0, width - 60), chance.randint(0, height - 60)
        across, down = chance.randint(30, 130), chance.randint(30, 110)
        colour = tuple(chance.randint(20, 235) for _ in range(3))
        draw.rectangle((x, y, x + across, y + down), fill=colour, outline=(20, 20, 20))
        for line in range(y + 8, y + down, 14):
            draw.line((x, line, x + across, line), fill=tuple(max(0, level - 50) for level in colour), width=3)
    return image


def _turned(room: Image.Image, shift: tuple[int, int]) -> Image.Image:
    x, y = SIZE[0] // 2 + shift[0], SIZE[1] // 2 + shift[1]
    return room.crop((x, y, x + SIZE[0], y + SIZE[1]))


def _person(image: Image.Image, chance: random.Random) -> None:
    draw = ImageDraw.Draw(image)
    x, y = chance.randint(0, SIZE[0] - 50), chance.randint(60, 170)
    colour = tuple(chance.randint(10, 230) for _ in range(3))
    draw.ellipse((x + 12, y - 26, x + 36, y), fill=(110, 80, 60))
    draw.rectangle((x, y, x + 48, y + 120), fill=colour)


def _sun(image: Image.Image, chance: random.Random) -> Image.Image:
    patch = Image.new("RGB", SIZE, (0, 0, 0))
    x = chance.randint(20, 200)
    ImageDraw.Draw(patch).polygon(((x, 120), (x + 90, 110), (x + 140, 288), (x - 20, 288)), fill=(70, 66, 50))
    return ImageChops.add(image, patch)


def _infrared(image: Image.Image) -> Image.Image:
    """Grey, bright in the middle, dark at the edges; what was green and red is alike."""
    grey = ImageEnhance.Contrast(image.convert("L")).enhance(0.75)
    lamp = Image.radial_gradient("L").resize(SIZE)
    return Image.merge("RGB", [ImageChops.subtract(grey, lamp.point(lambda level: level * 5 // 10))] * 3)


def _covered(image: Image.Image, how: str, chance: random.Random) -> Image.Image:
    match how:
        case "cap":
            return Image.new("RGB", SIZE, (6, 6, 7))
        case "cloth":
            cloth = Image.new("RGB", SIZE, (96, 88, 82))
            draw = ImageDraw.Draw(cloth)
            for x in range(-100, 400, 60):
                draw.line((x, 0, x + chance.randint(-40, 80), 288), fill=(80, 72, 68), width=24)
            return cloth.filter(ImageFilter.GaussianBlur(22))
        case "bag":
            return Image.blend(image.filter(ImageFilter.GaussianBlur(25)), Image.new("RGB", SIZE, (200, 200, 205)), 0.8)
        case "tape":
            return image.filter(ImageFilter.GaussianBlur(14))
        case _:
            paint = Image.new("L", SIZE, 0)
            draw = ImageDraw.Draw(paint)
            for _ in range(60):
                x, y, r = chance.randint(0, 352), chance.randint(0, 288), chance.randint(25, 70)
                draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
            soft = paint.filter(ImageFilter.GaussianBlur(8))
            return Image.composite(
                Image.new("RGB", SIZE, (150, 30, 30)), image.filter(ImageFilter.GaussianBlur(6)), soft
            )


def _noisy(image: Image.Image, sigma: float, chance: random.Random, *, grey: bool) -> Image.Image:
    """Gaussian noise: pieces of one large field, taken anew each time."""
    if not sigma:
        return image
    bands = []
    for band in image.split() if not grey else image.split()[:1]:
        field = NOISE.crop((x := chance.randrange(300), y := chance.randrange(300), x + SIZE[0], y + SIZE[1]))
        if chance.random() < 0.5:
            field = field.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        spread = field.point(lambda level: round(128 + (level - 128) * sigma / 32))
        bands.append(ImageChops.add(band, spread, 1, -128))
    return Image.merge("RGB", bands if not grey else bands * 3)


def _clock(image: Image.Image, moment: int) -> None:
    draw = ImageDraw.Draw(image)
    draw.text(
        (8, 8), f"24-11-2026 {moment // 3600 % 24:02d}:{moment // 60 % 60:02d}:{moment % 60:02d}", fill=(255, 255, 255)
    )
    draw.text((250, 270), "CAMERA 03", fill=(255, 255, 255))


NOISE = Image.effect_noise((SIZE[0] + 300, SIZE[1] + 300), 32)
