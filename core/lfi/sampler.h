#ifndef CORE_LFI_SAMPLER_H
#define CORE_LFI_SAMPLER_H
#include "core/base/base.h"
#include "imnn/sampler.h"
#include <math.h>
#include <stdio.h>

/** A growing table of rows of doubles. */
typedef struct imnn_sheet {
    double *x;
    int64_t n, room, width;
} imnn_sheet;
/** A new last row, not cleared; NULL on failure. */
double *imnn_sheet_add(imnn_sheet *r);
imnn_status imnn_sheet_copy(imnn_sheet *to, const imnn_sheet *from);
imnn_status imnn_sheet_resize(imnn_sheet *r, int64_t n);
void imnn_sheet_free(imnn_sheet *r);

/** What is being made. */
typedef enum imnn_stage {
    IMNN_STAGE_PILOT,  /* a number of draws of the prior, the nearest of which are taken */
    IMNN_STAGE_REJECT, /* attempts until enough are within epsilon */
    IMNN_STAGE_BEGIN,  /* SMC: the first particles */
    IMNN_STAGE_MOVE    /* SMC: each particle is moved */
} imnn_stage;

/** Attempts that are being asked about, and what is known of them. */
typedef struct imnn_batch {
    imnn_ask_kind kind; /* DONE: nothing is asked */
    int64_t first, n, room;
    int64_t asked;      /* how many rows were asked for */
    uint32_t *keys;     /* (n, 2) of the attempts */
    double *theta;      /* (n, P) */
    double *line;       /* (n, P) the same on the real line; NULL where it is not used */
    double *noise;      /* (n, P) room */
    double *work;       /* (n, P, P + 1) of moves whose kernels differ; else NULL */
    double *balance;    /* (n) of moves: how much rarer they are than those back */
    double *prior;      /* (n) log-densities */
    bool lost;          /* an attempt was outside of the prior too often */
    int64_t *number;    /* (n): i of the attempt */
    int64_t *tries;     /* (n): proposals outside of the prior */
    int64_t *which;     /* (n): the attempts that are asked about */
    uint32_t *ask_keys; /* (n repeats, 2) */
    double *ask_theta;  /* (n repeats, P) */
} imnn_batch;

/** What is saved beside the tables; no pointers, no holes. */
typedef struct imnn_sampler_state {
    int64_t stage, reason, generation; /* the one that is being made */
    int64_t attempt;                   /* the next one to be judged */
    int64_t accepted, sweep, total, scheduled, begun, last_whole, pilot;
    double epsilon, seconds, closest;
} imnn_sampler_state;

struct imnn_sampler {
    imnn_sampler_options o;
    char who[32];
    imnn_sampler_state s;
    imnn_sheet whole, making, seen; /* particles; summaries that scales come from */
    imnn_sheet born;                /* SMC: parameters and weights as the moves begin */
    imnn_sheet log;                 /* of generations, as imnn_generation has them */
    imnn_sheet partial;             /* of a first generation that is not whole */
    double *schedule, *target, *metric, *scale, *work, *row, *low, *high;
    double *least, *most;    /* (P) what parameters can be, strictly between low and high */
    imnn_proposal *proposal; /* made of `whole` (SMC: of `born`) */
    imnn_batch batch;
    double usual_prior, usual_weight; /* PMC: see imnn_sampler_log_chance */
    double clock;                     /* since when time is counted; 0: it stands */
};

/* A row of particles: theta | log_weight | log_prior | distances | summaries, and where parameters
 * are mapped to the real line | line. Kernels and their densities are of what is on the line, and
 * so are weights: they do not know that simulations have parameters in f32. */
enum { IMNN_ROW_EXTRA = 2 };
static inline int64_t imnn_row_weight(const imnn_sampler *s) { return s->o.n_params; }
static inline int64_t imnn_row_prior(const imnn_sampler *s) { return s->o.n_params + 1; }
static inline int64_t imnn_row_distance(const imnn_sampler *s)
{
    return s->o.n_params + IMNN_ROW_EXTRA;
}
static inline int64_t imnn_row_summary(const imnn_sampler *s)
{
    return imnn_row_distance(s) + s->o.repeats;
}
static inline int64_t imnn_row_line(const imnn_sampler *s) /* where kernels look */
{
    return s->o.transform ? imnn_row_summary(s) + s->o.repeats * s->o.n_summaries : 0;
}

/* keys.c; streams of the key of an attempt */
enum { STREAM_DRAW, STREAM_SIMULATE, STREAM_PROPOSE, STREAM_ANCESTOR, STREAM_CHANCE };
void imnn_fold(uint32_t out[2], const uint32_t key[2], uint32_t high, uint32_t low);
/** The i-th number of a key, in (0, 1), of 53 bits. */
double imnn_uniform_of(const uint32_t key[2], uint32_t stream, uint32_t i);
/** n standard normal numbers from place `first` on. */
void imnn_normals_of(const uint32_t key[2], uint32_t stream, uint32_t first, int64_t n,
                     double *out);
/** Many at a time, the same numbers: keys of n counters from `first` on; of keys (n, 2); out (n,
 * 2), apart from keys; the i-th numbers, `stride` apart; (n, count) from place 0 on. */
void imnn_fold_range(uint32_t *out, const uint32_t key[2], uint64_t first, int64_t n);
void imnn_fold_each(uint32_t *out, const uint32_t *keys, int64_t n, uint32_t high, uint32_t low);
void imnn_uniform_each(double *out, int64_t stride, const uint32_t *keys, int64_t n,
                       uint32_t stream, uint32_t i);
void imnn_normals_each(double *out, const uint32_t *keys, int64_t n, uint32_t stream,
                       int64_t count);

