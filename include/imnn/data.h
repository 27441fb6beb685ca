/* Data from files: readers hand out records by number; a header for each format. */
#ifndef IMNN_DATA_H
#define IMNN_DATA_H
#include "imnn/chain.h"
#include "imnn/hdf5.h"
#include "imnn/npy.h"
#include "imnn/paths.h"
#include "imnn/reader.h"
#include "imnn/table.h"
#include "imnn/tfrecord.h"
#endif
