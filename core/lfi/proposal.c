/* Mixtures of kernels around particles: proposals of population Monte Carlo and their densities. */
#include "core/kernels/isa.h"
#include "core/lfi/sampler.h"
#include "imnn/samples.h"
#include <string.h>

struct imnn_proposal {
    imnn_proposal_kind kind;
    imnn_kernel_shape shape;
    int64_t n, P;
    size_t bytes;
    double constant;    /* what all log-densities have in common */
    double *cumulative; /* (n) */
    int64_t *guide; /* (n): the ancestor at u = k / n, or one before it; the search begins there:
                       Chen & Asau 1974, AIIE Trans. 6, 163 */
    double *mean,
        *narrow; /* (P), (P, P): the inverse factor of its covariance, the whole seen from afar */
    double *L;   /* (P, P), local kernels: (n, P, P) */
    double *middle; /* (P), which is subtracted before points are whitened; IMNN_PROPOSE_LOCAL:
                       the mean of what is within epsilon, */
    double *base;   /* (P, P) and the factor of its covariance; NEAREST: that of all */
    double *white;  /* (P, n) NEAREST: particles, whitened by it */
    imnn_mixture mix;
};

static bool is_local(const imnn_proposal *p) { return p->kind >= IMNN_PROPOSE_LOCAL; }

static imnn_kernel_shape shape_of(imnn_proposal_kind kind)
{
    return kind == IMNN_PROPOSE_STUDENT   ? IMNN_MIXED_STUDENT
           : kind == IMNN_PROPOSE_UNIFORM ? IMNN_MIXED_UNIFORM
                                          : IMNN_MIXED_NORMAL;
}

/* All arrays stand in one block behind the struct; its size where p is NULL. */
static size_t place(imnn_proposal *p, imnn_proposal_kind kind, int64_t n, int64_t P)
{
    const bool local = kind >= IMNN_PROPOSE_LOCAL;
    const int64_t padded = (n + IMNN_MIXTURE_PAD - 1) / IMNN_MIXTURE_PAD * IMNN_MIXTURE_PAD;
    const int64_t sizes[] = {padded,                                   /* cumulative */
                             n,                                        /* guide */
                             P,                                        /* mean */
                             P * P,                                    /* narrow */
                             local ? n * P * P : P * P,                /* L */
                             P,                                        /* middle */
                             local ? P * P : 0,                        /* base */
                             kind == IMNN_PROPOSE_NEAREST ? P * n : 0, /* white */
                             P * padded,                               /* centers */
                             padded,                                   /* weights */
                             local ? P * (P + 1) / 2 * padded : 0};    /* inverse factors */
    size_t bytes = (sizeof *p + 63) / 64 * 64;
    double *at[11];
    for (int i = 0; i < 11; i++) {
        at[i] = p ? (double *)((char *)p + bytes) : NULL;
        bytes += ((size_t)sizes[i] * sizeof(double) + 63) / 64 * 64;
    }
    if (!p) return bytes;
    p->cumulative = at[0], p->guide = (int64_t *)at[1], p->mean = at[2], p->narrow = at[3];
    p->L = at[4], p->middle = at[5], p->base = at[6], p->white = at[7];
    p->mix = (imnn_mixture){shape_of(kind), (int)P, padded, at[8], local ? at[10] : NULL, at[9]};
    return bytes;
}

/* A + t diag, t as small as will do. */
static bool factor_with(double *L, const double *A, const double *diagonal, int64_t P)
{
    for (double t = 0; t<1e-3; t = t> 0 ? 100 * t : 1e-12) {
        memcpy(L, A, (size_t)(P * P) * sizeof *L);
        for (int64_t p = 0; p < P; p++) L[p * P + p] += t * diagonal[p * P + p];
        if (imnn_factor_of(L, P)) return true;
    }
    return false;
}

static double log_det(const double *L, int64_t P)
{
    double sum = 0;
    for (int64_t p = 0; p < P; p++) sum += log(L[p * P + p]);
    return sum;
}

