/* The whole public interface of libimnn. Its preprocessed text is what Lua's FFI reads. */
#ifndef IMNN_H
#define IMNN_H
#include "imnn/array.h"
#include "imnn/base.h"
#include "imnn/control.h"
#include "imnn/data.h"
#include "imnn/density.h"
#include "imnn/ending.h"
#include "imnn/fisher.h"
#include "imnn/graph.h"
#include "imnn/index.h"
#include "imnn/layers.h"
#include "imnn/lfi.h"
#include "imnn/linalg.h"
#include "imnn/op.h"
#include "imnn/optim.h"
#include "imnn/program.h"
#include "imnn/random.h"
#include "imnn/sampler.h"
#include "imnn/samples.h"
#include "imnn/simulators.h"
#include "imnn/stats.h"
#endif
