"""Renders table tops with coins, dice, bolts, pens and clutter, with an exact mask for every object.

    python render.py OUT --count 1000 --seed 1 [--size 320] [--samples 6] [--threads 2] [--want coin,coin,die]
                     [--themes pen=2,bolt=1] [--sky]

Writes OUT/{seed}.jpg (the picture), OUT/{seed}.png (object index of every pixel, 0 = none) and OUT/{seed}.json (the
class of each index). A scene depends on its seed alone; what exists is not rendered again, so a run can be resumed
and several runs can share a folder with disjoint seeds.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import pathlib
import sys

import bpy
import numpy as np
import OpenEXR
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from mathutils import Quaternion, Vector

import objects
import surfaces

CLASSES = {"coin": objects.coin, "die": objects.die, "bolt": objects.bolt, "pen": objects.pen}


def reset(size: tuple[int, int], samples: int, threads: int) -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = True
    scene.cycles.use_auto_tile = False
    scene.cycles.max_bounces = 5
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.render.threads_mode = "FIXED"
    scene.render.threads = threads
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.image_settings.color_depth = "32"
    bpy.context.view_layer.use_pass_object_index = True
    bpy.context.view_layer.pass_alpha_threshold = 0  # what is seen through belongs to its object
    return scene


def light(rng: np.random.Generator, scene: bpy.types.Scene, sky: bool = False) -> None:
    """An HDRI turned at random, or the sky at any hour, and up to three area lights."""
    world = bpy.data.worlds.new("world")
    scene.world = world
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    background = nodes["Background"]
    folder = pathlib.Path(bpy.utils.system_resource("DATAFILES")) / "studiolights" / "world"
    files = sorted(folder.glob("*.exr"))
    if sky:
        above = nodes.new("ShaderNodeTexSky")
        above.sun_elevation, above.sun_rotation = rng.uniform(0.15, 1.4), rng.uniform(0, 2 * math.pi)
        above.sun_disc = rng.random() < 0.5
        links.new(above.outputs["Color"], background.inputs["Color"])
    elif rng.random() < 0.85:
        environment = nodes.new("ShaderNodeTexEnvironment")
        environment.image = bpy.data.images.load(str(files[rng.integers(len(files))]))
        coordinates, mapping = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeMapping")
        mapping.inputs["Rotation"].default_value = (rng.normal(0, 0.2), rng.normal(0, 0.2), rng.uniform(0, 2 * math.pi))
        links.new(coordinates.outputs["Generated"], mapping.inputs["Vector"])
        links.new(mapping.outputs["Vector"], environment.inputs["Vector"])
        links.new(environment.outputs["Color"], background.inputs["Color"])
    else:
        background.inputs["Color"].default_value = (*rng.uniform(0.5, 1, 3), 1)
    background.inputs["Strength"].default_value = rng.uniform(0.2, 1.2)
    world.cycles.sampling_method = "MANUAL"  # the automatic map costs three seconds a scene
    world.cycles.sample_map_resolution = 256
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        lamp = bpy.data.lights.new("area", "AREA")
        lamp.size = rng.uniform(3, 50)
        distance = rng.uniform(30, 120)
        lamp.energy = distance**2 * rng.uniform(3, 40)
        lamp.color = np.clip(np.array([1, 0.85, 0.7]) + rng.uniform(-0.2, 0.3, 3), 0, 1)
        o = bpy.data.objects.new("area", lamp)
        scene.collection.objects.link(o)
        a, e = rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 1.5)
        o.location = distance * Vector((math.cos(a) * math.cos(e), math.sin(a) * math.cos(e), math.sin(e)))
        o.rotation_euler = (-o.location).to_track_quat("-Z", "Y").to_euler()


def ground(rng: np.random.Generator, scene: bpy.types.Scene) -> str:
    """A large sheet with a texture; cloth has folds."""
    kind, color, height, rough = surfaces.surface(rng)
    extent = rng.uniform(18, 60)
    n = 90 if kind == "cloth" else 2
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=n, y_subdivisions=n, size=400 if n == 2 else 120)
    o = bpy.context.object
    if kind == "cloth":
        folds = surfaces.fractal(rng, 3, 160, (1, rng.uniform(1, 3))) * rng.uniform(0, 2.2)
        for v in o.data.vertices:
            i, j = int((v.co.y / 120 + 0.5) * (surfaces.SIZE - 1)), int((v.co.x / 120 + 0.5) * (surfaces.SIZE - 1))
            v.co.z = folds[i, j]
        bpy.ops.object.shade_smooth()
    m = objects.material("ground", roughness=rough, metallic=1.0 if kind == "metal" else 0.0)
    objects.textured(m, objects.image_from("ground", color), objects.image_from("ground height", height, True),
                     bump=rng.uniform(0.1, 0.8), distance=rng.uniform(0.02, 0.15), scale=(400 if n == 2 else 120) / extent)
    o.rotation_euler.z = rng.uniform(0, 2 * math.pi)
    o.data.materials.append(m)
    return kind


def drop(scene: bpy.types.Scene, o: bpy.types.Object, radius: float, x: float, y: float, yaw: float) -> None:
    """Lays an object down: on the plane that touches the highest points below its footprint."""
    o.hide_set(True)
    o.hide_viewport = True
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    points = []
    for share, count in ((0, 1), (0.55, 6), (0.98, 12)):
        for k in range(count):
            a = 2 * math.pi * k / count
            px, py = x + share * radius * math.cos(a), y + share * radius * math.sin(a)
            hit, where, *_ = scene.ray_cast(depsgraph, Vector((px, py, 60)), Vector((0, 0, -1)))
            points.append((px - x, py - y, where.z if hit else 0.0))
    o.hide_viewport = False
    o.hide_set(False)
    p = np.array(points)
    design = np.c_[p[:, :2], np.ones(len(p))]
    slope = np.linalg.lstsq(design, p[:, 2], rcond=None)[0]
    slope[:2] = np.clip(slope[:2], -0.5, 0.5)
    lift = np.max(p[:, 2] - p[:, :2] @ slope[:2])
    normal = Vector((-slope[0], -slope[1], 1)).normalized()
    o.rotation_mode = "QUATERNION"
    o.rotation_quaternion = Vector((0, 0, 1)).rotation_difference(normal) @ Quaternion((0, 0, 1), yaw)
    o.location = (x, y, lift + 0.003)


def places(rng: np.random.Generator, count: int, spacing: float) -> np.ndarray:
    """Centres on the table: scattered, in rows, or in a heap."""
    kind = rng.choice(["scatter", "rows", "heap"], p=[0.6, 0.22, 0.18])
    if kind == "rows":
        columns = int(rng.integers(1, 6))
        pitch = spacing * rng.uniform(1.0, 1.8)
        rows = math.ceil(count / columns)
        turn = rng.choice([0, rng.uniform(0, math.pi)])
        points = [((i % columns - (columns - 1) / 2) * pitch, (i // columns - (rows - 1) / 2) * pitch) for i in range(count)]
        points = np.array(points) + rng.normal(0, 0.12, (count, 2))
        c, s = math.cos(turn), math.sin(turn)
        return points @ np.array([[c, -s], [s, c]])
    area = spacing * math.sqrt(count) * (rng.uniform(0.25, 0.6) if kind == "heap" else rng.uniform(0.7, 2.0))
    chosen: list[np.ndarray] = []
    for _ in range(count):
        for _ in range(40):
            point = rng.uniform(-area, area, 2)
            if kind == "heap" or all(np.hypot(*(point - q)) > spacing * rng.uniform(0.75, 1.1) for q in chosen):
                break
        chosen.append(point)
    return np.array(chosen).reshape(-1, 2)


THEMES = {"coin": 0.34, "die": 0.17, "bolt": 0.2, "pen": 0.15, "mixed": 0.1, "none": 0.04}


def compose(rng: np.random.Generator, scene: bpy.types.Scene, asked: list[str] | None = None,
            themes: dict[str, float] = THEMES, sky: bool = False) -> tuple[list[str], list[tuple[float, float, float]]]:
    """Fills the scene, with the objects that are asked for or with its own choice, themes by their weights.

    Returns the class names by object index (1, 2, ...) and how far the objects reach.
    """
    light(rng, scene, sky)
    ground(rng, scene)
    theme = rng.choice(list(themes), p=np.array(list(themes.values())) / sum(themes.values()))
    wanted = []
    if theme == "coin":
        wanted = ["coin"] * int(rng.choice([1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 20]))
    elif theme == "die":
        wanted = ["die"] * int(rng.integers(1, 7))
    elif theme == "bolt":
        wanted = ["bolt"] * int(rng.integers(1, 9))
    elif theme == "pen":
        wanted = ["pen"] * int(rng.choice([1, 1, 2, 3]))
    elif theme == "mixed":
        wanted = list(rng.choice(list(CLASSES), int(rng.integers(2, 10)), p=[0.45, 0.2, 0.25, 0.1]))
    if asked:
        theme, wanted = "asked", asked
    clutter = 0 if asked else int(rng.choice([0, 0, 1, 2, 3])) + (int(rng.integers(2, 8)) if theme == "none" else 0)
    if theme in ("coin", "pen") and rng.random() < 0.16:
        objects.hand(rng).rotation_euler.z = rng.uniform(0, 2 * math.pi)
        wanted, clutter = wanted[:9], 0
    items = [(name, *CLASSES[name](rng)) for name in wanted] + [(None, *objects.clutter(rng)) for _ in range(clutter)]
    if theme == "coin" and rng.random() < 0.35 and len(items) > 1:  # a heap of one currency
        shared = [o.data.materials[0] for name, o, _ in items if name == "coin"][:2]
        for k, (name, o, _) in enumerate(items):
            if name == "coin":
                o.data.materials[0] = shared[k % len(shared)]
    order = rng.permutation(len(items))
    spacing = 2 * float(np.median([r for _, _, r in items])) if items else 5
    spacing = min(spacing, 5.0)
    centres = places(rng, len(items), spacing)
    names, reach = [], []
    for k, (x, y) in zip(order, centres):
        name, o, radius = items[k]
        if name is None:
            away = rng.uniform(1.0, 2.2)
            x, y = x * away, y * away
        drop(scene, o, min(radius, 1.7), x, y, rng.uniform(0, 2 * math.pi))
        if name:
            names.append(str(name))
            o.pass_index = len(names)
            reach.append((x, y, radius))
    return names, reach


def camera(rng: np.random.Generator, scene: bpy.types.Scene, reach: list[tuple[float, float, float]], whole: bool = False) -> None:
    """Looks at the objects from near or far, steep or low, sometimes with a shallow focus.

    `whole` keeps the longest of them inside the picture, as a rule.
    """
    data = bpy.data.cameras.new("camera")
    o = bpy.data.objects.new("camera", data)
    scene.collection.objects.link(o)
    scene.camera = o
    if reach:
        p = np.array(reach)
        centre = p[:, :2].mean(0)
        radius = max(float(np.max(np.hypot(*(p[:, :2] - centre).T) + p[:, 2])), 1.5)
    else:
        centre, radius = np.zeros(2), rng.uniform(4, 12)
    view = radius * (rng.uniform(1.2, 2.7) if whole else rng.uniform(0.95, 2.3)) * 2
    view = max(view, rng.uniform(3.5, 14))
    data.angle = math.radians(rng.uniform(25, 75))
    distance = view / 2 / math.tan(data.angle / 2)
    elevation = math.radians(min(90, 90 - abs(rng.normal(0, 30)))) if rng.random() < 0.85 else math.radians(rng.uniform(22, 60))
    elevation = max(elevation, math.radians(22))
    a = rng.uniform(0, 2 * math.pi)
    target = Vector((*(centre + rng.normal(0, (0.05 if whole else 0.12) * view, 2)), 0.3))
    o.location = target + distance * Vector((math.cos(a) * math.cos(elevation), math.sin(a) * math.cos(elevation),
                                             math.sin(elevation)))
    o.rotation_euler = (target - o.location).to_track_quat("-Z", "Y").to_euler()
    o.rotation_euler.rotate_axis("Z", rng.normal(0, 0.15))
    if rng.random() < 0.3:
        data.dof.use_dof = True
        data.dof.focus_distance = distance * rng.uniform(0.85, 1.1)
        data.dof.aperture_fstop = rng.uniform(1.5, 8) * 30 / max(view, 5)


def develop(rng: np.random.Generator, linear: np.ndarray) -> np.ndarray:
    """Linear light to an 8-bit picture: exposure by percentile, white balance, a soft shoulder, gamma."""
    level = np.percentile(linear.mean(-1), 80) + 1e-4
    exposed = linear / level * rng.uniform(0.3, 0.75)
    exposed *= 1 + rng.normal(0, 0.07, 3)
    toned = np.where(exposed < 0.7, exposed, 0.7 + 0.3 * np.tanh((exposed - 0.7) / 0.3 * 0.8))
    return (np.clip(toned, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)


def render(seed: int, out: pathlib.Path, arguments: argparse.Namespace) -> None:
    rng = np.random.default_rng(seed)
    shape = [(1, 1), (1, 1), (4, 3), (3, 4)][rng.integers(4)]
    size = (arguments.size * shape[0] // max(shape), arguments.size * shape[1] // max(shape))
    scene = reset(size, arguments.samples, arguments.threads)
    names, reach = compose(rng, scene, arguments.want, arguments.themes, arguments.sky)
    camera(rng, scene, reach, "pen" in names and rng.random() < 0.8)
    path = out / f"{seed}.exr"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    channels = {}
    with OpenEXR.File(str(path), separate_channels=True) as file:
        for part in file.parts:
            channels.update({name: channel.pixels for name, channel in part.channels.items()})

    def find(ending: str) -> np.ndarray:
        return next(v for k, v in channels.items() if k.endswith(ending))

    linear = np.stack([find("Combined.R"), find("Combined.G"), find("Combined.B")], -1)
    index = find(".X" if not any("IndexOB" in k for k in channels) else next(k for k in channels if "IndexOB" in k))
    picture = develop(rng, np.maximum(linear, 0).astype(np.float32))
    Image.fromarray(np.round(index).astype(np.uint8)).save(out / f"{seed}.png")
    Image.fromarray(picture).save(out / f"{seed}.jpg", quality=95)
    (out / f"{seed}.json").write_text(json.dumps({"seed": seed, "classes": names}))
    path.unlink()


def weights(text: str) -> dict[str, float]:
    chosen = {name: float(weight) for name, weight in (part.split("=") for part in text.split(","))}
    if unknown := set(chosen) - set(THEMES):
        raise argparse.ArgumentTypeError(f"unknown theme {unknown.pop()}; there are {', '.join(THEMES)}")
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="the first seed; seeds run up from here")
    parser.add_argument("--step", type=int, default=1, help="distance of seeds, for several processes")
    parser.add_argument("--size", type=int, default=320, help="longer side in pixels")
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--want", type=lambda text: text.split(","),
                        help="objects of every scene, instead of each scene's own choice")
    parser.add_argument("--themes", type=weights, default=THEMES, help="what scenes are about and how often, as pen=2,bolt=1")
    parser.add_argument("--sky", action="store_true",
                        help="light scenes by a sky instead of an HDRI: to measure on lights that were not trained on")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for k in range(arguments.count):
        seed = arguments.seed + k * arguments.step
        if not (arguments.out / f"{seed}.json").exists():
            render(seed, arguments.out, arguments)
            print(seed, flush=True)


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    main()
