// What light does: surfaces, shadows, reflections.
#pragma once
#include "shapes.h"

enum {  // the numbers of a scene
    EYE = 0, RIGHT = 3, UP = 6, AHEAD = 9, WIDE = 12, SHEET = 14, SCALE = 15, COS = 16, SIN = 17, SHIFT = 18, TINT = 20, ROUGH = 23,
    METAL = 24, BUMP = 25, FOLDS = 26, LAMPS = 43, LAMP = 44, PLACEABOUT = 76, ABOUT_TURN = 77, ABOUT = 78, ABOVE = 79, AROUND = 82,
    FIRST = 85, COUNT = 86, SCENE = 96
};

struct World {
    const float *scene, *shapes, *materials;
    const unsigned char* sheets;  // [sheet][row][column][red, green, blue (as square roots), height]
    int sheet_size;
    const float* reliefs;  // [relief][row][column]
    int relief_size;
    const float* places;  // [place][level][row][column][3]
    int place_rows, place_columns;
};
struct Surface {
    V color, normal;
    float metallic, rough, alpha;
    int instance, shape;
};
struct Hit {
    float t;
    int shape;  // -1 none, -2 the ground
};

FN float height(const float* c, float x, float y) {
    if (c[FOLDS] == 0) return 0;
    float h = 0;
    for (int k = 0; k < 4; k++) {
        const float* w = c + FOLDS + 1 + 4 * k;
        h += w[3] * sinf(w[0] * x + w[1] * y + w[2] + 0.7f * sinf(0.31f * w[1] * x - 0.23f * w[0] * y));
    }
    return h;
}

FN void texel(const World& w, int sheet, float u, float t, float out[4]) {
    float s = (float)w.sheet_size;
    u = fabsf(u - 2 * floorf(u * 0.5f + 0.5f)) * (s - 1.001f);  // mirrored, so that no seam is seen
    t = fabsf(t - 2 * floorf(t * 0.5f + 0.5f)) * (s - 1.001f);
    int x = (int)u, y = (int)t;
    float fx = u - x, fy = t - y;
    const unsigned char* p = w.sheets + (((size_t)sheet * w.sheet_size + y) * w.sheet_size + x) * 4;
    for (int k = 0; k < 4; k++)
        out[k] = (p[k] * (1 - fx) + p[k + 4] * fx) * (1 - fy) + (p[k + 4 * w.sheet_size] * (1 - fx) + p[k + 4 * w.sheet_size + 4] * fx) * fy;
}
FN V sheet_color(const float t[4]) { return v(t[0] * t[0], t[1] * t[1], t[2] * t[2]) * (1 / 65025.0f); }

// The room's light from a direction, blurred by roughness.
FN V around(const World& w, V d, float rough) {
    const float* c = w.scene;
    float level = clampf(rough * 4.5f, 0, 2.999f);
    int l = (int)level;
    float f = level - l, u = atan2f(d.y, d.x) * 0.15915494f + 0.5f + c[ABOUT_TURN], t = acosf(clampf(d.z, -1, 1)) * 0.31830989f;
    u = (u - floorf(u)) * w.place_columns;
    t = clampf(t * w.place_rows - 0.5f, 0, w.place_rows - 1.001f);
    int x = (int)u % w.place_columns, x1 = (x + 1) % w.place_columns, y = (int)t;
    float fx = u - (int)u, fy = t - y;
    V sum = v(0, 0, 0);
    for (int k = 0; k < 2; k++) {
        const float* m = w.places + ((size_t)((int)c[PLACEABOUT] * 4 + l + k)) * w.place_rows * w.place_columns * 3;
        const float *a = m + (y * w.place_columns + x) * 3, *b = m + (y * w.place_columns + x1) * 3;
        const float *e = a + w.place_columns * 3, *g = b + w.place_columns * 3;
        for (int i = 0; i < 3; i++)
            (&sum.x)[i] += (k ? f : 1 - f) * ((a[i] * (1 - fx) + b[i] * fx) * (1 - fy) + (e[i] * (1 - fx) + g[i] * fx) * fy);
    }
    return sum * c[ABOUT];
}

