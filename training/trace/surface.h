// What a ray meets: color, normal and finish of a point on a shape or on the ground.
#pragma once
#include "light.h"

FN float hash(float x, float y, float z) {
    float h = sinf(x * 127.1f + y * 311.7f + z * 74.7f) * 43758.547f;
    return h - floorf(h);
}
FN float grain(float x, float y, float z) {
    float ix = floorf(x), iy = floorf(y), iz = floorf(z), fx = smooth(0, 1, x - ix), fy = smooth(0, 1, y - iy), fz = smooth(0, 1, z - iz), s = 0;
    for (int k = 0; k < 8; k++) {
        float a = k & 1, b = (k >> 1) & 1, c = k >> 2;
        s += hash(ix + a, iy + b, iz + c) * (a ? fx : 1 - fx) * (b ? fy : 1 - fy) * (c ? fz : 1 - fz);
    }
    return s;
}

// A material is a row of 12 numbers: color, metallic, roughness, pattern's strength, alpha, second color, pattern, its scale.
FN void paint(const float* m, V q, Surface* out) {
    V a = v(m[0], m[1], m[2]), b = v(m[7], m[8], m[9]);
    float share = 0, scale = m[11];
    int pattern = (int)m[10];
    float angle = atan2f(q.y, q.x);
    if (pattern == 1) share = sinf(q.z * scale) > 0.3f;                                                        // rings
    else if (pattern == 2) share = smooth(0.35f, 0.75f, 0.6f * grain(q.x * scale, q.y * scale, q.z * scale) + 0.4f * grain(q.x * scale * 3, q.y * scale * 3, q.z * scale * 3));
    else if (pattern == 3)                                                                                      // printed words
        share = fabsf(angle) < 0.75f && hash(floorf(q.z * scale * 6), floorf(angle * 9), scale) > 0.55f && hash(floorf(q.z * scale * 0.5f), 1, scale) > 0.45f;
    else if (pattern == 4) share = sinf(angle * 3 + q.z * scale) > 0.2f;                                        // a spiral
    else if (pattern == 5) share = sinf(angle * floorf(scale)) > 0;                                             // lengthwise
    else if (pattern == 6) share = hash(floorf(q.x * scale), floorf(q.y * scale), floorf(q.z * scale)) > 0.6f;  // checks
    share *= m[5];
    out->color = mix(a, b, share);
    out->metallic = m[3];
    out->rough = clampf(m[4] + (pattern == 2 ? 0.25f * share : 0), 0.04f, 1);
    out->alpha = m[6];
}

FN void pips(const float* s, V q, const float* materials, Surface* out) {
    float h = s[PROFILE], axis[3] = {q.x / h, q.y / h, q.z / h};
    int face = 0;
    for (int k = 1; k < 3; k++)
        if (fabsf(axis[k]) > fabsf(axis[face])) face = k;
    float a = axis[(face + 1) % 3], b = axis[(face + 2) % 3], e = s[EXTRA + 1], r = s[EXTRA + 2];
    int count = axis[face] > 0 ? face + 1 : 6 - face;
    bool dark = false;
    auto at = [&](float x, float y) { dark = dark || (a - x) * (a - x) + (b - y) * (b - y) < r * r; };
    if (count & 1) at(0, 0);
    if (count > 1) at(-e, -e), at(e, e);
    if (count > 3) at(-e, e), at(e, -e);
    if (count == 6) at(-e, 0), at(e, 0);
    if (dark) paint(materials + (int)s[EXTRA] * 12, q, out);
}

FN float relief(const World& w, int which, float u, float t) {
    int n = w.relief_size;
    u = clampf(u, 0, 0.9999f) * (n - 1.001f);
    t = clampf(t, 0, 0.9999f) * (n - 1.001f);
    int x = (int)u, y = (int)t;
    const float* p = w.reliefs + ((size_t)which * n + y) * n + x;
    float fx = u - x, fy = t - y;
    return (p[0] * (1 - fx) + p[1] * fx) * (1 - fy) + (p[n] * (1 - fx) + p[n + 1] * fx) * fy;
}

