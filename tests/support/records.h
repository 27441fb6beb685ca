/* TFRecord files of test programs and fuzz targets. */
#ifndef TESTS_RECORDS_H
#define TESTS_RECORDS_H
#include "core/data/tfrecord.h"
#include <stdlib.h>
#include <string.h>

static inline void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> 8 * i);
}

/** Make checksums right, behind which nothing else would ever be reached. */
static inline void repair_records(uint8_t *bytes, size_t n)
{
    uint64_t length;
    for (size_t at = 0; n - at >= 12; at += 16 + length) {
        memcpy(&length, bytes + at, 8);
        put_u32(bytes + at + 8, imnn_crc32c_masked(bytes + at, 8));
        if (n - at < 16 || length > n - at - 16) return;
        put_u32(bytes + at + 12 + length, imnn_crc32c_masked(bytes + at + 12, length));
    }
}

/** Whether records that are read together are those that are read one by one, up to the first that
 *  cannot be read, of which the same is said. */
static inline bool is_read_one_by_one(imnn_reader *r)
{
    const int64_t count = imnn_reader_shape(r)->size[0], size = imnn_reader_record_bytes(r);
    char *together = calloc((size_t)count + 1, (size_t)size), *one = malloc((size_t)size + 1);
    char why[1024] = "";
    if (!together || !one) abort();
    const imnn_status st = imnn_reader_read(r, 0, count, together);
    if (st != IMNN_OK) strncpy(why, imnn_last_error(), sizeof why - 1);
    imnn_status alone = IMNN_OK;
    bool same = true;
    for (int64_t i = 0; i < count && alone == IMNN_OK; i++) {
        alone = imnn_reader_read(r, i, i + 1, one);
        same = same && (alone != IMNN_OK || !memcmp(one, together + i * size, (size_t)size));
    }
    same = same && alone == st && (st == IMNN_OK || !strcmp(why, imnn_last_error()));
    free(one), free(together);
    return same;
}
#endif
