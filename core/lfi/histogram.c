/* Densities of points on grids: histograms whose bins have the grid points as centres, and their
 * smoothing. */
#include "core/lfi/density.h"
#include <math.h>
#include <string.h>

typedef struct axis {
    double low, step; /* edge of the first bin, width of all */
    int n;
} axis;

static axis axis_of(int n, double lo, double hi)
{
    const double step = n > 1 ? (hi - lo) / (n - 1) : NAN;
    return (axis){lo - step / 2, step, n};
}

static double edge(const axis *a, int i) { return a->low + i * a->step; }

/* The bin that x is in, -1 outside. The last bin has both of its edges. */
static int bin_of(const axis *a, double x)
{
    if (!(x >= a->low && x <= edge(a, a->n))) return -1;
    int i = (int)((x - a->low) / a->step);
    if (i > a->n - 1) i = a->n - 1;
    if (i > 0 && x < edge(a, i)) i--; /* the division rounds */
    if (i < a->n - 1 && x >= edge(a, i + 1)) i++;
    return i;
}

double imnn_histogram(double *out, int nx, double xlo, double xhi, int ny, double ylo, double yhi,
                      int64_t n, const double *x, const double *y, int64_t stride,
                      const double *weight)
{
    const axis a = axis_of(nx, xlo, xhi), b = axis_of(ny, ylo, yhi);
    double inside = 0;
    memset(out, 0, (size_t)nx * (size_t)ny * sizeof *out);
    for (int64_t i = 0; i < n; i++) {
        const int p = bin_of(&a, x[i * stride]), q = ny > 1 ? bin_of(&b, y[i * stride]) : 0;
        if (p < 0 || q < 0) continue;
        const double w = weight ? weight[i] : 1;
        out[(int64_t)p * ny + q] += w, inside += w;
    }
    return inside;
}

/* A density instead of sums. */
static void normalise(double *out, int64_t cells, double inside, double cell)
{
    for (int64_t i = 0; i < cells; i++) out[i] /= inside * cell;
}

void imnn_lfi_density1(double *out, int nx, double lo, double hi, int64_t n, const double *x,
                       int64_t stride, const double *weight)
{
    const double inside = imnn_histogram(out, nx, lo, hi, 1, 0, 0, n, x, NULL, stride, weight);
    normalise(out, nx, inside, axis_of(nx, lo, hi).step);
}

void imnn_lfi_density2(double *out, int nx, double xlo, double xhi, int ny, double ylo, double yhi,
                       int64_t n, const double *x, const double *y, int64_t stride,
                       const double *weight)
{
    const axis a = axis_of(nx, xlo, xhi), b = axis_of(ny, ylo, yhi);
    const double inside = imnn_histogram(out, nx, xlo, xhi, ny, ylo, yhi, n, x, y, stride, weight);
    normalise(out, (int64_t)nx * ny, inside, a.step * b.step);
}

/* ---- smoothing ---- */

/* Index i mirrored about the centres of the first and the last cell until it is inside. */
static int mirrored(int64_t i, int n)
{
    const int64_t period = n > 1 ? 2 * (int64_t)(n - 1) : 1;
    i %= period;
    if (i < 0) i += period;
    return (int)(i < n ? i : period - i);
}

/* Lines of n cells, `step` apart, are folded with the weights; `line` has room for one. */
static void smooth_line(double *cells, int n, int64_t step, const double *weight, int radius,
                        double *line)
{
    for (int i = 0; i < n; i++) {
        double sum = weight[0] * cells[i * step];
        for (int r = 1; r <= radius; r++)
            sum += weight[r] * (cells[mirrored((int64_t)i - r, n) * step] +
                                cells[mirrored((int64_t)i + r, n) * step]);
        line[i] = sum;
    }
    for (int i = 0; i < n; i++) cells[i * step] = line[i];
}

imnn_status imnn_lfi_smooth(double *out, const double *in, int nx, int ny, double sigma)
{
    enum { WIDEST = 1 << 20 };
    if (!(sigma >= 0 && sigma <= WIDEST))
        return imnn_fail(IMNN_EVALUE, "smoothing: sigma must be 0 to %d cells, got %g", WIDEST,
                         sigma);
    const int radius = (int)(4 * sigma + 0.5), longest = nx > ny ? nx : ny;
    const size_t bytes = (size_t)(radius + 1 + longest) * sizeof(double);
    double *weight = imnn_alloc_raw(bytes), sum = 0;
    if (!weight) return IMNN_ENOMEM;
    for (int r = 0; r <= radius; r++) {
        weight[r] = r ? exp(-0.5 * r * r / (sigma * sigma)) : 1;
        sum += r ? 2 * weight[r] : 1;
    }
    for (int r = 0; r <= radius; r++) weight[r] /= sum;
    double *line = weight + radius + 1;
    memmove(out, in, (size_t)nx * (size_t)ny * sizeof *out);
    for (int j = 0; j < ny; j++) smooth_line(out + j, nx, ny, weight, radius, line);
    for (int i = 0; i < nx && ny > 1; i++)
        smooth_line(out + (int64_t)i * ny, ny, 1, weight, radius, line);
    imnn_free(weight, bytes);
    return IMNN_OK;
}