FN Surface surface(const World& w, V o, V d, Hit hit) {
    const float* c = w.scene;
    V p = o + d * hit.t;
    Surface out;
    out.shape = hit.shape;
    out.alpha = 1;
    out.instance = 0;
    if (hit.shape == -2) {
        float su = (p.x * c[COS] - p.y * c[SIN]) * c[SCALE] + c[SHIFT], st = (p.x * c[SIN] + p.y * c[COS]) * c[SCALE] + c[SHIFT + 1];
        float t[4], tx[4], ty[4], e = 1.2f / w.sheet_size;
        texel(w, (int)c[SHEET], su, st, t);
        texel(w, (int)c[SHEET], su + e, st, tx);
        texel(w, (int)c[SHEET], su, st + e, ty);
        out.color = sheet_color(t) * v(c[TINT], c[TINT + 1], c[TINT + 2]);
        float gu = (tx[3] - t[3]) * c[BUMP] * (1 / 255.0f), gt = (ty[3] - t[3]) * c[BUMP] * (1 / 255.0f), f = 0.05f;
        float hx = (height(c, p.x + f, p.y) - height(c, p.x - f, p.y)) / (2 * f), hy = (height(c, p.x, p.y + f) - height(c, p.x, p.y - f)) / (2 * f);
        out.normal = unit(v(-hx - gu * c[COS] - gt * c[SIN], -hy + gu * c[SIN] - gt * c[COS], 1));
        out.rough = c[ROUGH];
        out.metallic = c[METAL];
        return out;
    }
    const float* s = w.shapes + ((size_t)c[FIRST] + hit.shape) * STRIDE;
    V q = into(s, p);
    const float e = 0.004f;
    V n = unit(v(1, -1, -1) * distance(s, q + v(e, -e, -e)) + v(-1, -1, 1) * distance(s, q + v(-e, -e, e)) +
               v(-1, 1, -1) * distance(s, q + v(-e, e, -e)) + v(1, 1, 1) * distance(s, q + v(e, e, e)));
    int band = 0;
    for (int k = 0; k < 3; k++) band += q.z > s[BANDS + k];
    const float* m = w.materials + ((int)s[MATERIAL] + band) * 12;
    paint(m, q, &out);
    out.instance = (int)s[INSTANCE];
    int special = (int)s[SPECIAL];
    if (special == 1 && fabsf(n.z) > 0.7f) {  // a coin's face
        int which = (int)s[EXTRA] + (n.z < 0);
        float r = s[EXTRA + 1], u = q.x / r * 0.5f + 0.5f, t = q.y / r * 0.5f + 0.5f, step = 1.5f / w.relief_size;
        float h = relief(w, which, u, t), k = s[EXTRA + 2];
        n = unit(n + v((h - relief(w, which, u + step, t)) * k, (h - relief(w, which, u, t + step)) * k, 0));
        float cavity = clampf(1 - h * 1.6f, 0, 1);
        if (q.x * q.x + q.y * q.y > r * r * s[EXTRA + 3]) paint(m + 12, q, &out);
        out.color = out.color * (1 - s[EXTRA + 4] * cavity);
        out.rough = clampf(out.rough + 0.3f * s[EXTRA + 4] * cavity, 0.05f, 1);
    } else if (special == 1) {
        out.color = out.color * (0.75f + 0.25f * sinf(atan2f(q.y, q.x) * 110));
    } else if (special == 2) {
        pips(s, q, w.materials, &out);
    } else if (special == 3 && n.z > 0.5f) {
        float t[4], k = s[EXTRA + 1];
        texel(w, (int)s[EXTRA], q.x * k + s[EXTRA + 2], q.y * k, t);
        out.color = sheet_color(t);
    } else if (special == 4) {  // a ruler's marks
        float mm = q.x * 10 - floorf(q.x * 10), long_mark = fabsf(q.x - floorf(q.x + 0.5f)) < 0.03f;
        if (mm < 0.25f && q.y > s[PROFILE + 1] - (long_mark ? 0.7f : 0.35f)) out.color = out.color * 0.1f;
    }
    out.normal = turned_out(s, n);
    if (dot(out.normal, d) > 0) out.normal = out.normal - d * (dot(out.normal, d) * 1.02f);
    return out;
}
