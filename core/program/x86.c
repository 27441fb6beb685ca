#include "core/program/x86.h"
#include <string.h>

static void byte(x86 *a, unsigned b)
{
    if (a->code && a->n < a->room) a->code[a->n] = (uint8_t)b;
    a->n++;
}

static void bytes(x86 *a, size_t n, const uint8_t *b)
{
    for (size_t i = 0; i < n; i++) byte(a, b[i]);
}
#define BYTES(a, ...) bytes(a, sizeof((uint8_t[]){__VA_ARGS__}), (const uint8_t[]){__VA_ARGS__})

static void word(x86 *a, int32_t w)
{
    for (int i = 0; i < 4; i++) byte(a, (uint32_t)w >> 8 * i & 255);
}

/* ---- vectors ---- */

/* The prefix of an instruction: `reg` is the register in modrm's field of that name, `second` the
 * one in vvvv; rm the other one, or base and index of memory. map: 1 is 0F, 2 is 0F38, 3 is
 * 0F3A. */
typedef struct prefix {
    int map, pp, reg, second, rm, index, part; /* part: the mask register, 0: none */
    bool wide, all, zero, memory;
} prefix;

static void evex(x86 *a, prefix p)
{
    const bool x = p.memory ? p.index & 8 : p.rm & 16;
    byte(a, 0x62);
    byte(a,
         (unsigned)(!(p.reg & 8) << 7 | !x << 6 | !(p.rm & 8) << 5 | !(p.reg & 16) << 4 | p.map));
    byte(a, (unsigned)(p.wide << 7 | (~p.second & 15) << 3 | 1 << 2 | p.pp));
    byte(a, (unsigned)(p.zero << 7 | 2 << 5 | p.all << 4 | !(p.second & 16) << 3 | p.part));
}

static void modrm_memory(x86 *a, int reg, x86_memory m)
{
    const unsigned field = (unsigned)(reg & 7) << 3, base = (unsigned)(m.base & 7);
    if (m.indexed) { /* [base + rcx + displacement] */
        byte(a, 0x80 | field | 4);
        byte(a, X86_RCX << 3 | base);
    } else {
        byte(a, 0x80 | field | base);
        if (base == X86_RSP) byte(a, X86_RSP << 3 | X86_RSP); /* no index */
    }
    word(a, m.displacement);
}

static prefix packed(const x86 *a, int reg, int second)
{
    return (prefix){.map = 1, .pp = a->wide, .reg = reg, .second = second, .wide = a->wide};
}

void x86_load(x86 *a, int to, x86_memory m)
{
    prefix p = packed(a, to, 0);
    p.memory = true, p.rm = m.base;
    if (m.all) p.map = 2, p.pp = 1; /* vbroadcastss, vbroadcastsd */
    else p.part = p.zero = a->part; /* k1 */
    evex(a, p);
    byte(a, !m.all ? 0x10 : a->wide ? 0x19 : 0x18);
    modrm_memory(a, to, m);
}

void x86_store(x86 *a, x86_memory m, int from)
{
    prefix p = packed(a, from, 0);
    p.memory = true, p.rm = m.base, p.part = a->part;
    evex(a, p);
    byte(a, 0x11);
    modrm_memory(a, from, m);
}

void x86_stream(x86 *a, x86_memory m, int from)
{
    prefix p = packed(a, from, 0);
    p.memory = true, p.rm = m.base;
    evex(a, p);
    byte(a, 0x2b);
    modrm_memory(a, from, m);
}

void x86_fence(x86 *a) { BYTES(a, 0x0f, 0xae, 0xf8); }

static void registers(x86 *a, unsigned op, int to, int first, int second)
{
    prefix p = packed(a, to, first);
    p.rm = second;
    evex(a, p);
    byte(a, op);
    byte(a, (unsigned)(0xc0 | (to & 7) << 3 | (second & 7)));
}

void x86_move(x86 *a, int to, int from) { registers(a, 0x28, to, 0, from); }

enum { K2 = 2 };

void x86_compare(x86 *a, enum x86_predicate how, int first, int second)
{
    registers(a, 0xc2, K2, first, second); /* vcmpps k2, first, second */
    byte(a, how);
}

void x86_move_chosen(x86 *a, int to, int from)
{
    prefix p = packed(a, to, 0);
    p.rm = from, p.part = K2;
    evex(a, p);
    byte(a, 0x28); /* vmovaps to {k2}, from */
    byte(a, (unsigned)(0xc0 | (to & 7) << 3 | (from & 7)));
}

