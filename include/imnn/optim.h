#ifndef IMNN_OPTIM_H
#define IMNN_OPTIM_H
#include "imnn/graph.h"

/** An optimiser: what it keeps for each parameter array, and its settings. */
typedef struct imnn_optim_rule {
    const char *name;     /* "adam" */
    const char *moments;  /* names of the arrays beside the parameters, "m v" */
    const char *settings; /* names and defaults, "b1 0.9, b2 0.999, eps 1e-8"; required without */
    const char *formula;
    const char *doc;
} imnn_optim_rule;
/** NULL if there are not so many. */
IMNN_API const imnn_optim_rule *imnn_optim_get(int i);
/** The optimiser of that name, NULL if there is none. */
IMNN_API const imnn_optim_rule *imnn_optim_find(const char *name);

/** One step of one parameter array: the new w.
 *  lr        step size of shape () in the dtype of w
 *  i         index of the step, from 0; any number dtype, shape ()
 *  moments   as many arrays like w as the rule keeps, zeros at first; replaced by the new ones
 *  settings  in the order of the rule; NAN: the default; NULL: all defaults
 *  fails     EVALUE (no such rule, a required setting is missing), ESHAPE */
IMNN_API imnn_node imnn_optim_step(imnn_graph *g, const char *rule, imnn_node lr, imnn_node i,
                                   imnn_node grad, imnn_node w, imnn_node *moments,
                                   const double *settings);
/** The same for SM3 (Anil et al. 2019, NeurIPS): moments[0] is like w, moments[1 + k] (k below the
 *  number of axes of w, at least 1) has its size along axis k and is 1 along the others. */
IMNN_API imnn_node imnn_optim_sm3(imnn_graph *g, imnn_node lr, imnn_node grad, imnn_node w,
                                  imnn_node *moments, double momentum);
#endif