/* y = L^-1 (x - middle) */
static void whiten(double *y, const double *L, const double *x, const double *middle, int64_t P)
{
    for (int64_t p = 0; p < P; p++) {
        double sum = x[p] - middle[p];
        for (int64_t q = 0; q < p; q++) sum -= L[p * P + q] * y[q];
        y[p] = sum / L[p * P + p];
    }
}

/* L of L L^T + v v^T in place: Gill, Golub, Murray & Saunders 1974, Math. Comput. 28, 505. v is
 * used up. */
static void update(double *L, double *v, int64_t P)
{
    for (int64_t k = 0; k < P; k++) {
        const double r = hypot(L[k * P + k], v[k]);
        const double c = r / L[k * P + k], s = v[k] / L[k * P + k];
        L[k * P + k] = r;
        for (int64_t i = k + 1; i < P; i++) {
            L[i * P + k] = (L[i * P + k] + s * v[i]) / c;
            v[i] = c * v[i] - s * L[i * P + k];
        }
    }
}

/* ---- covariances ---- */

/* 2 C; of few particles what lies off the diagonal is not known well, and is made smaller. */
static void shrink(double *S, int64_t P, double ess)
{
    const double d = (double)P + 2, a = ess < 5 * d ? d / (ess + d) : 0;
    for (int64_t p = 0; p < P; p++)
        for (int64_t q = 0; q < P; q++) S[p * P + q] *= p == q ? 2 : 2 * (1 - a);
}

/* Half the range of the particles that have weight. */
static void half_ranges(double *L, int64_t n, int64_t P, const double *x, int64_t stride,
                        const double *weight)
{
    memset(L, 0, (size_t)(P * P) * sizeof *L);
    for (int64_t p = 0; p < P; p++) {
        double low = INFINITY, high = -INFINITY;
        for (int64_t i = 0; i < n; i++) {
            if (!(weight[i] > 0)) continue;
            low = fmin(low, x[i * stride + p]), high = fmax(high, x[i * stride + p]);
        }
        L[p * P + p] = (high - low) / 2;
    }
}

/* The factor (P, P) of the second moments around x of what is within epsilon. room: (P) */
static void local_factor(const imnn_proposal *p, const double *x, double *L, double *room)
{
    const int64_t P = p->P;
    memcpy(L, p->base, (size_t)(P * P) * sizeof *L);
    for (int64_t a = 0; a < P; a++) room[a] = x[a] - p->middle[a];
    update(L, room, P);
}

/* Of the particles within epsilon the mean and the covariance, and what comes of them at each. */
static bool local_moments(imnn_proposal *p, const double *x, int64_t stride, const double *weight,
                          const double *distances, double epsilon, const double *S, double *work)
{
    const int64_t n = p->n, P = p->P;
    double *mean = p->middle, *C = work, all = 0;
    memset(mean, 0, (size_t)P * sizeof *mean);
    memset(C, 0, (size_t)(P * P) * sizeof *C);
    for (int64_t i = 0; i < n; i++) {
        if (distances && !(distances[i * stride] <= epsilon)) continue;
        all += weight[i];
        for (int64_t a = 0; a < P; a++) mean[a] += weight[i] * x[i * stride + a];
    }
    if (!(all > 0)) return false;
    for (int64_t a = 0; a < P; a++) mean[a] /= all;
    for (int64_t i = 0; i < n; i++) {
        if (distances && !(distances[i * stride] <= epsilon)) continue;
        for (int64_t a = 0; a < P; a++)
            for (int64_t b = 0; b < P; b++)
                C[a * P + b] +=
                    weight[i] / all * (x[i * stride + a] - mean[a]) * (x[i * stride + b] - mean[b]);
    }
    if (!factor_with(p->base, C, S, P)) return false;
    for (int64_t i = 0; i < n; i++) local_factor(p, x + i * stride, p->L + i * P * P, C);
    return true;
}

