/* Parameters on the real line, and what a regression makes of simulations, as C programs use them.
 */
#include "core/base/base.h"
#include "tests/support/check.h"
#include <math.h>

static int the_line(void)
{
    const double low[] = {-1, 0, -INFINITY, -INFINITY}, high[] = {2, INFINITY, 3, INFINITY};
    const double theta[] = {0.5, 1, 2, -7, -0.99, 1e-4, -50, 3};
    double line[8], back[8], slope[2], again[2];
    imnn_line_to(line, slope, 2, 4, theta, low, high);
    CHECK(line[0] == 0 && line[1] == 0 && line[2] == 0 && line[3] == -7);
    CHECK(fabs(slope[0] - log(3 / (1.5 * 1.5))) < 1e-14);
    imnn_line_from(back, again, 2, 4, line, low, high);
    for (int i = 0; i < 2; i++) CHECK(fabs(again[i] - slope[i]) < 1e-13);
    for (int i = 0; i < 8; i++) CHECK(fabs(back[i] - theta[i]) < 1e-13 * fabs(theta[i]) + 1e-15);
    const double ends[] = {-1, 0, 3, 0, 5, -5, 5, 0};
    imnn_line_to(line, NULL, 2, 4, ends, low, high);
    for (int i = 0; i < 8; i++) CHECK(isfinite(line[i]));
    imnn_line_from(line, NULL, 2, 4, line, low, high);
    CHECK(line[0] >= -1 && line[4] <= 2 && line[5] >= 0 && line[6] <= 3);
    imnn_line_to(line, slope, 1, 4, theta, NULL, NULL);
    CHECK(!memcmp(line, theta, 4 * sizeof *line) && slope[0] == 0);
    return 0;
}

/* theta = 1 + 2 s: what is left is nothing, so everything comes to 1 + 2 * 5. */
static int a_straight_line(void)
{
    double theta[40], s[40], d[40], out[40], kernel[40], slope[2], delta, ridge, target = 5;
    for (int i = 0; i < 40; i++)
        s[i] = 0.3 * i - 1, theta[i] = 1 + 2 * s[i], d[i] = fabs(s[i] - target);
    imnn_regression r = {.n = 40,
                         .n_params = 1,
                         .n_summaries = 1,
                         .theta = theta,
                         .summaries = s,
                         .target = &target,
                         .distances = d};
    for (int kind = 0; kind < 2; kind++) {
        r.heteroscedastic = kind;
        CHECK(imnn_regression_adjust(out, kernel, slope, &delta, &ridge, &r) == IMNN_OK);
        double sum = 0;
        for (int i = 0; i < 40; i++) {
            CHECK(fabs(out[i] - 11) < 1e-9);
            sum += kernel[i];
        }
        CHECK(fabs(sum - 1) < 1e-12 && fabs(slope[0] - 11) < 1e-9 && fabs(slope[1] - 2) < 1e-9);
    }
    r.ridge = -1;
    CHECK(imnn_regression_adjust(out, kernel, NULL, NULL, &ridge, &r) == IMNN_OK && ridge == 1e-8);
    d[3] = NAN;
    CHECK(imnn_regression_adjust(out, kernel, NULL, NULL, NULL, &r) == IMNN_EVALUE);
    CHECK(strstr(imnn_last_error(), "regression: distances hold"));
    d[3] = 1;
    imnn_test_fail_alloc(0);
    CHECK(imnn_regression_adjust(out, kernel, NULL, NULL, NULL, &r) == IMNN_ENOMEM);
    return 0;
}

int main(void) { return the_line() || a_straight_line(); }
