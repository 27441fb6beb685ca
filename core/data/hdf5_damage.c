/* HDF5 files: where a dataset does not read. */
#include "core/data/data.h"
#include <stdio.h>

/** Blocks of a dataset that are looked at one by one: its chunks, or its records. */
typedef struct blocks {
    int ndim;
    bool chunked;
    hsize_t size[IMNN_MAX_NDIM], block[IMNN_MAX_NDIM];
    hsize_t low[IMNN_MAX_NDIM], high[IMNN_MAX_NDIM]; /* the elements that were asked for */
    void *room;                                      /* for a block */
    size_t bytes;
} blocks;

static bool find_blocks(blocks *b, const hdf5_source *s)
{
    hid_t settings = h5.Dget_create_plist(s->object);
    b->ndim = s->shape.ndim;
    b->chunked = settings >= 0 && h5.Pget_layout(settings) == H5D_CHUNKED;
    bool known = settings >= 0 && b->ndim > 0 &&
                 h5.Sget_simple_extent_dims(s->space, b->size, NULL) == b->ndim &&
                 (!b->chunked || h5.Pget_chunk(settings, b->ndim, b->block) == b->ndim);
    if (settings >= 0) h5.Pclose(settings);
    if (!known) return false;
    b->bytes = h5.Tget_size(s->type);
    for (int i = 0; i < b->ndim; i++) {
        if (!b->chunked) b->block[i] = i ? b->size[i] : 1;
        b->low[i] = 0, b->high[i] = b->size[i] - 1;
        if (!b->size[i] || __builtin_mul_overflow(b->bytes, b->block[i], &b->bytes)) return false;
    }
    return s->memory <= 0 || h5.Sget_select_bounds(s->space, b->low, b->high) >= 0;
}

static void clip(hsize_t *count, const blocks *b, const hsize_t *start)
{
    for (int i = 0; i < b->ndim; i++)
        count[i] = b->block[i] < b->size[i] - start[i] ? b->block[i] : b->size[i] - start[i];
}

static bool reads(const blocks *b, const hdf5_source *s, const hsize_t *start)
{
    hsize_t count[IMNN_MAX_NDIM];
    clip(count, b, start);
    hid_t memory = h5.Screate_simple(b->ndim, count, NULL), space = h5.Dget_space(s->object);
    bool good = memory >= 0 && space >= 0 &&
                h5.Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                h5.Dread(s->object, s->type, memory, space, H5P_DEFAULT, b->room) >= 0;
    if (memory >= 0) h5.Sclose(memory);
    if (space >= 0) h5.Sclose(space);
    return good;
}

/** Where the block lies in the file; HADDR_UNDEF if the library does not tell. Of chunks it counts
 *  from behind a user block or not, as its version has it. */
static haddr_t offset_of(const blocks *b, const hdf5_source *s, const imnn_hdf5 *f,
                         const hsize_t *start, hsize_t *bytes)
{
    haddr_t at = HADDR_UNDEF;
    hsize_t before = 1;
    unsigned mask;
    if (!b->chunked) {
        *bytes = b->bytes;
        at = h5.Dget_offset(s->object);
        return at == HADDR_UNDEF ? at : at + start[0] * b->bytes;
    }
    hid_t settings = h5.Fget_create_plist(f->file);
    if (settings < 0) return at;
    if (h5.Pget_userblock(settings, &before) < 0 || before ||
        h5.Dget_chunk_info_by_coord(s->object, start, &mask, &at, bytes) < 0)
        at = HADDR_UNDEF;
    h5.Pclose(settings);
    return at;
}

/** Whether the block lies in a file that was cut. */
static bool there(const blocks *b, const hdf5_source *s, const imnn_hdf5 *f, const hsize_t *start)
{
    hsize_t bytes = 0;
    haddr_t at = offset_of(b, s, f, start, &bytes);
    return at == HADDR_UNDEF || at + bytes <= (haddr_t)imnn_hdf5_bytes(f);
}

/** The next block, row-major; false behind the last one. */
static bool step(const blocks *b, hsize_t *start)
{
    for (int i = b->ndim - 1; i >= 0; i--) {
        if ((start[i] += b->block[i]) <= b->high[i]) return true;
        start[i] = b->low[i] - b->low[i] % b->block[i];
    }
    return false;
}

static bool find_bad(hsize_t *start, const blocks *b, const hdf5_source *s, const imnn_hdf5 *f)
{
    const bool cut = imnn_hdf5_is_cut(f);
    for (int i = 0; i < b->ndim; i++) start[i] = b->low[i] - b->low[i] % b->block[i];
    do {
        if (!reads(b, s, start) || (cut && !there(b, s, f, start))) return true;
    } while (!imnn_stop_asked() && step(b, start));
    return false;
}

imnn_status imnn_hdf5_locate(imnn_status st, const hdf5_source *s, const imnn_hdf5 *f)
{
    blocks b;
    hsize_t start[IMNN_MAX_NDIM], count[IMNN_MAX_NDIM];
    char why[400], where[64] = "";
    snprintf(why, sizeof why, "%s", imnn_last_error());
    if (s->attribute >= 0 || s->is_text || !find_blocks(&b, s)) return st;
    if (!(b.room = imnn_alloc(b.bytes))) return imnn_fail(st, "%s", why);
    unsigned long long first = b.low[0], last = b.high[0];
    if (find_bad(start, &b, s, f)) {
        hsize_t bytes;
        haddr_t at = offset_of(&b, s, f, start, &bytes);
        clip(count, &b, start);
        if (start[0] > first) first = start[0];
        if (start[0] + count[0] - 1 < last) last = start[0] + count[0] - 1;
        if (at != HADDR_UNDEF)
            snprintf(where, sizeof where, ", %soffset %llu", b.chunked ? "chunk at " : "",
                     (unsigned long long)at);
    }
    imnn_free(b.room, b.bytes);
    if (first == last) return imnn_fail(st, "%s; record %llu%s", why, first + 1, where);
    return imnn_fail(st, "%s; in records %llu to %llu%s", why, first + 1, last + 1, where);
}
