/* Lotka-Volterra by RK4 with its derivatives in the four parameters, as one would write it by hand:
 * all steps of a vector of trajectories stay in registers. Vectors are as wide as the CPU's. */
#include <stddef.h>

#ifdef __AVX512F__
enum { LANES = 16 };
#else
enum { LANES = 8 };
#endif
typedef float v __attribute__((vector_size(4 * LANES), aligned(4)));

/* x' = t1 x - t2 x y, y' = t4 x y - t3 y; d is derivatives, one for each parameter. */
static inline void slope(const v *t, v x, v y, const v *dx, const v *dy, v *a, v *b, v *da, v *db)
{
    const v xy = x * y;
    *a = t[0] * x - t[1] * xy, *b = t[3] * xy - t[2] * y;
    for (int p = 0; p < 4; p++) {
        const v dxy = dx[p] * y + x * dy[p];
        da[p] = t[0] * dx[p] - t[1] * dxy, db[p] = t[3] * dxy - t[2] * dy[p];
    }
    da[0] += x, da[1] -= xy, db[2] -= y, db[3] += xy;
}

static void step(const v *t, float h, v *x, v *y, v *dx, v *dy)
{
    v a[4], b[4], da[4][4], db[4][4];
    slope(t, *x, *y, dx, dy, &a[0], &b[0], da[0], db[0]);
    for (int k = 1; k < 4; k++) {
        const float c = k < 3 ? h / 2 : h;
        v ex[4], ey[4];
        for (int p = 0; p < 4; p++)
            ex[p] = dx[p] + c * da[k - 1][p], ey[p] = dy[p] + c * db[k - 1][p];
        slope(t, *x + c * a[k - 1], *y + c * b[k - 1], ex, ey, &a[k], &b[k], da[k], db[k]);
    }
    *x += h / 6 * (a[0] + 2 * a[1] + 2 * a[2] + a[3]);
    *y += h / 6 * (b[0] + 2 * b[1] + 2 * b[2] + b[3]);
    for (int p = 0; p < 4; p++) {
        dx[p] += h / 6 * (da[0][p] + 2 * da[1][p] + 2 * da[2][p] + da[3][p]);
        dy[p] += h / 6 * (db[0][p] + 2 * db[1][p] + 2 * db[2][p] + db[3][p]);
    }
}

/* out (n, 2, 4): derivatives of the last state; theta (n, 4), n a multiple of 16. */
void loops_lotka_volterra(float *out, const float *theta, size_t n, int steps, float h)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i += LANES) {
        v t[4], x = (v){0} + 1, y = (v){0} + 0.5f, dx[4] = {0}, dy[4] = {0};
        for (int p = 0; p < 4; p++)
            for (int l = 0; l < LANES; l++) t[p][l] = theta[4 * (i + (size_t)l) + (size_t)p];
        for (int s = 0; s < steps; s++) step(t, h, &x, &y, dx, dy);
        for (int p = 0; p < 4; p++)
            for (int l = 0; l < LANES; l++) {
                out[8 * (i + (size_t)l) + (size_t)p] = dx[p][l];
                out[8 * (i + (size_t)l) + 4 + (size_t)p] = dy[p][l];
            }
    }
}
