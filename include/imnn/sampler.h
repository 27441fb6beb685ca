#ifndef IMNN_SAMPLER_H
#define IMNN_SAMPLER_H
#include "imnn/base.h"

/* Likelihood-free samplers. They call nobody: `ask` says what is wanted next, the caller finds it
 * out as it likes, and `tell` gives the answer.
 *
 *     while (imnn_sampler_ask(s, 1000, &ask) == IMNN_OK && ask.kind != IMNN_ASK_DONE) {
 *         if (ask.kind == IMNN_ASK_SIMULATE) answer.distances = ...;
 *         imnn_sampler_tell(s, &answer);
 *     }
 *
 * Attempt i of generation t depends on the key, t and i alone, and what is accepted first counts by
 * i, so results are the same however many are asked for at a time. */
typedef struct imnn_sampler imnn_sampler; /* used by one thread at a time */

#define IMNN_SAMPLER_METHOD_LIST(X)                                                         \
    X(IMNN_ABC, "abc") /* rejection: draws of the prior that come near */                   \
    X(IMNN_PMC, "pmc") /* population Monte Carlo: Beaumont et al. 2009, Biometrika 96, 983; \
                          proposals that would weigh little, where the prior is low, are    \
                          simulated seldom and weigh more */                                \
    X(IMNN_SMC, "smc") /* adaptive sequential Monte Carlo: Del Moral et al. 2012, Stat.     \
                          Comput. 22, 1009 */
typedef enum imnn_sampler_method {
#define X(name, text) name,
    IMNN_SAMPLER_METHOD_LIST(X)
#undef X
} imnn_sampler_method;

/** Kernels that particles are moved by. */
#define IMNN_PROPOSAL_LIST(X)                                                                   \
    X(IMNN_PROPOSE_NORMAL, "normal")   /* covariance 2 C, C that of the particles */            \
    X(IMNN_PROPOSE_STUDENT, "student") /* the same as shape matrix of a t with 5 degrees of     \
                                          freedom */                                            \
    X(IMNN_PROPOSE_UNIFORM, "uniform") /* by half the range of the particles, each parameter:   \
                                          Toni et al. 2009, J. R. Soc. Interface 6, 187 */      \
    X(IMNN_PROPOSE_LOCAL, "local")     /* second moments of the particles that are within the   \
                                          next epsilon, around each: Filippi et al. 2013, Stat. \
                                          Appl. Genet. Mol. Biol. 12, 87 */                     \
    X(IMNN_PROPOSE_NEAREST, "nearest") /* twice the covariance of the nearest quarter of them;  \
                                          between particles that of the nearest one */
typedef enum imnn_proposal_kind {
#define X(name, text) name,
    IMNN_PROPOSAL_LIST(X)
#undef X
} imnn_proposal_kind;

/** How much a simulation counts at the distance d < epsilon. */
#define IMNN_ACCEPTANCE_LIST(X)                                              \
    X(IMNN_ACCEPT_UNIFORM, "uniform")           /* 1 */                      \
    X(IMNN_ACCEPT_TRIANGULAR, "triangular")     /* 1 - u, u = d / epsilon */ \
    X(IMNN_ACCEPT_EPANECHNIKOV, "epanechnikov") /* 1 - u^2 */
typedef enum imnn_acceptance {
#define X(name, text) name,
    IMNN_ACCEPTANCE_LIST(X)
#undef X
} imnn_acceptance;

/** Where distances come from. */
#define IMNN_DISTANCE_LIST(X)                                                                   \
    X(IMNN_DISTANCE_GIVEN, "given") /* the caller tells them */                                 \
    X(IMNN_DISTANCE_EUCLIDEAN, "euclidean")                                                     \
    X(IMNN_DISTANCE_METRIC, "metric")     /* sqrt(d^T F d): Fisher, Mahalanobis */              \
    X(IMNN_DISTANCE_SCALED, "scaled")     /* Euclidean, summaries over the deviation of all     \
                                             simulations of the first generation */             \
    X(IMNN_DISTANCE_ADAPTIVE, "adaptive") /* over those of the last one: Prangle 2017, Bayesian \
                                             Anal. 12, 289 */