/* Twice the covariance of the nearest ones, whitened by that of all. */
static imnn_status nearest_moments(imnn_proposal *p, const double *x, int64_t stride,
                                   const double *weight, const double *S, const double *L,
                                   double *work)
{
    const int64_t n = p->n, P = p->P;
    int64_t k = n / 4 > P + 2 ? n / 4 : P + 2;
    if (k > n) k = n;
    double *d2 = work, *sorted = d2 + n, *w = sorted + n, *A = w + n, *y = A + P * P;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            whiten(y, L, x + j * stride, x + i * stride, P);
            d2[j] = 0;
            for (int64_t a = 0; a < P; a++) d2[j] += y[a] * y[a];
        }
        memcpy(sorted, d2, (size_t)n * sizeof *sorted);
        const double far = imnn_nth(sorted, n, k - 1);
        for (int64_t j = 0; j < n; j++) w[j] = d2[j] <= far ? weight[j] : 0;
        const imnn_status st = imnn_samples_cov(A, n, P, x, stride, w);
        if (st != IMNN_OK && st != IMNN_EVALUE) return st;
        const bool known = st == IMNN_OK; /* EVALUE: one has all the weight, or none has any */
        for (int64_t a = 0; a < P * P && known; a++) A[a] *= 2;
        for (int64_t a = 0; a < P && known; a++) A[a * P + a] *= 1 + 1e-8;
        if (!factor_with(p->L + i * P * P, known ? A : S, S, P)) return IMNN_EVALUE;
    }
    memcpy(p->base, L, (size_t)(P * P) * sizeof *L);
    for (int64_t i = 0; i < n; i++) {
        whiten(y, L, x + i * stride, p->middle, P);
        for (int64_t a = 0; a < P; a++) p->white[a * n + i] = y[a];
    }
    return IMNN_OK;
}

/* ---- what kernels read ---- */

static void fill_shared(imnn_proposal *p, const double *x, int64_t stride, double *y)
{
    double *center = (double *)p->mix.center;
    for (int64_t i = 0; i < p->n; i++) {
        whiten(y, p->L, x + i * stride, p->middle, p->P);
        for (int64_t a = 0; a < p->P; a++) center[a * p->mix.n + i] = y[a];
    }
}

/* Of a lower triangular matrix. */
static void invert(double *inverse, const double *L, int64_t P)
{
    memset(inverse, 0, (size_t)(P * P) * sizeof *inverse);
    for (int64_t c = 0; c < P; c++)
        for (int64_t r = c; r < P; r++) {
            double sum = r == c;
            for (int64_t k = c; k < r; k++) sum -= L[r * P + k] * inverse[k * P + c];
            inverse[r * P + c] = sum / L[r * P + r];
        }
}

/* Centers as they are, and the inverse of each factor. */
static void fill_local(imnn_proposal *p, const double *x, int64_t stride, double *inverse)
{
    const int64_t P = p->P, m = p->mix.n;
    double *center = (double *)p->mix.center, *factor = (double *)p->mix.factor;
    double *weight = (double *)p->mix.weight;
    for (int64_t i = 0; i < p->n; i++) {
        const double *L = p->L + i * P * P;
        for (int64_t a = 0; a < P; a++) center[a * m + i] = x[i * stride + a];
        invert(inverse, L, P);
        for (int64_t r = 0, at = 0; r < P; r++)
            for (int64_t c = 0; c <= r; c++, at++) factor[at * m + i] = inverse[r * P + c];
        weight[i] -= log_det(L, P);
    }
}

static double constant_of(const imnn_proposal *p)
{
    const double P = (double)p->P, pi = 3.141592653589793;
    if (is_local(p)) return -P / 2 * log(2 * pi);
    const double det = log_det(p->L, p->P);
    switch (p->shape) {
    case IMNN_MIXED_NORMAL: return -P / 2 * log(2 * pi) - det;
    case IMNN_MIXED_STUDENT: return lgamma((5 + P) / 2) - lgamma(2.5) - P / 2 * log(5 * pi) - det;
    default: return -P * log(2) - det;
    }
}

