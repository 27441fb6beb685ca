/* Densities, smoothing and levels on grids, and the distance. */
#include "tests/support/check.h"
#include <math.h>

static bool near(double a, double b, double tolerance) { return fabs(a - b) <= tolerance; }

static int all_near(int n, const double *a, const double *b, double tolerance)
{
    for (int i = 0; i < n; i++)
        if (!near(a[i], b[i], tolerance))
            return printf("value %d: %.12g, expected %.12g\n", i, a[i], b[i]), 0;
    return 1;
}

/* Bins are [c - d/2, c + d/2), the last one closed; what is outside does not count. */
static int bins_have_centres(void)
{
    const double x[] = {-0.51, -0.5, 0.49, 0.5, 1.2, 1.5, 2.5, 2.51, NAN, INFINITY};
    double f[3];
    imnn_lfi_density1(f, 3, 0, 2, 10, x, 1, NULL);
    CHECK(all_near(3, f, (double[]){2. / 6, 2. / 6, 2. / 6}, 1e-15));
    imnn_lfi_density1(f, 3, 0, 4, 5, x, 2, NULL); /* every other: -0.51, 0.49, 1.2, 2.5, NaN */
    CHECK(all_near(3, f, (double[]){2. / 8, 2. / 8, 0}, 1e-15));
    const double weight[] = {5, 1, 2, 4, 5};
    imnn_lfi_density1(f, 3, 0, 2, 5, x, 1, weight); /* -0.5, 0.49 | 0.5, 1.2 | nothing */
    CHECK(all_near(3, f, (double[]){3. / 12, 9. / 12, 0}, 1e-15));
    imnn_lfi_density1(f, 3, 5, 6, 10, x, 1, NULL);
    CHECK(isnan(f[0]) && isnan(f[1]) && isnan(f[2]));
    return 0;
}

/* An edge as the sum of the range and steps rounds differently than the quotient. */
static int edges_belong_to_the_upper_bin(void)
{
    enum { N = 200 };
    const double lo = -10, hi = 10, step = (hi - lo) / (N - 1);
    for (int i = 0; i < N; i++) {
        double f[N], x = lo - step / 2 + i * step;
        imnn_lfi_density1(f, N, lo, hi, 1, &x, 1, NULL);
        CHECK(near(f[i], 1 / step, 1e-12));
    }
    return 0;
}

static int pairs(void)
{
    const double xy[] = {0, 0, 1, 3, 1, 3, 1, 0, 9, 0};
    double f[4];
    imnn_lfi_density2(f, 2, 0, 1, 2, 0, 3, 5, xy, xy + 1, 2, NULL);
    CHECK(all_near(4, f, (double[]){1. / 12, 0, 1. / 12, 2. / 12}, 1e-15));
    imnn_lfi_density2(f, 2, 0, 1, 2, 0, 3, 5, xy, xy + 1, 2, (double[]){1, 1, 1, 3, 7});
    CHECK(all_near(4, f, (double[]){1. / 18, 0, 3. / 18, 2. / 18}, 1e-15));
    return 0;
}

/* Sums of mirrored cells, as in scipy.ndimage.gaussian_filter(mode="mirror"), by a script. */
static int smoothing_mirrors(void)
{
    const double x[] = {1, 2, 4, 8, 16};
    double y[12], cell[12] = {0};
    CHECK(imnn_lfi_smooth(y, x, 5, 1, 1) == IMNN_OK);
    CHECK(all_near(5, y,
                   (double[]){1.8739506372563, 2.6384339635967, 4.9787267613396, 8.5935825727865,
                              10.7045627672983},
                   1e-9));
    CHECK(imnn_lfi_smooth(y, x, 5, 1, 0) == IMNN_OK && all_near(5, y, x, 0));
    CHECK(imnn_lfi_smooth(y, x, 1, 1, 3) == IMNN_OK && near(y[0], 1, 1e-15));
    cell[5] = 1;
    CHECK(imnn_lfi_smooth(y, cell, 3, 4, 0.5) == IMNN_OK);
    CHECK(all_near(12, y,
                   (double[]){0.0453270674151, 0.1675182992486, 0.0226635337075, 0.0001123545670,
                              0.1675744765321, 0.6193162917215, 0.0837872382660, 0.0004153755985,
                              0.0453270674151, 0.1675182992486, 0.0226635337075, 0.0001123545670},
                   1e-9));
    CHECK(imnn_lfi_smooth(cell, cell, 3, 4, 0.5) == IMNN_OK && all_near(12, cell, y, 0));
    CHECK(imnn_lfi_smooth(y, x, 5, 1, NAN) == IMNN_EVALUE);
    CHECK(says("smoothing: sigma must be 0 to 1048576 cells, got nan"));
    return 0;
}