typedef enum imnn_distance_kind {
#define X(name, text) name,
    IMNN_DISTANCE_LIST(X)
#undef X
} imnn_distance_kind;

/** When to stop; 0: no such rule. */
typedef struct imnn_sampler_limits {
    double min_epsilon;    /* when epsilon is there */
    double min_acceptance; /* when fewer of at least 1000 simulations are accepted; 0, without
                              max_seconds and max_simulations: fewer than one of 10^7 */
    double min_progress;   /* when epsilon gets smaller by less than this fraction */
    double max_seconds;    /* between ask and ask, in all */
    int64_t max_simulations,
        max_generations; /* the first generation, of the prior, is not counted */
} imnn_sampler_limits;

#define IMNN_STOP_LIST(X)                                                           \
    X(IMNN_STOP_NONE, "running")                                                    \
    X(IMNN_STOP_COMPLETE, "complete") /* all that was asked for was done */         \
    X(IMNN_STOP_EPSILON, "min_epsilon")                                             \
    X(IMNN_STOP_ACCEPTANCE, "min_acceptance")                                       \
    X(IMNN_STOP_PROGRESS, "min_progress")                                           \
    X(IMNN_STOP_GENERATIONS, "max_generations")                                     \
    X(IMNN_STOP_SIMULATIONS, "max_simulations")                                     \
    X(IMNN_STOP_SECONDS, "max_seconds")                                             \
    X(IMNN_STOP_WEIGHTS, "weights") /* one particle has nearly all of the weight */ \
    X(IMNN_STOP_ASKED, "interrupted")
typedef enum imnn_stop_reason {
#define X(name, text) name,
    IMNN_STOP_LIST(X)
#undef X
} imnn_stop_reason;

typedef struct imnn_sampler_options {
    const char *who; /* for messages */
    imnn_sampler_method method;
    uint32_t key[2];
    bool shares;            /* the first generation has a key of its own: the draws of samplers */
    uint32_t shared_key[2]; /* for several data can be the same, and one answer serves them all */
    int64_t n;              /* particles; ABC: how many are wanted */
    int32_t n_params, n_summaries;
    int32_t repeats;        /* simulations of each proposal, 1 or more: Toni et al. 2009 */
    int64_t pilot;          /* draws of the prior, the n nearest of which begin; ABC: of which the n
                               nearest are taken; 0: n (or see epsilon) */
    double epsilon;         /* draws of the prior until n are within epsilon, instead; 0: no */
    const double *schedule; /* the following epsilons, falling; NULL: by quantiles */
    int32_t n_schedule;
    double alpha; /* PMC: the quantile of the distances that is the next epsilon, 0.5;
                     SMC: what is left of the effective sample size, 0.9 */
    imnn_proposal_kind proposal;
    imnn_acceptance acceptance;
    imnn_distance_kind distance;
    const double *target;     /* (S) summaries of the data, unless distances are given */
    const double *metric;     /* (S, S) of IMNN_DISTANCE_METRIC */
    bool single;              /* proposals are rounded to f32, in which they are simulated */
    const double *low, *high; /* (P) ends of the support of the prior: proposals beyond them are not
                                 asked about, draws count as infinitely far; NULL: none are known */
    bool transform;           /* parameters with such ends, infinite where there is none, are moved
                                 on the real line (imnn/lfi.h), where no proposal is beyond them */
    bool flat;                /* between them the density is the same everywhere, and not asked */
    double log_prior;         /* its logarithm, then */
    int64_t max_tries; /* proposals outside of the prior in a row that are too many; 0: 10^5. Ten
                          times as many where several attempts are asked about at a time, none of
                          which has got inside */
    imnn_sampler_limits limits;
} imnn_sampler_options;

/** What the options are if nobody says otherwise. */
IMNN_API void imnn_sampler_defaults(imnn_sampler_options *out, imnn_sampler_method method);

/** fails  EVALUE (options that make no sense), ENOMEM */
IMNN_API imnn_status imnn_sampler_new(imnn_sampler **out, const imnn_sampler_options *options);
IMNN_API void imnn_sampler_release(imnn_sampler *s);