/* proposal.c: imnn_proposal_noise of keys (n, 2): z (n, P) */
void imnn_proposal_noise_each(const imnn_proposal *p, const uint32_t *keys, int64_t n, double *z);

/** How much less dense the mixture is at x than in its middle, if it were normal: the logarithm. */
double imnn_proposal_fall(const imnn_proposal *p, const double *x);

/* weights.c: of (n) logarithms `stride` apart */
double imnn_log_sum(int64_t n, const double *x, int64_t stride);
void imnn_normalise(int64_t n, double *x, int64_t stride);
/** 1 / sum w^2 of weights that add up to 1. */
double imnn_kish(int64_t n, const double *log_weight, int64_t stride);
/** The weights (n) themselves, for the functions of imnn/samples.h; to be given back by imnn_free;
 *  NULL: there is no memory. */
double *imnn_weights_of(int64_t n, const double *log_weight, int64_t stride);
/** The k-th smallest of x (n), k from 0, which is put into some order. */
double imnn_nth(double *x, int64_t n, int64_t k);
/** Lower Cholesky factor of A (P, P) in place; what is above the diagonal becomes 0. */
bool imnn_factor_of(double *A, int64_t P);

/* scale.c: distances that samplers measure themselves */
double imnn_measure(const imnn_sampler *s, const double *summaries);
/** Scales of summaries from those in `seen`; 0 for one that says nothing. */
imnn_status imnn_rescale(imnn_sampler *s);
static inline bool imnn_scales(const imnn_sampler *s)
{
    return s->o.distance >= IMNN_DISTANCE_SCALED;
}
double imnn_nearest(const imnn_sampler *s, const double *row);

static inline bool imnn_from_prior(const imnn_sampler *s) { return s->s.generation == 0; }

/* attempts.c */
imnn_status imnn_attempts_room(imnn_sampler *s, int64_t count);
void imnn_attempts_free(imnn_sampler *s);
/** The next n attempts, proposed unless they are draws of the prior. */
imnn_status imnn_attempts_begin(imnn_sampler *s, int64_t n);
/** Propose the first n in `which` anew. */
imnn_status imnn_attempts_again(imnn_sampler *s, int64_t n);
/** What is asked next of those in `which`: densities that nobody knows, or all that is inside of
 * the prior. */
imnn_status imnn_attempts_next(imnn_sampler *s);
/** Whether attempt j, at its proposal, is simulated: not outside of the prior (log_prior is that of
 * theta) nor, PMC, by chance (see imnn_sampler_log_chance). */
bool imnn_attempts_takes(const imnn_sampler *s, int64_t j, double log_prior);
/** Write keys and parameters of what is asked about. */
void imnn_attempts_ask(imnn_sampler *s);
/** fails  EVALUE: `count` proposals up to one of attempt j were all outside of the prior */
imnn_status imnn_attempts_lost(const imnn_sampler *s, int64_t j, int64_t count);
bool imnn_sampler_is_inside(const imnn_sampler *s, const double *theta);
/** Off the ends, onto which rounding has put it. */
void imnn_sampler_keep_within(const imnn_sampler *s, double *theta);

/* line.c: one place, theta (P); the product of d theta / d line */
double imnn_line_place(double *theta, int64_t p, const double *line, const double *low,
                       const double *high);

/* sampler.c: one attempt, as a row, into the generation that is being made */
imnn_status imnn_sampler_judge(imnn_sampler *s, const double *row, int64_t failed);
imnn_status imnn_sampler_measure(imnn_sampler *s, double *row, const double *summaries,
                                 const double *distances, const uint8_t *failed, int64_t *lost);
bool imnn_sampler_is_whole(const imnn_sampler *s);
/** The log-density of the prior of what kernels move, from that of theta. */
double imnn_sampler_prior_at(const imnn_sampler *s, double log_prior, const double *line);
double imnn_sampler_prior_of(const imnn_sampler *s, const double *row);
/** PMC: the logarithm of the chance that a proposal is simulated, not redrawn with its ancestor:
 *  less than 0 where the prior is lower than is usual at the particles and the proposal would weigh
 *  less than is usual. What hardly counts costs as much as all others, and a flat prior has long
 *  tails of this kind on the line. Beyond the prior's edge the chance is none, which is the redraw
 *  of Beaumont et al. Weights make up for it, so that any chance is right: rejection control (Liu,
 *  Chen & Wong 1998, J. Am. Stat. Assoc. 93, 1022), before anything is simulated. */
static inline double imnn_sampler_log_chance(const imnn_sampler *s, double prior,
                                             const double *line)
{
    const double bound = s->usual_weight + imnn_proposal_fall(s->proposal, line);
    return fmin(0, prior - fmin(s->usual_prior, bound));
}

/* generation.c: between generations */
imnn_status imnn_generation_end(imnn_sampler *s);
imnn_status imnn_generation_begin(imnn_sampler *s);
imnn_status imnn_pilot_end(imnn_sampler *s, imnn_sheet *rows);
imnn_status imnn_sampler_propose(imnn_sampler *s); /* the mixture that attempts come from */
void imnn_sampler_finish(imnn_sampler *s, imnn_stop_reason why);
double *imnn_log_of(const imnn_sampler *s, int64_t generation);
imnn_status imnn_log_add(imnn_sampler *s);
imnn_status imnn_pilot_keep(imnn_sampler *s, imnn_sheet *rows, int64_t n);
enum {
    LOG_PROPOSALS,
    LOG_SIMULATIONS,
    LOG_FAILED,
    LOG_ACCEPTED,
    LOG_SWEEPS,
    LOG_EPSILON,
    LOG_ESS,
    LOG_SECONDS,
    LOG_WIDTH
};
#endif
