// Draws table tops: one thread a pixel, a few rays each; without noise, since shadows, reflections and the open sky are estimated
// from distances and not by chance. Built by nvcc for a GPU, or as C++ (-x c++) for a processor.
#include "surface.h"

FN V lamps(const World& w, V p, V view, const Surface& s, bool shadows) {
    const float* c = w.scene;
    V sum = v(0, 0, 0), base = mix(v(0.04f, 0.04f, 0.04f), s.color, s.metallic), body = s.color * (1 - s.metallic);
    for (int k = 0; k < (int)c[LAMPS]; k++) {
        const float* l = c + LAMP + 8 * k;
        V to = v(l[0], l[1], l[2]);
        float far = 1e9f, power = 1;
        if (l[3] > 0) {
            to = to - p;
            far = norm(to);
            power = l[3] * l[3] / (far * far);
        }
        to = unit(to);
        float slope = dot(s.normal, to), front = smooth(-0.5f * l[7], 0.5f * l[7] + 0.02f, slope) * fmaxf(slope, 0.0f);
        if (front <= 0) continue;
        float share = shadows ? lit(w, p + s.normal * 0.012f, to, far, l[7]) : 1;
        if (share <= 0) continue;
        V half = unit(to - view);
        float a = clampf(s.rough * s.rough + 0.35f * l[7], 0.01f, 1), nh = fmaxf(dot(s.normal, half), 0.0f), a2 = a * a, k2 = nh * nh * (a2 - 1) + 1;
        float lobe = a2 / (3.1416f * k2 * k2) * 0.25f * s.rough * s.rough / a / fmaxf(0.15f, -dot(s.normal, view)), grazing = powf(1 - clampf(dot(half, to), 0, 1), 5);
        V shine = mix(base, v(1, 1, 1), grazing) * fminf(lobe, 8.0f);
        sum = sum + (body * 0.3183f + shine) * v(l[4], l[5], l[6]) * (front * share * power);
    }
    return sum;
}

FN V sky(const World& w, V n) {
    const float* c = w.scene;
    float t = 0.5f + 0.5f * n.z;
    return mix(v(c[AROUND], c[AROUND + 1], c[AROUND + 2]), v(c[ABOVE], c[ABOVE + 1], c[ABOVE + 2]), t);
}

FN V shade(const World& w, V p, V d, const Surface& s) {
    float open = open_sky(w, p + s.normal * 0.01f, s.normal);
    V light = lamps(w, p, d, s, true) + s.color * (1 - s.metallic) * sky(w, s.normal) * open;
    V base = mix(v(0.04f, 0.04f, 0.04f), s.color, s.metallic), r = d - s.normal * (2 * dot(d, s.normal));
    float edge = powf(1 - clampf(-dot(d, s.normal), 0, 1), 5) * (1 - s.rough) * 0.9f;
    V strength = mix(base, v(1, 1, 1), edge);
    if (strength.x + strength.y + strength.z < 0.2f && s.rough > 0.35f) return light + strength * around(w, r, 1) * open;
    V seen = around(w, r, s.rough);
    if (r.z < 0 || s.rough < 0.75f) {
        Hit hit = trace(w, p + s.normal * 0.015f, r, 200, -1, -1);
        if (hit.shape != -1) {
            Surface other = surface(w, p + s.normal * 0.015f, r, hit);
            V there = other.color * (lamps(w, p + r * hit.t, r, other, false) * 0.75f + sky(w, other.normal) * 0.7f) + (other.metallic > 0.5f ? other.color * around(w, other.normal, 1) * 0.5f : v(0, 0, 0));
            seen = mix(there, seen, s.rough * s.rough * 0.5f);
        }
    }
    return light + strength * seen * (0.4f + 0.6f * open);
}

FN V ray(const World& w, V o, V d, int* instance) {
    V sum = v(0, 0, 0);
    float left = 1;
    int skip = -1, skip2 = -1;
    *instance = 0;
    for (int k = 0; k < 3; k++) {
        Hit hit = trace(w, o, d, 1e4f, skip, skip2);
        if (hit.shape == -1) return sum + around(w, d, 0.3f) * left;
        Surface s = surface(w, o, d, hit);
        if (*instance == 0) *instance = s.instance;
        V light = shade(w, o + d * hit.t, d, s);
        if (s.alpha > 0.99f || k == 2) return sum + light * left;
        float share = s.alpha + (1 - s.alpha) * 0.8f * powf(1 - fabsf(dot(s.normal, d)), 2.5f);
        sum = sum + light * (left * share);
        left *= 1 - share;
        skip2 = skip;
        skip = hit.shape;
    }
    return sum;
}

FN void pixel(World w, const float* scenes, int scene, int x, int y, int size, int samples, float* out, unsigned char* index) {
    w.scene = scenes + (size_t)scene * SCENE;
    const float* c = w.scene;
    V sum = v(0, 0, 0);
    size_t at = ((size_t)scene * size + y) * size + x;
    for (int k = 0; k < samples; k++) {
        float sx = samples == 1 ? 0.5f : (k % 2 + 0.25f + 0.5f * (k / 2 % 2)) / 2, sy = samples == 1 ? 0.5f : (k / 2 % 2 + 0.75f - 0.5f * (k % 2)) / 2;
        float a = ((x + sx) / size * 2 - 1) * c[WIDE], b = (1 - (y + sy) / size * 2) * c[WIDE];
        V d = unit(v(c[AHEAD], c[AHEAD + 1], c[AHEAD + 2]) + v(c[RIGHT], c[RIGHT + 1], c[RIGHT + 2]) * a + v(c[UP], c[UP + 1], c[UP + 2]) * b);
        int instance;
        V light = ray(w, v(c[EYE], c[EYE + 1], c[EYE + 2]), d, &instance);
        sum = sum + v(fminf(light.x, 20.0f), fminf(light.y, 20.0f), fminf(light.z, 20.0f));
        if (k == 0) index[at] = (unsigned char)instance;
    }
    out[at * 3] = sum.x / samples;
    out[at * 3 + 1] = sum.y / samples;
    out[at * 3 + 2] = sum.z / samples;
}

#ifdef __CUDACC__
__global__ void pixels(World w, const float* scenes, int count, int size, int samples, float* out, unsigned char* index) {
    int x = blockIdx.x * 8 + threadIdx.x, y = blockIdx.y * 8 + threadIdx.y, scene = blockIdx.z;
    if (x < size && y < size) pixel(w, scenes, scene, x, y, size, samples, out, index);
}
#endif

extern "C" int render(World w, const float* scenes, int count, int size, int samples, float* out, unsigned char* index) {
#ifdef __CUDACC__
    dim3 blocks((size + 7) / 8, (size + 7) / 8, count), threads(8, 8);
    pixels<<<blocks, threads>>>(w, scenes, count, size, samples, out, index);
    return (int)cudaDeviceSynchronize();
#else
    for (int scene = 0; scene < count; scene++)
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++) pixel(w, scenes, scene, x, y, size, samples, out, index);
    return 0;
#endif
}