/** Begin with draws of the prior that were made elsewhere, of which the n nearest are taken.
 *  theta (count, P), summaries (count, S), distances (count) or NULL; with repeats there are as
 *  many more summaries and distances
 *  log_prior  (count), for SMC, and PMC if it is known; else NULL
 *  fails      EVALUE (fewer than n, numbers that are not finite, something was asked before) */
IMNN_API imnn_status imnn_sampler_begin(imnn_sampler *s, int64_t count, const double *theta,
                                        const double *summaries, const double *distances,
                                        const double *log_prior);

typedef enum imnn_ask_kind {
    IMNN_ASK_DONE,
    IMNN_ASK_DRAW,    /* a draw of the prior for each key */
    IMNN_ASK_DENSITY, /* the logarithm of the prior at each theta, -infinity outside */
    IMNN_ASK_SIMULATE /* summaries, and distances where those are given, for each theta and key */
} imnn_ask_kind;
typedef struct imnn_ask {
    imnn_ask_kind kind;
    int64_t n;               /* 1 to most */
    const uint32_t *keys;    /* (n, 2) */
    const double *theta;     /* (n, P) */
} imnn_ask;                  /* owned by the sampler, until it is told */
typedef struct imnn_answer { /* what was asked for; the rest is not looked at */
    const double *theta;     /* (n, P) */
    const double *log_prior; /* (n) */
    const double
        *summaries; /* (n, S); may be NULL if distances are given: they are not kept then */
    const double *distances; /* (n) */
    const uint8_t *failed;   /* (n): simulations that could not be made, or NULL */
} imnn_answer;

/** What is wanted next; the same again until it is told.
 *  most   how many it may be, at least 1; with repeats it is a multiple of those, and at least one
 *  fails  EVALUE (nothing at all was accepted: what was rejected is said), ENOMEM */
IMNN_API imnn_status imnn_sampler_ask(imnn_sampler *s, int64_t most, imnn_ask *ask);
/** fails  EVALUE (nothing was asked, a number that makes no sense, too many proposals outside of
 *         the prior), ENOMEM; it can be told again then */
IMNN_API imnn_status imnn_sampler_tell(imnn_sampler *s, const imnn_answer *answer);
/** Stop where it is: the next ask is told that it is done. */
IMNN_API void imnn_sampler_stop(imnn_sampler *s);
/** Go on with other limits from where it stopped. */
IMNN_API void imnn_sampler_resume(imnn_sampler *s, const imnn_sampler_limits *limits);
IMNN_API imnn_stop_reason imnn_sampler_reason(const imnn_sampler *s);
IMNN_API const char *imnn_stop_text(imnn_stop_reason reason);

/** The particles of the last whole generation (of the first one: as many as there are). Row i of x
 *  begins at x + i * stride; owned by the sampler, until it is asked or told. */
typedef struct imnn_particles {
    int64_t n, stride, generation;
    const double *theta;      /* rows of P */
    const double *log_weight; /* rows of 1: they add up to 1 */
    const double *log_prior;  /* rows of 1; NaN where nobody asked for it */
    const double *distance;   /* rows of `repeats` */
    const double *summaries;  /* rows of repeats S */
    double epsilon, ess;
} imnn_particles;
IMNN_API imnn_status imnn_sampler_particles(imnn_sampler *s, imnn_particles *out);

/** A generation. */
typedef struct imnn_generation {
    int64_t proposals, simulations, failed; /* proposals: with those that were redrawn, outside of
                                               the prior or where it is low */
    int64_t accepted;                       /* of the proposals; SMC: moves, of all sweeps */
    int64_t sweeps;
    double epsilon, ess, seconds;
} imnn_generation;
/** The i-th generation, from 0; also the one that is being made. false: there is none. */
IMNN_API bool imnn_sampler_generation(const imnn_sampler *s, int64_t i, imnn_generation *out);
/** Whole generations; simulations of all, with those of the one that is being made. */
IMNN_API int64_t imnn_sampler_generations(const imnn_sampler *s);
IMNN_API int64_t imnn_sampler_simulations(const imnn_sampler *s);
/** What is accepted of the generation that is being made, and what is wanted. */
IMNN_API void imnn_sampler_progress(const imnn_sampler *s, int64_t *accepted, int64_t *wanted);
/** The shortest distance of its simulations; infinite: there are none yet. */
IMNN_API double imnn_sampler_closest(const imnn_sampler *s);

