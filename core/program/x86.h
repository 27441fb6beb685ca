#ifndef CORE_X86_H
#define CORE_X86_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** An assembler for what native.c needs of AVX-512: arithmetic of vectors of 64 bytes, f32 or f64.
 *  Encodings: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, 2.7 (EVEX).
 */
typedef struct x86 {
    uint8_t *code; /* NULL: only counted */
    size_t n, room;
    bool wide; /* f64 */
    bool part; /* loads and stores of the lanes in k1 only */
} x86;

enum x86_register { X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI };
enum { X86_R8 = 8, X86_R15 = 15 };

/** A place in memory: [base + displacement], with `indexed` + rcx; `all`: one number there for
 * every lane. */
typedef struct x86_memory {
    int base;
    int32_t displacement;
    bool indexed, all;
} x86_memory;

enum x86_op {
    X86_ADD = 0x58,
    X86_MUL = 0x59,
    X86_SUB = 0x5c,
    X86_MIN = 0x5d, /* these two: second, if one is NaN */
    X86_DIV = 0x5e,
    X86_MAX = 0x5f,
    X86_SQRT = 0x51
};

void x86_load(x86 *a, int to, x86_memory m);
void x86_store(x86 *a, x86_memory m, int from);
/** Past the caches, to a multiple of 64 bytes; all lanes. */
void x86_stream(x86 *a, x86_memory m, int from);
/** What was streamed is seen by others before what is stored from here on. */
void x86_fence(x86 *a);
void x86_move(x86 *a, int to, int from);
/** to = first op second; of a square root the first is not read. */
void x86_apply(x86 *a, enum x86_op op, int to, int first, int second);
void x86_apply_memory(x86 *a, enum x86_op op, int to, int first, x86_memory second);
/** The lanes in k2 are those where first compares so with second. */
enum x86_predicate {
    X86_EQ = 0,
    X86_UNORDERED = 3,
    X86_NE = 4,
    X86_LT = 0x11,
    X86_LE = 0x12,
    X86_GE = 0x1d,
    X86_GT = 0x1e
};
void x86_compare(x86 *a, enum x86_predicate how, int first, int second);
/** to = from, in the lanes in k2. */
void x86_move_chosen(x86 *a, int to, int from);
void x86_zero(x86 *a, int to);
void x86_abs(x86 *a, int to, int from);
/** to is another register than from. */
void x86_negate(x86 *a, int to, int from);
/** to = [rdi + displacement]; rax, rbx, r8 to r15 are there for it. */
void x86_pointer(x86 *a, int to, int32_t displacement);

/** Enter a function (rdi, rsi: bytes of whole vectors, edx: mask of the lanes left) with so many
 *  bytes at rsp, and leave it. */
void x86_enter(x86 *a, int32_t room);
void x86_leave(x86 *a);
/** rcx = 0; jump if rsi is 0. Where the displacement of the jump is. */
size_t x86_loop_begin(x86 *a);
/** rcx += 64; jump back to `from` while it is below rsi. */
void x86_loop_end(x86 *a, size_t from);
/** Jump if no lanes are left. */
size_t x86_skip_part(x86 *a);
/** The jump goes to here. */
void x86_land(x86 *a, size_t jump);
#endif
