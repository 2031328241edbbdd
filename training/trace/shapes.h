// Shapes as signed distances, in centimeters, each in its own frame. (Source of the idea and of `polygon`: Inigo Quilez,
// "2D distance functions" and "Distance functions".)
//
// A shape is a row of 64 numbers; scene.py writes them. Names below say what each number is.
#pragma once
#include <math.h>

#ifdef __CUDACC__
#define FN __device__ static inline
#else
#define FN static inline
#endif

struct V {
    float x, y, z;
};
FN V v(float x, float y, float z) { return {x, y, z}; }
FN V operator+(V a, V b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
FN V operator-(V a, V b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
FN V operator*(V a, float s) { return {a.x * s, a.y * s, a.z * s}; }
FN V operator*(V a, V b) { return {a.x * b.x, a.y * b.y, a.z * b.z}; }
FN float dot(V a, V b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
FN float norm(V a) { return sqrtf(dot(a, a)); }
FN V unit(V a) { return a * (1 / (norm(a) + 1e-12f)); }
FN V mix(V a, V b, float t) { return a * (1 - t) + b * t; }
FN float clampf(float x, float low, float high) { return fminf(fmaxf(x, low), high); }
FN float smooth(float low, float high, float x) {
    float t = clampf((x - low) / (high - low), 0, 1);
    return t * t * (3 - 2 * t);
}

enum {  // the numbers of a shape
    KIND = 0, INSTANCE = 1, PLACE = 2, TURN = 5, LOW = 14, HIGH = 17, POINTS = 20, PROFILE = 21, SIDES = 45, PITCH = 46, DEPTH = 47,
    FROM = 48, TO = 49, DRIVE = 50, DRIVE_SIZE = 51, DRIVE_DEPTH = 52, DRIVE_TOP = 53, MATERIAL = 54, BANDS = 55, SPECIAL = 58,
    EXTRA = 59, STRIDE = 64
};
enum { REVOLVED = 0, BOX = 1, RING = 2, CAPSULE = 3 };

// A point of the world in a shape's frame.
FN V into(const float* s, V p) {
    V q = p - v(s[PLACE], s[PLACE + 1], s[PLACE + 2]);
    const float* m = s + TURN;
    return {m[0] * q.x + m[3] * q.y + m[6] * q.z, m[1] * q.x + m[4] * q.y + m[7] * q.z, m[2] * q.x + m[5] * q.y + m[8] * q.z};
}
FN V turned_in(const float* s, V d) {
    const float* m = s + TURN;
    return {m[0] * d.x + m[3] * d.y + m[6] * d.z, m[1] * d.x + m[4] * d.y + m[7] * d.z, m[2] * d.x + m[5] * d.y + m[8] * d.z};
}
FN V turned_out(const float* s, V d) {
    const float* m = s + TURN;
    return {m[0] * d.x + m[1] * d.y + m[2] * d.z, m[3] * d.x + m[4] * d.y + m[5] * d.z, m[6] * d.x + m[7] * d.y + m[8] * d.z};
}

// The distance to a closed polygon of n corners (radius, height).
FN float polygon(const float* c, int n, float x, float y) {
    float best = 1e9f, sign = 1;
    for (int i = 0, j = n - 1; i < n; j = i, i++) {
        float ax = c[2 * i], ay = c[2 * i + 1], ex = c[2 * j] - ax, ey = c[2 * j + 1] - ay, wx = x - ax, wy = y - ay;
        float t = clampf((wx * ex + wy * ey) / (ex * ex + ey * ey + 1e-12f), 0, 1);
        float bx = wx - ex * t, by = wy - ey * t;
        best = fminf(best, bx * bx + by * by);
        bool a = y >= ay, b = y < c[2 * j + 1], d = ex * wy > ey * wx;
        if ((a && b && d) || (!a && !b && !d)) sign = -sign;
    }
    return sign * sqrtf(best);
}

// The radius at which a point lies in a prism of `sides`, by the distance of its sides.
FN float prism(float x, float y, float sides) {
    float step = 6.2831853f / sides, a = atan2f(y, x), r = sqrtf(x * x + y * y);
    a -= step * floorf(a / step + 0.5f);
    return r * cosf(a);
}

FN float drive(const float* s, V p) {
    float r = s[DRIVE_SIZE], x = fabsf(p.x), y = fabsf(p.y), d;
    int kind = (int)s[DRIVE];
    if (kind == 1) d = fmaxf(y - r * 0.16f, x - r * 1.4f);
    else if (kind == 2) d = fminf(fmaxf(x - r * 0.15f, y - r * 0.75f), fmaxf(y - r * 0.15f, x - r * 0.75f));
    else if (kind == 3) d = prism(p.x, p.y, 6) - r * 0.52f;
    else d = sqrtf(x * x + y * y) - r * (0.45f + 0.08f * cosf(6 * atan2f(p.y, p.x)));
    return fmaxf(d, s[DRIVE_TOP] - s[DRIVE_DEPTH] - p.z);
}

FN float distance(const float* s, V p) {
    int kind = (int)s[KIND];
    if (kind == BOX) {
        float r = s[PROFILE + 3];
        V q = v(fabsf(p.x) - s[PROFILE] + r, fabsf(p.y) - s[PROFILE + 1] + r, fabsf(p.z) - s[PROFILE + 2] + r);
        return norm(v(fmaxf(q.x, 0), fmaxf(q.y, 0), fmaxf(q.z, 0))) + fminf(fmaxf(q.x, fmaxf(q.y, q.z)), 0) - r;
    }
    if (kind == RING) {
        float q = sqrtf(p.x * p.x + p.y * p.y) - s[PROFILE];
        return sqrtf(q * q + p.z * p.z) - s[PROFILE + 1];
    }
    if (kind == CAPSULE) {
        V a = v(s[PROFILE], s[PROFILE + 1], s[PROFILE + 2]), b = v(s[PROFILE + 3], s[PROFILE + 4], s[PROFILE + 5]) - a, q = p - a;
        float t = clampf(dot(q, b) / (dot(b, b) + 1e-9f), 0, 1);
        return norm(q - b * t) - s[PROFILE + 6] * (1 - t) - s[PROFILE + 7] * t;
    }
    float r = s[SIDES] > 2 ? prism(p.x, p.y, s[SIDES]) : sqrtf(p.x * p.x + p.y * p.y);
    if (s[PITCH] > 0) {
        float wave = p.z / s[PITCH] - atan2f(p.y, p.x) * 0.15915494f;
        wave = 2 * fabsf(wave - floorf(wave) - 0.5f);
        float end = s[PITCH];
        r += s[DEPTH] * wave * smooth(s[FROM] - 0.5f * end, s[FROM] + 0.5f * end, p.z) * (1 - smooth(s[TO] - 0.5f * end, s[TO] + 0.5f * end, p.z));
    }
    float d = polygon(s + PROFILE, (int)s[POINTS], r, p.z);
    return s[DRIVE] > 0 ? fmaxf(d, -drive(s, p)) : d;
}

// Where a ray enters and leaves a box that is wider by `margin`.
FN bool crosses(const float* s, V o, V d, float margin, float* near, float* far) {
    float a = 0, b = 1e9f;
    const float os[3] = {o.x, o.y, o.z}, ds[3] = {d.x, d.y, d.z};
    for (int k = 0; k < 3; k++) {
        float inverse = 1 / (fabsf(ds[k]) < 1e-9f ? 1e-9f : ds[k]);
        float t0 = (s[LOW + k] - margin - os[k]) * inverse, t1 = (s[HIGH + k] + margin - os[k]) * inverse;
        a = fmaxf(a, fminf(t0, t1));
        b = fminf(b, fmaxf(t0, t1));
    }
    *near = a;
    *far = b;
    return a <= b;
}