/* ---- making one ---- */

/* Weights that add up to 1, their sums so far, and what the mixture has of them. */
static void fill_weights(imnn_proposal *p, const double *log_weight, int64_t stride, double *weight)
{
    const double all = imnn_log_sum(p->n, log_weight, stride);
    double *held = (double *)p->mix.weight, sum = 0;
    for (int64_t i = 0; i < p->mix.n; i++) {
        const double l = i < p->n ? log_weight[i * stride] - all : -INFINITY;
        held[i] = p->shape == IMNN_MIXED_NORMAL ? l : exp(l);
        if (i >= p->n) continue;
        weight[i] = exp(l);
        p->cumulative[i] = sum += weight[i];
    }
    for (int64_t i = 0, k = 0; k < p->n; k++) { /* not after it, however u is rounded */
        const double u = (1 - 1e-15) * (double)k / (double)p->n * sum;
        while (i < p->n - 1 && p->cumulative[i] <= u) i++;
        p->guide[k] = i;
    }
}

/* The covariance of the mixture is that of the particles, S / 2, and that of a kernel. L: room */
static void from_afar(imnn_proposal *p, const double *S, double *L)
{
    const int64_t P = p->P;
    const double more = p->shape == IMNN_MIXED_STUDENT ? 5.0 / 3 : 1;
    for (int64_t a = 0; a < P * P; a++) {
        const double half = p->L[a]; /* of the box, on the diagonal */
        L[a] = S[a] / 2 + (p->shape == IMNN_MIXED_UNIFORM ? half * half / 3 : more * S[a]);
    }
    if (imnn_factor_of(L, P)) invert(p->narrow, L, P);
    else memset(p->narrow, 0, (size_t)(P * P) * sizeof *L); /* as dense everywhere */
}

static imnn_status fill(imnn_proposal *p, int64_t stride, const double *theta,
                        const double *log_weight, const double *distances, double epsilon,
                        const double *covariance, double *work)
{
    const int64_t n = p->n, P = p->P;
    double *weight = work, *S = weight + n, *L = S + P * P, *rest = L + P * P;
    double squares = 0;
    fill_weights(p, log_weight, stride, weight);
    imnn_status st = imnn_samples_mean(p->middle, n, P, theta, stride, weight);
    if (st == IMNN_OK) st = imnn_samples_cov(S, n, P, theta, stride, weight);
    if (st == IMNN_EVALUE)
        return imnn_fail(IMNN_EVALUE, "proposal: one particle has all of the weight");
    if (st != IMNN_OK) return st;
    for (int64_t a = 0; a < P && !covariance; a++)
        if (!(S[a * P + a] > 0) || !isfinite(S[a * P + a]))
            return imnn_fail(IMNN_EVALUE,
                             "proposal: parameter %d has no spread among the particles",
                             (int)a + 1);
    for (int64_t i = 0; i < n; i++) squares += weight[i] * weight[i];
    shrink(S, P, 1 / squares);
    if (covariance) memcpy(S, covariance, (size_t)(P * P) * sizeof *S);
    bool good = factor_with(L, S, S, P);
    memcpy(p->mean, p->middle, (size_t)P * sizeof *L);
    if (good && p->kind == IMNN_PROPOSE_LOCAL)
        good = local_moments(p, theta, stride, weight, distances, epsilon, S, rest);
    else if (good && p->kind == IMNN_PROPOSE_NEAREST)
        st = nearest_moments(p, theta, stride, weight, S, L, rest);
    else if (p->kind == IMNN_PROPOSE_UNIFORM) half_ranges(p->L, n, P, theta, stride, weight);
    else memcpy(p->L, L, (size_t)(P * P) * sizeof *L);
    if (st != IMNN_OK && st != IMNN_EVALUE) return st;
    if (!good || st != IMNN_OK)
        return imnn_fail(IMNN_EVALUE, "proposal: the covariance of the particles is singular");
    if (is_local(p)) fill_local(p, theta, stride, rest);
    else fill_shared(p, theta, stride, rest);
    p->constant = constant_of(p);
    from_afar(p, S, L);
    return IMNN_OK;
}

