#ifndef IMNN_FISHER_H
#define IMNN_FISHER_H
#include "imnn/graph.h"

/** Nodes of the statistics of spec section 2, all f64: Charnock, Lavaux & Wandelt 2018, PRD 97,
 *  083004, eq. 7-10. */
typedef struct imnn_fisher {
    imnn_node mu;                /* (S) mean of the summaries */
    imnn_node C, invC;           /* (S, S) covariance (n_s - 1) and its inverse */
    imnn_node dmu_dtheta;        /* (S, P) mean of the derivatives */
    imnn_node F, invF;           /* (P, P) Fisher information and its inverse */
    imnn_node sign, lndetF;      /* () sign of det F, ln |det F| */
    imnn_node lndetC, lndetinvC; /* () */
} imnn_fisher;

/** Statistics of summaries x (n_s, S) and their derivatives dx (n_d, S, P), any float dtype. */
IMNN_API imnn_status imnn_fisher_statistics(imnn_fisher *out, imnn_graph *g, imnn_node x,
                                            imnn_node dx);

typedef struct imnn_fisher_loss {
    imnn_node loss;     /* () -sign ln |det F| + r Lambda_2 */
    imnn_node Lambda_2; /* () |C - I| + |C^-1 - I|, Frobenius norms */
    imnn_node r;        /* () lambda Lambda_2 / (Lambda_2 + exp(-alpha Lambda_2)) */
} imnn_fisher_loss;
IMNN_API imnn_status imnn_fisher_regularised(imnn_fisher_loss *out, imnn_graph *g,
                                             const imnn_fisher *f, double lambda, double alpha);

/** alpha = -ln(epsilon (lambda - 1) + epsilon^2 / (1 + epsilon)) / epsilon.
 *  fails  EVALUE (the logarithm does not exist, or alpha is negative) */
IMNN_API imnn_status imnn_fisher_alpha(double *out, double lambda, double epsilon);
#endif