FN Hit trace(const World& w, V o, V d, float most, int skip, int skip2) {
    const float* c = w.scene;
    Hit hit = {most, -1};
    if (d.z < -1e-6f && o.z > 0) {
        float t = -o.z / d.z;
        if (c[FOLDS] != 0) {
            t = fmaxf(0.0f, (2.0f - o.z) / d.z);
            for (int k = 0; k < 40; k++) {
                V p = o + d * t;
                float gap = p.z - height(c, p.x, p.y);
                if (gap < 0.003f || t > most) break;
                t += gap * 0.8f;
            }
        }
        if (t < hit.t) hit = {t, -2};
    }
    for (int i = 0; i < (int)c[COUNT]; i++) {
        if (i == skip || i == skip2) continue;
        const float* s = w.shapes + ((size_t)c[FIRST] + i) * STRIDE;
        V lo = into(s, o), ld = turned_in(s, d);
        float near, far;
        if (!crosses(s, lo, ld, 0.002f, &near, &far) || near > hit.t) continue;
        far = fminf(far, hit.t);
        float pace = s[PITCH] > 0 ? 0.6f : 0.95f, t = near;
        for (int k = 0; k < 70 && t < far; k++) {
            float gap = distance(s, lo + ld * t);
            if (gap < 0.0012f) {
                hit = {t, i};
                break;
            }
            t += fmaxf(gap * pace, 0.001f);
        }
    }
    return hit;
}

// The share of a lamp that is seen, for a lamp whose radius is `spread` of its distance.
FN float lit(const World& w, V o, V d, float most, float spread) {
    const float* c = w.scene;
    float share = 1;
    for (int i = 0; i < (int)c[COUNT]; i++) {
        const float* s = w.shapes + ((size_t)c[FIRST] + i) * STRIDE;
        V lo = into(s, o), ld = turned_in(s, d);
        float near, far, reach = norm(lo) * spread + 0.02f, own = 1;
        if (!crosses(s, lo, ld, fminf(reach, 3.0f), &near, &far) || near > most) continue;
        far = fminf(far, most);
        float pace = s[PITCH] > 0 ? 0.7f : 1, t = fmaxf(near, 0.015f);
        for (int k = 0; k < 26 && t < far; k++) {
            float gap = distance(s, lo + ld * t);
            own = fminf(own, 0.5f + 0.5f * gap / (spread * t + 0.004f));
            if (own <= 0) break;
            t += clampf(fabsf(gap) * pace, 0.02f + 0.01f * t, 2);
        }
        own = smooth(0, 1, own);
        float alpha = w.materials[(int)s[MATERIAL] * 12 + 6];
        share *= 1 - (1 - own) * (0.25f + 0.75f * alpha);
        if (share < 0.01f) return 0;
    }
    return share;
}

// The share of the sky that nothing near covers.
FN float open_sky(const World& w, V p, V n) {
    const float* c = w.scene;
    const float reach[3] = {0.12f, 0.45f, 1.3f};
    float gap[3];
    for (int k = 0; k < 3; k++) gap[k] = fminf(reach[k], fmaxf(0.0f, p.z + n.z * reach[k] - height(c, p.x, p.y)) + 0.0f);
    for (int i = 0; i < (int)c[COUNT]; i++) {
        const float* s = w.shapes + ((size_t)c[FIRST] + i) * STRIDE;
        V q = into(s, p), ln = turned_in(s, n);
        if (q.x < s[LOW] - 1.4f || q.y < s[LOW + 1] - 1.4f || q.z < s[LOW + 2] - 1.4f || q.x > s[HIGH] + 1.4f || q.y > s[HIGH + 1] + 1.4f || q.z > s[HIGH + 2] + 1.4f) continue;
        for (int k = 0; k < 3; k++) gap[k] = fminf(gap[k], fmaxf(0.0f, distance(s, q + ln * reach[k])));
    }
    float covered = 0;
    for (int k = 0; k < 3; k++) covered += 0.42f * (reach[k] - gap[k]) / reach[k] * (k == 2 ? 0.7f : 1);
    return clampf(1 - covered, 0.08f, 1);
}