/* Of integers as wide as the elements, or of bits. */
static void integers(x86 *a, int map, unsigned op, int reg, int second, int rm)
{
    evex(a, (prefix){.map = map, .pp = 1, .reg = reg, .second = second, .rm = rm, .wide = a->wide});
    byte(a, op);
    byte(a, (unsigned)(0xc0 | (reg & 7) << 3 | (rm & 7)));
}

enum { LEFT = 6, RIGHT = 2 };
static void shift(x86 *a, int way, int to, int from, unsigned bits)
{
    integers(a, 1, a->wide ? 0x73 : 0x72, way, to, from);
    byte(a, bits);
}

void x86_zero(x86 *a, int to) { integers(a, 1, 0xef, to, to, to); /* vpxor */ }

void x86_abs(x86 *a, int to, int from)
{
    shift(a, LEFT, to, from, 1);
    shift(a, RIGHT, to, to, 1);
}

void x86_negate(x86 *a, int to, int from)
{
    integers(a, 3, 0x25, to, to, to); /* vpternlog: all bits */
    byte(a, 0xff);
    shift(a, LEFT, to, to, a->wide ? 63 : 31);
    integers(a, 1, 0xef, to, to, from);
}

void x86_apply(x86 *a, enum x86_op op, int to, int first, int second)
{
    registers(a, op, to, op == X86_SQRT ? 0 : first, second);
}

void x86_apply_memory(x86 *a, enum x86_op op, int to, int first, x86_memory second)
{
    prefix p = packed(a, to, op == X86_SQRT ? 0 : first);
    p.memory = true, p.rm = second.base, p.all = second.all;
    p.part = p.zero = a->part && !second.all && second.indexed; /* nothing beyond the end is read */
    evex(a, p);
    byte(a, op);
    modrm_memory(a, to, second);
}

/* ---- the frame ---- */

void x86_pointer(x86 *a, int to, int32_t displacement)
{
    byte(a, to & 8 ? 0x4c : 0x48); /* mov to, [rdi + displacement] */
    byte(a, 0x8b);
    byte(a, (unsigned)(0x87 | (to & 7) << 3));
    word(a, displacement);
}

void x86_enter(x86 *a, int32_t room)
{
    BYTES(a, 0x55, 0x48, 0x89, 0xe5);                               /* push rbp; mov rbp, rsp */
    BYTES(a, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x53); /* push r12 .. r15, rbx */
    BYTES(a, 0x48, 0x83, 0xe4, 0xc0);                               /* and rsp, -64 */
    BYTES(a, 0x48, 0x81, 0xec);                                     /* sub rsp, room */
    word(a, room);
    BYTES(a, 0xc5, 0xf8, 0x92, 0xca); /* kmovw k1, edx */
}

void x86_leave(x86 *a)
{
    BYTES(a, 0xc5, 0xf8, 0x77);             /* vzeroupper */
    BYTES(a, 0x48, 0x8d, 0x65, 0xd8);       /* lea rsp, [rbp - 40] */
    BYTES(a, 0x5b, 0x41, 0x5f, 0x41, 0x5e); /* pop rbx, r15, r14, r13, r12, rbp */
    BYTES(a, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0xc3);
}

size_t x86_loop_begin(x86 *a)
{
    BYTES(a, 0x31, 0xc9);       /* xor ecx, ecx */
    BYTES(a, 0x48, 0x85, 0xf6); /* test rsi, rsi */
    BYTES(a, 0x0f, 0x84);       /* jz */
    word(a, 0);
    return a->n;
}

void x86_loop_end(x86 *a, size_t from)
{
    BYTES(a, 0x48, 0x83, 0xc1, 0x40); /* add rcx, 64 */
    BYTES(a, 0x48, 0x39, 0xf1);       /* cmp rcx, rsi */
    BYTES(a, 0x0f, 0x82);             /* jb */
    word(a, (int32_t)((int64_t)from - (int64_t)a->n - 4));
}

size_t x86_skip_part(x86 *a)
{
    BYTES(a, 0x85, 0xd2); /* test edx, edx */
    BYTES(a, 0x0f, 0x84);
    word(a, 0);
    return a->n;
}

void x86_land(x86 *a, size_t jump)
{
    const int32_t far = (int32_t)(a->n - jump);
    if (a->code && a->n <= a->room) memcpy(a->code + jump - 4, &far, sizeof far);
}