/** The whole state as bytes, to go on from later: what was asked and not told is asked again.
 *  out    room for *bytes; NULL: only *bytes is set */
IMNN_API void imnn_sampler_save(const imnn_sampler *s, void *out, int64_t *bytes);
/** Bring a new sampler with the same options to where another one was saved. Limits may differ.
 *  fails  EVALUE (other options, bytes that are none of a sampler), ENOMEM; it is as before then */
IMNN_API imnn_status imnn_sampler_restore(imnn_sampler *s, const void *state, int64_t bytes);

/* ---- what samplers are made of ---- */

/** A mixture of kernels around weighted particles. */
typedef struct imnn_proposal imnn_proposal;
/** theta       (n, P), rows `stride` apart
 *  log_weight  (n), `stride` apart, of any sum
 *  distances   (n), `stride` apart, and epsilon, for IMNN_PROPOSE_LOCAL; NULL: all are within
 *  covariance  (P, P) of normal and student kernels; NULL: that of the particles
 *  fails       EVALUE (one particle has all the weight, or a parameter has no spread), ENOMEM */
IMNN_API imnn_status imnn_proposal_new(imnn_proposal **out, imnn_proposal_kind kind, int64_t n,
                                       int64_t n_params, int64_t stride, const double *theta,
                                       const double *log_weight, const double *distances,
                                       double epsilon, const double *covariance);
IMNN_API void imnn_proposal_release(imnn_proposal *p);
/** The ancestor (from 0) that u in [0, 1) falls on. */
IMNN_API int64_t imnn_proposal_ancestor(const imnn_proposal *p, double u);
/** Move a particle: out (P) = from (P) + L z, by the kernel of this ancestor. z is what
 *  imnn_proposal_noise makes: standard normal, t or uniform in (-1, 1). */
IMNN_API void imnn_proposal_move(const imnn_proposal *p, int64_t ancestor, const double *from,
                                 const double *z, double *out);
/** The same from any point, by the kernel there.
 *  room  (P, P + 1), of the caller */
IMNN_API void imnn_proposal_move_from(const imnn_proposal *p, const double *from, const double *z,
                                      double *out, double *room);
/** log k(from; to) - log k(to; from): by how much a move is made less often than it is undone. 0 of
 *  kernels that are the same everywhere. */
IMNN_API double imnn_proposal_balance(const imnn_proposal *p, const double *from, const double *to,
                                      double *room);
IMNN_API void imnn_proposal_noise(const imnn_proposal *p, const uint32_t key[2], double *z);
/** The lower Cholesky factor (P, P) of an ancestor's kernel; of uniform ones the half-widths, on
 *  the diagonal. */
IMNN_API const double *imnn_proposal_factor(const imnn_proposal *p, int64_t ancestor);
/** out[i] = log sum_j w_j k_j(x_i; theta_j) of points x (count, P), rows `stride` apart. By all
 *  threads; bytes do not depend on how many. */
IMNN_API imnn_status imnn_proposal_log_density(const imnn_proposal *p, double *out, int64_t count,
                                               int64_t stride, const double *x);

/** The epsilon, at most `old`, at which the effective sample size of w_i h_i(eps) / h_i(old) is
 *  alpha of that of w, h_i being how much the distances (n, repeats), rows `stride` apart, count in
 *  all. Uniform: the smallest distance at which it is not less.
 *  log_weight  (n), `stride` apart */
IMNN_API double imnn_smc_epsilon(int64_t n, int64_t repeats, int64_t stride,
                                 const double *log_weight, const double *distances, double old,
                                 double alpha, imnn_acceptance acceptance);
/** How much M distances count at epsilon, the mean: infinity is 1. */
IMNN_API double imnn_acceptance_of(imnn_acceptance acceptance, int64_t repeats, const double *d,
                                   double epsilon);
#endif
