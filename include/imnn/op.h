#ifndef IMNN_OP_H
#define IMNN_OP_H
#include "imnn/base.h"

/** What everybody may know about an operator. */
typedef struct imnn_op_info {
    const char *name;    /* as scripts write it */
    int arity;           /* number of array inputs; -1: any number */
    bool elementwise;    /* shape of the result is that of the inputs, which broadcast */
    const char *dtypes;  /* dtypes of the inputs, "f32 f64" */
    const char *gives;   /* dtype of the result; NULL: that of the inputs */
    uint32_t smooth;     /* bit i: has a derivative in input i */
    double lo, hi;       /* where tests may sample inputs */
    double diagonal;     /* what they add to the diagonals of matrices */
    const char *cases;   /* inputs to test, "(3, 4) (4, 2) -> attributes; ..."; NULL: elementwise */
    const char *rule[3]; /* derivatives as text, or NULL */
    const char *doc;
} imnn_op_info;

IMNN_API int imnn_op_count(void);
/** NULL if there is none of this number; good until the next call in the same thread. */
IMNN_API const imnn_op_info *imnn_op_get(int id);
/** The operator of that name, -1 if there is none. */
IMNN_API int imnn_op_find(const char *name);
#endif
