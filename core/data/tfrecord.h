/* What the files about TFRecord share: checksums, and Examples that are used again and again. */
#ifndef CORE_DATA_TFRECORD_H
#define CORE_DATA_TFRECORD_H
#include "core/base/base.h"
#include "imnn/tfrecord.h"

/** imnn_crc32c by tables alone. */
uint32_t imnn_crc32c_by_table(uint32_t crc, const void *bytes, size_t n);
/** As it lies in files: rotated, so that the checksum of bytes that hold one is no fixed number. */
uint32_t imnn_crc32c_mask(uint32_t crc);
uint32_t imnn_crc32c_masked(const void *bytes, size_t n);

/** A list that grows and is used again and again. */
typedef struct imnn_pool {
    void *items;
    size_t count, room;
} imnn_pool;

typedef struct imnn_feature {
    const uint8_t *name;
    size_t length;
    imnn_feature_kind kind;
    size_t first, count; /* among the values of its kind */
    size_t order;        /* of two with one name the later counts */
    const uint8_t *last; /* where the last of its integers is written, of a payload */
} imnn_feature;

struct imnn_example {
    imnn_pool features; /* imnn_feature, sorted by name once it is whole */
    imnn_pool bytes;    /* ProtobufCBinaryData: where byte strings lie */
    imnn_pool floats;   /* float */
    imnn_pool ints;     /* int64_t */
    imnn_pool payload;  /* uint8_t: what was decoded, if it is ours */
    imnn_pool packed;   /* uint8_t: what was encoded */
    bool sorted;
};

/** Decode into an Example that is used again; it is to be zeroed at first, and points into the
 *  payload, of which nothing is copied. */
imnn_status imnn_example_reread(imnn_example *e, const uint8_t *payload, size_t n);
/** The feature of this name; NULL: there is none. */
const imnn_feature *imnn_example_named(const imnn_example *e, const char *name);
/** Give back what its lists hold. */
void imnn_example_clear(imnn_example *e);

/** An integer that tells which record it is: of record i, start + i / each % turn. */
typedef struct imnn_frame_number {
    int64_t start, each, turn;
    size_t at, n; /* among the bytes of a frame; so many */
} imnn_frame_number;

enum { IMNN_FRAME_NUMBERS = 3, IMNN_FRAME_BYTES = 240 };

/** What stands around the values of a record. Around those of its neighbours it is the same but for
 *  the numbers, which are known: what follows it need not be decoded again to know that it fits. */
typedef struct imnn_record_frame {
    size_t length; /* of the whole payload; 0: no frame */
    size_t before, values, behind;
    uint8_t bytes[IMNN_FRAME_BYTES]; /* those before, those behind */
    uint8_t masks[IMNN_FRAME_BYTES]; /* 0 where numbers stand, else 255 */
    imnn_frame_number number[IMNN_FRAME_NUMBERS];
    int numbers;
} imnn_record_frame;

/** Take the frame of a payload which holds so many bytes of values there. It may be too large for
 *  that: then there is none. */
void imnn_frame_take(imnn_record_frame *f, const uint8_t *payload, size_t n, const uint8_t *values,
                     size_t bytes);
/** The next of its numbers is written at this place of the payload, which it was taken from. */
void imnn_frame_number_at(imnn_record_frame *f, imnn_frame_number number, const uint8_t *payload,
                          const uint8_t *where);
/** Whether a payload of n bytes is that of record i. */
bool imnn_frame_fits(const imnn_record_frame *f, int64_t i, const uint8_t *payload, size_t n);

/** A file of records: where some of them begin. */
typedef struct imnn_record_mark {
    int64_t record, offset;
} imnn_record_mark;

typedef struct imnn_record_file {
    char *path;
    int fd;           /* -1: opened when it is read */
    bool unpacked;    /* fd is what the file unpacks to */
    int64_t size;     /* of what is read */
    int64_t inode[2]; /* what it was when its records were counted: device, number, */
    int64_t changed;  /* and when it was written last, in ns */
    int64_t first;    /* number of its first record in the whole set */
    int64_t count;
    imnn_record_mark *marks; /* one every 4 KiB or so: 0.4 % of the file whatever the records are */
    size_t marked, room;
} imnn_record_file;

/** Unpack a GZIP or ZLIB file into another without a name, *out, whose size is returned in *size.
 *  fails  EIO (damaged), EINTERRUPT */
imnn_status imnn_record_unpack(int *out, int64_t *size, int fd, const char *path);
/** Read n bytes of a file; all of them, or it is a failure. */
imnn_status imnn_record_read(int fd, const char *path, void *out, size_t n, int64_t offset);

/** Hands out records one by one. */
typedef struct imnn_record_walk {
    const imnn_tfrecord *t;
    const imnn_record_file *file;
    int fd;
    int64_t record, offset; /* of the next one: in the file, counted from 0 */
    int64_t before;         /* offset of the one handed out last */
    int64_t last;           /* offset at which reading ahead ends */
    int64_t end;            /* number of records to come, counted in the whole set */
    int64_t at;             /* offset of what is in the window */
    size_t filled, room;
    uint8_t *window;
    bool unchanged; /* nobody has written to the file since it was opened */
} imnn_record_walk;

/** Records begin <= i < end of the set.
 *  fails  EIO, ENOMEM; to be ended in any case */
imnn_status imnn_record_walk_begin(imnn_record_walk *w, const imnn_tfrecord *t, int64_t begin,
                                   int64_t end);
/** The next one, whose checksums are right; good until the next call.
 *  fails  EIO, ENOMEM, EINTERRUPT */
imnn_status imnn_record_walk_next(imnn_record_walk *w, const uint8_t **payload, size_t *n);
void imnn_record_walk_end(imnn_record_walk *w);
/** These records will be read soon. */
void imnn_record_advise(const imnn_tfrecord *t, int64_t begin, int64_t end);
/** EIO: "tfrecord: FILE: record 4, at byte 201: " and what is wrong with the one handed out last.
 */
__attribute__((format(printf, 2, 3))) imnn_status imnn_record_failed(const imnn_record_walk *w,
                                                                     const char *format, ...);
#endif