imnn_status imnn_proposal_new(imnn_proposal **out, imnn_proposal_kind kind, int64_t n,
                              int64_t n_params, int64_t stride, const double *theta,
                              const double *log_weight, const double *distances, double epsilon,
                              const double *covariance)
{
    *out = NULL;
    if (n < 2 || n_params < 1)
        return imnn_fail(IMNN_EVALUE,
                         "proposal: needs two particles of one parameter, got %lld of "
                         "%lld",
                         (long long)n, (long long)n_params);
    const size_t bytes = place(NULL, kind, n, n_params);
    const size_t room = (size_t)(4 * n + 5 * n_params * (n_params + 1)) * sizeof(double);
    imnn_proposal *p = imnn_alloc(bytes);
    double *work = p ? imnn_alloc(room) : NULL;
    imnn_status st = IMNN_ENOMEM;
    if (work) {
        p->kind = kind, p->shape = shape_of(kind), p->n = n, p->P = n_params, p->bytes = bytes;
        place(p, kind, n, n_params);
        st = fill(p, stride, theta, log_weight, distances, epsilon, covariance, work);
    }
    imnn_free(work, room);
    if (st != IMNN_OK && p) imnn_free(p, bytes);
    else *out = p;
    return st;
}

void imnn_proposal_release(imnn_proposal *p)
{
    if (p) imnn_free(p, p->bytes);
}

/* ---- using it ---- */

int64_t imnn_proposal_ancestor(const imnn_proposal *p, double u)
{
    int64_t at = p->guide[(int64_t)(u * (double)p->n)];
    u *= p->cumulative[p->n - 1]; /* 1, but for rounding */
    while (at < p->n - 1 && p->cumulative[at] <= u) at++;
    return at;
}

double imnn_proposal_fall(const imnn_proposal *p, const double *x)
{
    const int64_t P = p->P;
    double squares = 0;
    for (int64_t a = 0; a < P; a++) {
        double sum = 0;
        for (int64_t b = 0; b <= a; b++) sum += p->narrow[a * P + b] * (x[b] - p->mean[b]);
        squares += sum * sum;
    }
    return -squares / 2;
}

const double *imnn_proposal_factor(const imnn_proposal *p, int64_t ancestor)
{
    return p->L + (is_local(p) ? ancestor * p->P * p->P : 0);
}

static void move(const double *L, const double *from, const double *z, double *out, int64_t P)
{
    for (int64_t a = 0; a < P; a++) {
        double sum = from[a];
        for (int64_t b = 0; b <= a; b++) sum += L[a * P + b] * z[b];
        out[a] = sum;
    }
}

void imnn_proposal_move(const imnn_proposal *p, int64_t ancestor, const double *from,
                        const double *z, double *out)
{
    move(imnn_proposal_factor(p, ancestor), from, z, out, p->P);
}

/* ---- kernels at any point ---- */

static int64_t nearest_to(const imnn_proposal *p, const double *x, double *y)
{
    const int64_t n = p->n, P = p->P;
    int64_t best = 0;
    double least = INFINITY;
    whiten(y, p->base, x, p->middle, P);
    for (int64_t i = 0; i < n; i++) {
        double d2 = 0;
        for (int64_t a = 0; a < P; a++) {
            const double d = p->white[a * n + i] - y[a];
            d2 += d * d;
        }
        if (d2 < least) least = d2, best = i;
    }
    return best;
}

