"""Meshes and materials of what lies on the table. Lengths are centimetres.

Every function adds one object at the origin, resting on z = 0, and returns it with the radius of its footprint.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import bmesh
import bpy
import numpy as np
from scipy import ndimage

import designs
import surfaces

# Materials ---------------------------------------------------------------------------------------------------------

def image_from(name: str, pixels: np.ndarray, data: bool = False) -> bpy.types.Image:
    """A Blender image from [S, S, 3] or [S, S] floats (linear)."""
    h, w = pixels.shape[:2]
    rgba = np.ones((h, w, 4), np.float32)
    rgba[..., :3] = pixels if pixels.ndim == 3 else pixels[..., None]
    image = bpy.data.images.new(name, w, h, float_buffer=True, is_data=data)
    image.colorspace_settings.name = "Non-Color" if data else "Linear Rec.709"
    image.pixels.foreach_set(np.ascontiguousarray(rgba[::-1]).ravel())
    image.update()
    return image


def material(name: str, color: Sequence[float] = (0.8, 0.8, 0.8), metallic: float = 0.0, roughness: float = 0.5,
             transmission: float = 0.0, coat: float = 0.0) -> bpy.types.Material:
    m = bpy.data.materials.new(name)
    m.use_nodes = True
    p = m.node_tree.nodes["Principled BSDF"]
    p.inputs["Base Color"].default_value = (*color, 1)
    p.inputs["Metallic"].default_value = metallic
    p.inputs["Roughness"].default_value = roughness
    p.inputs["Transmission Weight"].default_value = transmission
    p.inputs["Coat Weight"].default_value = coat
    return m


def textured(m: bpy.types.Material, color: bpy.types.Image | None = None, height: bpy.types.Image | None = None,
             roughness: bpy.types.Image | None = None, bump: float = 0.5, distance: float = 0.05,
             scale: float = 1.0) -> bpy.types.Material:
    """Adds image textures to a material: linear colour, a height map for bumps, a roughness map."""
    nodes, links = m.node_tree.nodes, m.node_tree.links
    p = nodes["Principled BSDF"]
    coordinates = nodes.new("ShaderNodeTexCoord")
    mapping = nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = (scale, scale, scale)
    links.new(coordinates.outputs["UV"], mapping.inputs["Vector"])

    def texture(image: bpy.types.Image) -> bpy.types.ShaderNode:
        node = nodes.new("ShaderNodeTexImage")
        node.image = image
        links.new(mapping.outputs["Vector"], node.inputs["Vector"])
        return node

    if color is not None:
        links.new(texture(color).outputs["Color"], p.inputs["Base Color"])
    if roughness is not None:
        links.new(texture(roughness).outputs["Color"], p.inputs["Roughness"])
    if height is not None:
        node = nodes.new("ShaderNodeBump")
        node.inputs["Strength"].default_value = bump
        node.inputs["Distance"].default_value = distance
        links.new(texture(height).outputs["Color"], node.inputs["Height"])
        links.new(node.outputs["Normal"], p.inputs["Normal"])
    return m


METALS = {
    "nickel": (0.62, 0.60, 0.56), "silver": (0.80, 0.79, 0.76), "brass": (0.68, 0.48, 0.20), "gold": (0.80, 0.57, 0.24),
    "copper": (0.62, 0.31, 0.18), "bronze": (0.42, 0.26, 0.13), "dull": (0.30, 0.27, 0.23), "aluminium": (0.78, 0.78, 0.79),
}


def coin_material(rng: np.random.Generator, family: str | None = None) -> bpy.types.Material:
    """Metal with a relief, dirt in its recesses, wear on its heights; some coins have a ring of another metal."""
    relief = designs.design(int(rng.integers(1 << 31)))
    height = relief["height"]
    names = list(METALS)
    name = family or names[rng.choice(len(names), p=[0.24, 0.15, 0.16, 0.12, 0.13, 0.07, 0.08, 0.05])]
    base = np.array(METALS[name]) * rng.uniform(0.75, 1.1) * (1 + rng.normal(0, 0.04, 3))
    color = np.broadcast_to(base, (*height.shape, 3)).copy()
    if rng.random() < 0.17:
        other = np.array(METALS[names[rng.integers(len(names))]])
        color = color * (1 - relief["ring"][..., None]) + other * relief["ring"][..., None]
    dirt = rng.uniform(0, 0.75) ** 1.5
    cavity = np.clip(1 - height * 1.6, 0, 1)
    color *= (1 - dirt * cavity)[..., None]
    stain = np.kron(rng.random((6, 6)), np.ones((64, 64)))
    stain = ndimage.gaussian_filter(stain, 30)
    color *= (1 - rng.uniform(0, 0.5) * stain)[..., None]
    rough = np.clip(rng.uniform(0.12, 0.5) + 0.3 * cavity * dirt + 0.15 * stain, 0.05, 0.95)
    m = material("coin", metallic=rng.uniform(0.85, 1.0))
    return textured(m, image_from("coin color", np.clip(color, 0, 1)), image_from("coin height", height, True),
                    image_from("coin roughness", rough, True), bump=rng.uniform(0.35, 1.0), distance=rng.uniform(0.02, 0.07))


def metal_material(rng: np.random.Generator) -> bpy.types.Material:
    base = [(0.6, 0.6, 0.6), (0.45, 0.45, 0.47), (0.06, 0.06, 0.065), (0.65, 0.5, 0.25), (0.7, 0.66, 0.5),
            (0.25, 0.2, 0.17)][rng.integers(6)]
    return material("metal", np.clip(np.array(base) * rng.uniform(0.7, 1.3), 0, 0.95), 1.0, rng.uniform(0.15, 0.55))


def plastic_material(rng: np.random.Generator, bright: float = 0.9) -> bpy.types.Material:
    palette = [(0.85, 0.83, 0.78), (0.02, 0.02, 0.022), (0.6, 0.02, 0.02), (0.02, 0.07, 0.45), (0.02, 0.3, 0.08), (0.8, 0.6, 0.03),
               tuple(rng.uniform(0.02, bright, 3)), tuple(rng.uniform(0.02, bright, 3))]
    return material("plastic", palette[rng.integers(len(palette))], 0.0, rng.uniform(0.1, 0.6), coat=rng.choice([0, 0, 0.5]))


def barrel_material(rng: np.random.Generator) -> bpy.types.Material:
    """What pens are of: black, white, a pale or dark colour, or any other plastic."""
    kind = rng.random()
    if kind > 0.6:
        return plastic_material(rng)
    tint = rng.uniform(0.3, 1, 3)
    if kind < 0.2:
        color = rng.uniform(0.008, 0.03, 3)
    elif kind < 0.32:
        color = rng.uniform(0.6, 0.9) * np.ones(3)
    else:
        color = 0.45 + 0.45 * tint if kind < 0.46 else 0.15 * tint**3
    return material("barrel", color, 0, rng.uniform(0.1, 0.6), coat=rng.choice([0, 0, 0.5]))


def clear_material(rng: np.random.Generator) -> bpy.types.Material:
    """Clear plastic: seen through as thick glass is, or as a thin tube is, with its reflections alone."""
    m = material("clear", np.full(3, rng.uniform(0.8, 0.97)), 0, rng.uniform(0.03, 0.25), transmission=0.9 * (rng.random() < 0.4))
    if not m.node_tree.nodes["Principled BSDF"].inputs["Transmission Weight"].default_value:
        m.node_tree.nodes["Principled BSDF"].inputs["Alpha"].default_value = rng.uniform(0.12, 0.5)
    return m


# Meshes ------------------------------------------------------------------------------------------------------------

def _object(name: str, mesh: bpy.types.Mesh, *materials: bpy.types.Material) -> bpy.types.Object:
    o = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(o)
    for m in materials:
        mesh.materials.append(m)
    return o


def _revolved(name: str, profile: Sequence[tuple[float, float]], segments: int, *materials: bpy.types.Material,
              smooth: bool = True, polygon: int | None = None, uv_radius: float | None = None) -> bpy.types.Object:
    """A solid of revolution about z from (radius, z) pairs, bottom to top. `polygon` flattens it to that many sides."""
    vertices: list[tuple[float, float, float]] = []
    faces: list[tuple[int, ...]] = []
    for r, z in profile:
        for k in range(segments):
            a = 2 * math.pi * k / segments
            scale = 1.0
            if polygon:
                half = math.pi / polygon
                flat = math.cos(half) / math.cos((a % (2 * half)) - half)
                scale = 0.35 * flat / math.cos(half) * 0.97 + 0.65 if polygon < 9 else flat
            vertices.append((r * scale * math.cos(a), r * scale * math.sin(a), z))
    for i in range(len(profile) - 1):
        for k in range(segments):
            n = (k + 1) % segments
            faces.append((i * segments + k, i * segments + n, (i + 1) * segments + n, (i + 1) * segments + k))
    faces.append(tuple(range(segments - 1, -1, -1)))
    faces.append(tuple((len(profile) - 1) * segments + k for k in range(segments)))
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    if uv_radius:
        layer = mesh.uv_layers.new(name="UV")
        for loop in mesh.loops:
            x, y, _ = mesh.vertices[loop.vertex_index].co
            layer.data[loop.index].uv = (0.5 + 0.5 * x / uv_radius, 0.5 + 0.5 * y / uv_radius)
    if smooth:
        for f in mesh.polygons:
            f.use_smooth = len(f.vertices) == 4
        mesh.set_sharp_from_angle(angle=math.radians(38))
    return _object(name, mesh, *materials)


def coin(rng: np.random.Generator, shared: bpy.types.Material | None = None) -> tuple[bpy.types.Object, float]:
    r = rng.uniform(0.8, 1.65)
    t = rng.uniform(0.12, 0.26)
    bevel = rng.uniform(0.015, 0.04)
    rim = rng.uniform(0.008, 0.03)
    inner = r * rng.uniform(0.88, 0.94)
    polygon = int(rng.choice([7, 7, 12, 11])) if rng.random() < 0.08 else None
    profile = [(r - bevel, 0), (r, bevel), (r, t - bevel), (r - bevel, t), (inner, t), (inner - 0.02, t - rim), (0.01, t - rim)]
    o = _revolved("coin", profile, 84, shared or coin_material(rng), polygon=polygon, uv_radius=r)
    return o, r


PIPS = {1: [(0, 0)], 2: [(-1, -1), (1, 1)], 3: [(-1, -1), (0, 0), (1, 1)], 4: [(-1, -1), (-1, 1), (1, -1), (1, 1)],
        5: [(-1, -1), (-1, 1), (1, -1), (1, 1), (0, 0)], 6: [(-1, -1), (-1, 0), (-1, 1), (1, -1), (1, 0), (1, 1)]}


def die(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    side = rng.uniform(1.1, 2.2)
    body, pip = [((0.85, 0.83, 0.78), (0.01, 0.01, 0.01)), ((0.9, 0.9, 0.9), (0.01, 0.01, 0.012)),
                 ((0.02, 0.02, 0.02), (0.9, 0.9, 0.9)), ((0.55, 0.01, 0.01), (0.9, 0.9, 0.9)),
                 ((0.01, 0.05, 0.4), (0.9, 0.9, 0.9)), ((0.01, 0.25, 0.06), (0.9, 0.9, 0.85)),
                 ((0.8, 0.72, 0.5), (0.02, 0.02, 0.02)),
                 (tuple(rng.uniform(0.05, 0.9, 3)),
                  (0.9, 0.9, 0.9))][rng.choice(8, p=[0.26, 0.26, 0.1, 0.1, 0.08, 0.05, 0.08, 0.07])]
    tile = 128
    color = np.empty((tile * 2, tile * 3, 3), np.float32)
    color[:] = body
    height = np.ones(color.shape[:2], np.float32)
    y, x = np.mgrid[0:tile, 0:tile] / tile * 2 - 1
    radius, spread = rng.uniform(0.15, 0.22), rng.uniform(0.45, 0.55)
    for value, places in PIPS.items():
        row, column = divmod(value - 1, 3)
        for px, py in places:
            r = radius * (1.4 if value == 1 and rng.random() < 0.4 else 1)
            on = np.hypot(x - px * spread, y - py * spread) < r
            red = value == 1 and pip[0] < 0.1 and rng.random() < 0.25
            color[row * tile:(row + 1) * tile, column * tile:(column + 1) * tile][on] = (0.6, 0.01, 0.01) if red else pip
            height[row * tile:(row + 1) * tile, column * tile:(column + 1) * tile][on] = 0
    m = material("die", body, 0, rng.uniform(0.1, 0.5), transmission=rng.choice([0, 0, 0, 0.4]))
    textured(m, image_from("die color", color), image_from("die height", height, True), bump=0.6, distance=0.05)
    mesh = bpy.data.meshes.new("die")
    b = bmesh.new()
    bmesh.ops.create_cube(b, size=side)
    layer = b.loops.layers.uv.new("UV")
    order = rng.permutation(6)
    for face, value in zip(b.faces, order):
        row, column = divmod(int(value), 3)
        for loop, (u, v) in zip(face.loops, [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98)]):
            loop[layer].uv = ((column + u) / 3, 1 - (row + v) / 2)
    b.to_mesh(mesh)
    b.free()
    o = _object("die", mesh, m)
    modifier = o.modifiers.new("bevel", "BEVEL")
    modifier.width, modifier.segments = side * rng.uniform(0.04, 0.2), 4
    for f in mesh.polygons:
        f.use_smooth = True
    mesh.set_sharp_from_angle(angle=math.radians(60))
    _bake(o)
    _lift(o)
    return o, side * 0.7


def bolt(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    """A screw or bolt lying on its side: shaft with a helical thread, a head with a drive, a tip. Some are wood screws with a
    coarse thread, some wall anchors, which are cones with a deep thread."""
    pointed = rng.random() < 0.65
    r = rng.uniform(0.14, 0.42)
    length = rng.uniform(1.6, 7.5) * (0.6 + r)
    pitch = r * rng.uniform(0.35, 0.9)
    depth = r * rng.uniform(0.1, 0.3)
    threaded = length * rng.uniform(0.55, 1.0)
    tip = length * rng.uniform(0.08, 0.2) if pointed else r * 0.3
    kind = rng.choice(["hex", "pan", "flat", "socket"])
    if pointed and rng.random() < 0.5:
        pitch, depth, kind = r * rng.uniform(0.8, 1.7), r * rng.uniform(0.25, 0.45), rng.choice(["pan", "flat", "flat"])
    elif pointed and rng.random() < 0.3:
        r = rng.uniform(0.4, 0.65)
        length = r * rng.uniform(4.5, 7)
        pitch, depth, threaded, tip = r * rng.uniform(0.8, 1.4), r * rng.uniform(0.3, 0.5), length, length * rng.uniform(0.6, 1.0)
        kind = "flat"
    segments, rows = 20, int(min(260, length / pitch * 8))
    vertices: list[tuple[float, float, float]] = []
    faces: list[tuple[int, ...]] = []
    for i in range(rows + 1):
        z = length * i / rows
        taper = min(1.0, (z + 0.02) / tip) if pointed else min(1.0, 0.8 + 0.2 * z / tip)
        for k in range(segments):
            a = 2 * math.pi * k / segments
            wave = 2 * abs(((z / pitch - k / segments) % 1) - 0.5)
            rr = (r - depth * wave * (z < threaded)) * taper
            vertices.append((rr * math.cos(a), rr * math.sin(a), z))
    for i in range(rows):
        for k in range(segments):
            n = (k + 1) % segments
            faces.append((i * segments + k, i * segments + n, (i + 1) * segments + n, (i + 1) * segments + k))
    faces.append(tuple(range(segments - 1, -1, -1)))
    mesh = bpy.data.meshes.new("shaft")
    mesh.from_pydata(vertices, [], faces)
    m = metal_material(rng)
    shaft = _object("bolt", mesh, m)
    hr = r * rng.uniform(1.6, 2.3)
    hh = r * rng.uniform(0.6, 1.4)
    if kind == "hex":
        head = _revolved("head", [(hr, 0), (hr, hh)], 6, m, smooth=False)
    elif kind == "pan":
        head = _revolved("head", [(hr, 0), (hr, hh * 0.4), (hr * 0.85, hh * 0.75), (hr * 0.5, hh * 0.95), (0.02, hh)], 32, m)
    elif kind == "flat":
        head = _revolved("head", [(r, -hh * 0.5), (hr, hh * 0.6), (hr, hh * 0.7), (0.02, hh * 0.7)], 32, m)
    else:
        head = _revolved("head", [(hr * 0.85, 0), (hr * 0.85, hh * 1.2), (hr * 0.8, hh * 1.3), (hr * 0.45, hh * 1.3),
                                  (hr * 0.45, hh * 0.7), (0.02, hh * 0.7)], 32, m)
    head.location.z = length
    if kind in ("pan", "flat"):
        dark = material("slot", (0.01, 0.01, 0.01), 0, 0.9)
        top = hh * (0.96 if kind == "pan" else 0.7)
        for turn in ([0, math.pi / 2] if rng.random() < 0.75 else [0]):
            bpy.ops.mesh.primitive_cube_add(size=1, location=(0, 0, length + top))
            slot = bpy.context.object
            slot.scale, slot.rotation_euler.z = (hr * 1.1, hr * 0.22, 0.04), turn
            slot.data.materials.append(dark)
            _join(head, slot)
    o = _join(shaft, head)
    if rng.random() < 0.88:
        o.rotation_euler = (0, math.pi / 2 + math.atan2(hr - r, length) * 0.8, rng.uniform(0, 2 * math.pi))
    else:
        o.rotation_euler = (math.pi, 0, rng.uniform(0, 2 * math.pi))
    _bake(o)
    _lift(o)
    return o, length * 0.55


def _refill(r: float, heights: Sequence[float], lower: bpy.types.Material, upper: bpy.types.Material) -> list[bpy.types.Object]:
    """A tube inside a barrel of radius r, of one material up to the second height and of another up to the third."""
    return [_revolved("refill", [(r * 0.3, low), (r * 0.3, high)], 12, m)
            for low, high, m in zip(heights, heights[1:], (lower, upper))]


def pen(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    """A ballpoint, felt or fountain pen: barrel, cap or button, tip, clip."""
    length, r = rng.uniform(11, 15), rng.uniform(0.3, 0.62)
    kind = rng.choice(["capped", "click", "stick"])
    a, b = barrel_material(rng), barrel_material(rng)
    if (other := rng.random()) < 0.45:
        b = metal_material(rng) if other < 0.25 else a
    clear = clear_material(rng)
    segments = 6 if rng.random() < 0.25 else 28
    tip = [(0.05, 0), (0.09, 0.25), (r * 0.55, 0.9), (r * 0.9, 1.7)]
    parts = []
    if kind == "capped":
        cap = length * rng.uniform(0.28, 0.45)
        seen = rng.random() < 0.4
        parts.append(_revolved("pen", [(r * 0.6, 0), (r * 0.95, 0.2), (r, 0.6), (r, length - cap)], segments, clear if seen else a))
        if seen:  # what a clear barrel has inside, and what closes it
            ink = rng.uniform(0.5, length - cap)
            parts += _refill(r, (0.3, max(0.4, length - cap - ink), length - cap), clear, b)
            if rng.random() < 0.7:
                parts.append(_revolved("plug", [(r * 0.7, -0.05), (r * 1.01, 0.15), (r * 1.01, 0.5)], 24, b))
        parts.append(_revolved("cap", [(r * 1.15, length - cap), (r * 1.18, length - 0.5), (r * 1.0, length - 0.1),
                                       (r * 0.7, length)], 28, b))
        clip = (length - cap * 0.55, cap * 0.75)
    elif kind == "click":
        grip = rng.uniform(2.5, 4.5)
        parts.append(_revolved("pen", [*tip, (r, 2.4), (r, grip)], 28, b))
        parts.append(_revolved("barrel", [(r * 0.98, grip), (r, grip + 0.2), (r, length - 1.2), (r * 0.8, length - 0.9)],
                               segments, a))
        parts.append(_revolved("button", [(r * 0.45, length - 1), (r * 0.45, length - 0.1), (r * 0.3, length)], 20, b))
        clip = (length - 3, 3.4)
    else:
        parts.append(_revolved("pen", tip, 28, b if rng.random() < 0.5 else metal_material(rng)))
        parts.append(_revolved("barrel", [(r * 0.95, 1.6), (r * 0.95, length - 0.4)], segments, clear if rng.random() < 0.5 else a))
        ink = rng.uniform(1.5, length * 0.8)
        parts += _refill(r, (1.0, ink, length - 0.6), a, clear)
        parts.append(_revolved("plug", [(r, length - 0.5), (r * 0.9, length)], 24, a))
        clip = None
        place = rng.choice(["tip", "back", "none"], p=[0.4, 0.35, 0.25])
        if place != "none":  # a cap over the tip or on the other end, closed and narrow outside
            cap = rng.uniform(4.5, 6.2)
            profile = [(r * 0.3, -0.9), (r * 0.65, -0.6), (r * 1.15, 0.5), (r * 1.25, cap * 0.7), (r * 1.25, cap * 0.98),
                       (r * 1.1, cap)]
            if place == "back":
                profile = [(radius, length + 1.2 - z) for radius, z in reversed(profile)]
            parts.append(_revolved("cap", profile, 24, b if rng.random() < 0.3 else a))
            clip = (cap * 0.5 if place == "tip" else length + 1.2 - cap * 0.5, cap * rng.uniform(0.7, 0.95))
    if clip and rng.random() < 0.9:
        bpy.ops.mesh.primitive_cube_add(size=1, location=(r * 1.35, 0, clip[0]))
        bar = bpy.context.object
        bar.scale = (0.12, rng.uniform(0.2, 0.4), clip[1])
        bar.data.materials.append(b)
        parts.append(bar)
    o = parts[0]
    for part in parts[1:]:
        _join(o, part)
    o.rotation_euler = (rng.uniform(-2.5, 2.5), math.pi / 2, rng.uniform(0, 2 * math.pi))
    _bake(o)
    _lift(o)
    return o, length * 0.5


# Things that are none of the classes -------------------------------------------------------------------------------

def _ring(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    r, inner, t = rng.uniform(0.5, 1.6), rng.uniform(0.35, 0.75), rng.uniform(0.08, 0.25)
    o = _revolved("washer", [(r * inner, 0), (r, 0), (r, t), (r * inner, t), (r * inner, 0.001)],
                  6 if rng.random() < 0.4 else 56, metal_material(rng), smooth=False)
    b = bmesh.new()
    b.from_mesh(o.data)
    bmesh.ops.delete(b, geom=[f for f in b.faces if len(f.verts) > 4], context="FACES")
    b.to_mesh(o.data)
    b.free()
    return o, r


def _button(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    r, t = rng.uniform(0.5, 1.3), rng.uniform(0.15, 0.3)
    o = _revolved("button", [(r * 0.9, 0), (r, t * 0.4), (r * 0.95, t), (r * 0.8, t), (r * 0.7, t * 0.7), (0.02, t * 0.7)], 48,
                  plastic_material(rng))
    dark = material("hole", (0.01, 0.01, 0.01), 0, 1)
    for k in range(n := int(rng.choice([2, 4]))):
        a = 2 * math.pi * (k + 0.5) / n
        bpy.ops.mesh.primitive_cylinder_add(radius=r * 0.1, depth=0.02,
                                            location=(r * 0.25 * math.cos(a), r * 0.25 * math.sin(a), t * 0.7))
        bpy.context.object.data.materials.append(dark)
        _join(o, bpy.context.object)
    return o, r


def _ball(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    r = rng.uniform(0.5, 2.5)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=r, location=(0, 0, r), segments=40, ring_count=24)
    o = bpy.context.object
    o.data.materials.append(plastic_material(rng) if rng.random() < 0.7
                            else material("glass", (0.9, 0.95, 0.9), 0, 0.02, transmission=1))
    bpy.ops.object.shade_smooth()
    return o, r


def _lid(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    r, t = rng.uniform(1.2, 4.5), rng.uniform(0.3, 1.5)
    m = plastic_material(rng) if rng.random() < 0.6 else material("tin", rng.uniform(0.1, 0.8, 3), 0.9, 0.3)
    return _revolved("lid", [(r, 0), (r * 1.02, t * 0.3), (r, t * 0.9), (r * 0.93, t), (0.02, t * rng.uniform(0.9, 1.0))], 64, m), r


def _cup(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    r, h = rng.uniform(2.5, 4.5), rng.uniform(2, 9)
    wall = 0.3
    drink = material("drink", (0.08, 0.03, 0.01), 0, 0.05)
    o = _revolved("cup", [(r * 0.75, 0), (r, h), (r - wall, h), (r * 0.75 - wall, 0.4), (0.02, 0.4)], 64, plastic_material(rng))
    if rng.random() < 0.5:
        _join(o, _revolved("drink", [(r * 0.85, h * 0.7), (r * 0.86, h * 0.72)], 48, drink))
    return o, r


def _slab(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    w, d, h = rng.uniform(1, 9), rng.uniform(1, 7), rng.uniform(0.05, 3) * rng.choice([0.1, 1])
    bpy.ops.mesh.primitive_cube_add(size=1, location=(0, 0, h / 2))
    o = bpy.context.object
    o.scale = (w, d, h)
    m = plastic_material(rng)
    if rng.random() < 0.5:
        _, color, _, rough = surfaces.surface(rng)
        m = textured(material("slab", roughness=rough), image_from("slab", color[::2, ::2]))
    o.data.materials.append(m)
    _bake(o)
    modifier = o.modifiers.new("bevel", "BEVEL")
    modifier.width, modifier.segments = h * 0.2, 3
    return o, max(w, d) / 2


def _battery(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    r, length = rng.uniform(0.4, 0.9), rng.uniform(3, 6)
    o = _revolved("battery", [(r, 0), (r, length * 0.6)], 40, plastic_material(rng))
    top = [(r, length * 0.6), (r, length), (r * 0.35, length), (r * 0.35, length + 0.15)]
    _join(o, _revolved("top", top, 40, metal_material(rng)))
    o.rotation_euler = (math.pi / 2, 0, rng.uniform(0, 6.3))
    _bake(o)
    _lift(o)
    return o, length / 2


def _key(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    m = metal_material(rng)
    o, _ = _ring(rng)
    o.data.materials.clear()
    o.data.materials.append(m)
    o.scale = (1, rng.uniform(0.7, 1.1), 1)
    length = rng.uniform(2.0, 3.5)
    bpy.ops.mesh.primitive_cube_add(size=1, location=(1.0 + length / 2, 0, 0.1))
    bpy.context.object.scale = (length, 0.55, 0.18)
    bpy.context.object.data.materials.append(m)
    _join(o, bpy.context.object)
    for _ in range(rng.integers(3, 6)):
        bpy.ops.mesh.primitive_cube_add(size=1, location=(1.4 + rng.uniform(0.3, 1) * length * 0.8, 0.35, 0.1))
        bpy.context.object.scale = (0.22, rng.uniform(0.1, 0.4), 0.17)
        bpy.context.object.data.materials.append(m)
        _join(o, bpy.context.object)
    return o, length


def _pebble(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    bpy.ops.mesh.primitive_ico_sphere_add(radius=rng.uniform(0.4, 2), subdivisions=4)
    o = bpy.context.object
    o.scale = (1, rng.uniform(0.6, 1), rng.uniform(0.3, 0.8))
    modifier = o.modifiers.new("shape", "DISPLACE")
    texture = bpy.data.textures.new("shape", "CLOUDS")
    texture.noise_scale = rng.uniform(0.5, 2)
    modifier.texture, modifier.strength = texture, rng.uniform(0.1, 0.6)
    _, color, _, rough = surfaces.surface(rng)
    o.data.materials.append(textured(material("pebble", roughness=rough), image_from("pebble", color[::2, ::2])))
    bpy.ops.object.shade_smooth()
    _bake(o)
    _lift(o)
    return o, 1.5


CLUTTER = [_ring, _ring, _button, _ball, _lid, _lid, _cup, _slab, _slab, _battery, _key, _pebble]


def clutter(rng: np.random.Generator) -> tuple[bpy.types.Object, float]:
    return CLUTTER[rng.integers(len(CLUTTER))](rng)


def hand(rng: np.random.Generator) -> bpy.types.Object:
    """A palm with four fingers and a thumb as one soft body, palm up."""
    ball = bpy.data.metaballs.new("hand")
    ball.resolution = ball.render_resolution = 0.28
    ball.threshold = 0.25

    def capsule(a: Sequence[float], b: Sequence[float], radius: float) -> None:
        steps = max(2, int(np.linalg.norm(np.subtract(b, a)) / (radius * 0.5)))
        for t in np.linspace(0, 1, steps):
            e = ball.elements.new()
            e.co = np.asarray(a) * (1 - t) + np.asarray(b) * t
            e.radius = radius * 1.35

    for x in np.linspace(-3.2, 3.2, 5):
        capsule((x, -4, 0.1 * x * x * 0.25), (x * 0.95, 4, 0.1 * x * x * 0.25), 1.25)
    lengths = np.array([5.5, 7.0, 7.4, 6.6])
    bend = rng.uniform(-0.1, 0.5)
    spread = rng.uniform(0.02, 0.14)
    for x, length in zip((3.1, 1.05, -1.05, -3.1), lengths):
        base, middle = (x, 4, 0.2), (x + x * spread * length * 0.5, 4 + length * 0.5, 0.2 + bend)
        end = (x + x * spread * length, 4 + length * 0.97, 0.2 + bend * 3)
        capsule(base, middle, 0.86)
        capsule(middle, end, 0.76)
    side = rng.choice([-1, 1])
    capsule((side * 3, -3, 0.2), (side * 6.3, 1.2, 0.6), 1.1)
    capsule((side * 6.3, 1.2, 0.6), (side * 7.2, 4.0, 0.9), 0.85)
    for x in (-2, 0, 2):
        capsule((x, -4, 0), (x, -13, -0.3), 1.3)
    o = bpy.data.objects.new("hand", ball)
    bpy.context.scene.collection.objects.link(o)
    bpy.context.view_layer.update()
    evaluated = o.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = bpy.data.meshes.new_from_object(evaluated)
    bpy.data.objects.remove(o)
    layer = mesh.uv_layers.new(name="UV")
    for loop in mesh.loops:
        x, y, _ = mesh.vertices[loop.vertex_index].co
        layer.data[loop.index].uv = (x / 14 + 0.5, y / 14 + 0.5)
    for f in mesh.polygons:
        f.use_smooth = True
    color, height, rough = surfaces.skin(rng)
    m = textured(material("skin", roughness=rough), image_from("skin", color), image_from("skin height", height, True),
                 bump=0.35, distance=0.06)
    m.node_tree.nodes["Principled BSDF"].inputs["Subsurface Weight"].default_value = 0.15
    o = _object("hand", mesh, m)
    _lift(o)
    return o


# Placing ------------------------------------------------------------------------------------------------------------

def _join(target: bpy.types.Object, part: bpy.types.Object) -> bpy.types.Object:
    bpy.ops.object.select_all(action="DESELECT")
    part.select_set(True)
    target.select_set(True)
    bpy.context.view_layer.objects.active = target
    bpy.ops.object.join()
    return target


def _bake(o: bpy.types.Object) -> None:
    """Applies modifiers, rotation and scale to the mesh."""
    bpy.ops.object.select_all(action="DESELECT")
    o.select_set(True)
    bpy.context.view_layer.objects.active = o
    for modifier in list(o.modifiers):
        bpy.ops.object.modifier_apply(modifier=modifier.name)
    bpy.ops.object.transform_apply(location=True, rotation=True, scale=True)


def _lift(o: bpy.types.Object) -> None:
    lowest = min(v.co.z for v in o.data.vertices)
    for v in o.data.vertices:
        v.co.z -= lowest