enum { NODES = 201, MANY = 501 };
static double grid[NODES * NODES];

static double level_of_normal(double p)
{
    for (int i = 0; i < NODES; i++) grid[i] = exp(-0.5 * pow((i - 100) * 0.05, 2));
    return imnn_lfi_level(grid, NODES, 1, p);
}

/* correlation 0.5 */
static double level_of_pair(double p)
{
    for (int i = 0; i < NODES; i++)
        for (int j = 0; j < NODES; j++) {
            const double x = (i - 100) * 0.05, y = (j - 100) * 0.05;
            grid[i * NODES + j] = exp(-(x * x - x * y + y * y) / 1.5);
        }
    return imnn_lfi_level(grid, NODES, NODES, p);
}

static double level_of_exponential(double p)
{
    for (int i = 0; i < MANY; i++) grid[i] = exp(-i * 0.02);
    return imnn_lfi_level(grid, MANY, 1, p);
}

/* Densities with peak 1. Of one dimension the exact ones are 0.609892, 0.146500, 0.036245 and
 * 0.320031, 0.050043, of two 1 - p. */
static int levels_enclose_mass(void)
{
    CHECK(near(level_of_normal(0.68), 0.609864, 1e-6) &&
          near(level_of_normal(0.95), 0.146505, 1e-6));
    CHECK(near(level_of_normal(0.99), 0.036275, 1e-6));
    CHECK(near(level_of_exponential(0.68), 0.320065, 1e-6));
    CHECK(near(level_of_exponential(0.95), 0.050050, 1e-6));
    CHECK(near(level_of_pair(0.3935), 0.605521, 1e-6) && near(level_of_pair(0.68), 0.319819, 1e-6));
    CHECK(near(level_of_pair(0.95), 0.0495388, 1e-7) &&
          near(level_of_pair(0.99), 0.00998505, 1e-8));
    return 0;
}

static int odd_levels(void)
{
    const double flat[] = {2, 2, 2}, none[] = {0, 0, 0}, bad[] = {1, NAN, 1};
    CHECK(imnn_lfi_level(flat, 3, 1, 0.68) == 2 && imnn_lfi_level(none, 3, 1, 0.5) == 0);
    CHECK(isnan(imnn_lfi_level(bad, 3, 1, 0.5)) && isnan(imnn_lfi_level(bad, 0, 1, 0.5)));
    CHECK(imnn_lfi_level(flat, 1, 1, 0.5) == 2);
    return 0;
}

/* ---- the distance ---- */

static imnn_node constant(imnn_graph *g, imnn_dtype dtype, imnn_shape shape, const double *x)
{
    imnn_array *a = NULL;
    imnn_status st = imnn_array_from(&a, dtype, &shape, x);
    imnn_node y = st == IMNN_OK ? imnn_graph_constant(g, a) : 0;
    imnn_array_release(a);
    return y;
}

/** A number as f64, NaN where it is none. */
static double number_of(imnn_graph *g, imnn_node y)
{
    imnn_program *p = NULL;
    imnn_array *a = NULL;
    double x = NAN;
    if (imnn_graph_status(g) == IMNN_OK && imnn_program_new(&p, g, 0, NULL, 1, &y) == IMNN_OK &&
        imnn_program_run(p, NULL, &a) == IMNN_OK && imnn_array_dtype(a) == IMNN_F64)
        x = *(const double *)imnn_array_data(a);
    imnn_array_release(a);
    imnn_program_release(p);
    return x;
}

static int distances(void)
{
    const imnn_shape pair = {1, {2}}, matrix = {2, {2, 2}};
    imnn_graph *g = NULL;
    CHECK(imnn_graph_new(&g) == IMNN_OK);
    imnn_node s = constant(g, IMNN_F32, pair, (double[]){1, 2});
    imnn_node target = constant(g, IMNN_F64, pair, (double[]){0.5, 1});
    imnn_node F = constant(g, IMNN_F64, matrix, (double[]){2, 0.5, 0.5, 3});
    CHECK(near(number_of(g, imnn_lfi_distance(g, s, target, F)), 2, 1e-15));
    CHECK(near(number_of(g, imnn_lfi_distance(g, s, target, 0)), sqrt(1.25), 1e-15));
    imnn_lfi_distance(g, s, target, s);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE);
    CHECK(says("lfi.distance: estimates (2), those of the target (2) and Fisher information (2) do "
               "not fit"));
    imnn_lfi_distance(g, s, F, 0);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE);
    CHECK(says("lfi.distance: estimates (2), those of the target (2, 2) do not fit"));
    imnn_graph_release(g);
    return 0;
}

int main(void)
{
    return bins_have_centres() || edges_belong_to_the_upper_bin() || pairs() ||
           smoothing_mirrors() || levels_enclose_mass() || odd_levels() || distances();
}