/* room: (P, P + 1) */
static const double *factor_at(const imnn_proposal *p, const double *x, double *room)
{
    const int64_t P = p->P;
    if (p->kind == IMNN_PROPOSE_NEAREST) return imnn_proposal_factor(p, nearest_to(p, x, room));
    if (p->kind != IMNN_PROPOSE_LOCAL) return p->L;
    return local_factor(p, x, room, room + P * P), room;
}

void imnn_proposal_move_from(const imnn_proposal *p, const double *from, const double *z,
                             double *out, double *room)
{
    move(factor_at(p, from, room), from, z, out, p->P);
}

static double log_move(const imnn_proposal *p, const double *from, const double *to, double *room)
{
    const int64_t P = p->P;
    const double *L = factor_at(p, from, room);
    double *y = room + P * P, squares = 0;
    whiten(y, L, to, from, P);
    for (int64_t a = 0; a < P; a++) squares += y[a] * y[a];
    return -squares / 2 - log_det(L, P);
}

double imnn_proposal_balance(const imnn_proposal *p, const double *from, const double *to,
                             double *room)
{
    return is_local(p) ? log_move(p, to, from, room) - log_move(p, from, to, room) : 0;
}

void imnn_proposal_noise(const imnn_proposal *p, const uint32_t key[2], double *z)
{
    if (p->shape == IMNN_MIXED_UNIFORM) {
        for (int64_t a = 0; a < p->P; a++) z[a] = 2 * imnn_uniform_of(key, 0, (uint32_t)a) - 1;
        return;
    }
    imnn_normals_of(key, 0, 0, p->P, z);
    if (p->shape != IMNN_MIXED_STUDENT) return;
    double five[5], sum = 0;
    imnn_normals_of(key, 1, 0, 5, five);
    for (int i = 0; i < 5; i++) sum += five[i] * five[i];
    for (int64_t a = 0; a < p->P; a++) z[a] /= sqrt(sum / 5);
}

void imnn_proposal_noise_each(const imnn_proposal *p, const uint32_t *keys, int64_t n, double *z)
{
    const int64_t P = p->P;
    if (p->shape == IMNN_MIXED_NORMAL) {
        imnn_normals_each(z, keys, n, 0, P);
        return;
    }
    for (int64_t j = 0; j < n && p->shape == IMNN_MIXED_STUDENT; j++)
        imnn_proposal_noise(p, keys + 2 * j, z + j * P);
    for (int64_t a = 0; a < P && p->shape == IMNN_MIXED_UNIFORM; a++) {
        imnn_uniform_each(z + a, P, keys, n, 0, (uint32_t)a);
        for (int64_t j = 0; j < n; j++) z[j * P + a] = 2 * z[j * P + a] - 1;
    }
}

imnn_status imnn_proposal_log_density(const imnn_proposal *p, double *out, int64_t count,
                                      int64_t stride, const double *x)
{
    enum { PART = 64 }; /* points that a thread takes */
    const int64_t P = p->P, parts = (count + PART - 1) / PART;
    const size_t bytes = (size_t)(count * P) * sizeof(double);
    double *points = imnn_alloc_raw(bytes);
    imnn_mixture_kernel *kernel = imnn_kernels()->mixture;
    if (!points) return IMNN_ENOMEM;
    const int threads = parts < imnn_threads() ? (int)parts : imnn_threads();
#pragma omp parallel for num_threads(threads > 0 ? threads : 1) schedule(dynamic)
    for (int64_t part = 0; part < parts; part++) {
        const int64_t from = part * PART, to = count - from < PART ? count : from + PART;
        for (int64_t i = from; i < to; i++)
            if (is_local(p)) memcpy(points + i * P, x + i * stride, (size_t)P * sizeof *x);
            else whiten(points + i * P, p->L, x + i * stride, p->middle, P);
        kernel(out + from, to - from, points + from * P, &p->mix);
        for (int64_t i = from; i < to; i++) out[i] += p->constant;
    }
    imnn_free(points, bytes);
    return IMNN_OK;
}
