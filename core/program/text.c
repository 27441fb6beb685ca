/* A program as text: its regions, steps, clusters and buffers, and where the time went. */
#include "core/program/program.h"
#include <stdio.h>

static const char *const kind_name[] = {"map", "gemm", "reduce", "call", "emit", "read", "hold"};

static void print_place(imnn_buffer *b, const operand *o)
{
    static const char *const name[] = {"input", "constant", "result", "arena", "tile", "partial"};
    imnn_print(b, "%s", name[o->place]);
    if (o->place == IN_INPUT || o->place == IN_RESULT) imnn_print(b, " %d", o->index + 1);
    if (o->offset && o->place != IN_CONSTANT) imnn_print(b, "+%zu", o->offset);
    imnn_print(b, " %s %s", imnn_dtype_name(o->dtype), imnn_shape_text(&o->shape).s);
}

static void print_value(imnn_buffer *b, int32_t v)
{
    if (v < 0) imnn_print(b, "r%d", -1 - v);
    else if (v < IMNN_TARGET) imnn_print(b, "s%d", v);
    else imnn_print(b, "t%d", v - IMNN_TARGET);
}

static void print_cluster(imnn_buffer *b, const cluster *c)
{
    for (int32_t i = 0; i < c->sources + c->targets; i++) {
        const operand *o = i < c->sources ? &c->source[i] : &c->target[i - c->sources];
        imnn_print(b, "        %c%d: ", i < c->sources ? 's' : 't',
                   i < c->sources ? i : i - c->sources);
        print_place(b, o);
        imnn_print(b, ", strides");
        for (int32_t k = 0; k < c->ndim; k++) imnn_print(b, " %lld", (long long)o->stride[k]);
        imnn_print(b, "\n");
    }
    for (int32_t k = 0; k < c->length; k++) {
        imnn_print(b, "        ");
        print_value(b, c->code[k].out);
        imnn_print(b, " = %s(", c->code[k].name);
        for (int32_t j = 0; j < c->code[k].n; j++) {
            if (j) imnn_print(b, ", ");
            print_value(b, c->code[k].in[j]);
        }
        imnn_print(b, ")\n");
    }
}

static double spent(const imnn_program *p, const region *r, int32_t s)
{
    double t = 0;
    for (int i = 0; r->seconds && i < p->threads; i++) t += r->seconds[i * (r->steps + 1) + s];
    return p->runs ? t / (double)p->runs : 0;
}

/* Bytes that a step reads and writes, of all rows. */
static double traffic(const imnn_program *p, const step *s)
{
    double bytes = 0;
    if (s->kind == STEP_MAP) {
        for (int32_t i = 0; i < s->map.sources + s->map.targets; i++) {
            const operand *o =
                i < s->map.sources ? &s->map.source[i] : &s->map.target[i - s->map.sources];
            double n = 1; /* what a broadcast repeats is read once */
            for (int32_t k = 0; k < s->map.ndim; k++)
                if (o->stride[k]) n *= (double)s->map.size[k];
            bytes += n * (double)imnn_dtype_size(o->dtype);
        }
        return bytes;
    }
    for (int32_t k = 0; k < s->n; k++)
        bytes +=
            (double)imnn_shape_count(&s->in[k].shape) * (double)imnn_dtype_size(s->in[k].dtype);
    return bytes + (double)imnn_shape_count(&p->item[s->item].v->type.shape) *
                       (double)imnn_dtype_size(p->item[s->item].v->type.dtype);
}

static void print_step(imnn_buffer *b, const imnn_program *p, const region *r, int32_t i)
{
    const step *s = &r->step[i];
    const item *it = &p->item[s->item];
    imnn_print(b, "    step %d: %s", i + 1, kind_name[s->kind]);
    if (s->kind == STEP_MAP)
        imnn_print(b, " of %d operations, %d registers%s", s->map.length, s->map.registers,
                   s->map.native ? ", machine code" : "");
    else imnn_print(b, " %s", it->v->op->name);
    imnn_print(b, " -> %s %s", imnn_dtype_name(it->v->type.dtype),
               imnn_shape_text(&it->v->type.shape).s);
    if (s->fold) imnn_print(b, ", summed over rows%s", s->first ? "" : " (continued)");
    if (s->kind == STEP_GEMM && s->pack >= 0) imnn_print(b, ", packed factor %d", s->pack + 1);
    if (s->spare)
        imnn_print(b, ", first %lld rows %s", (long long)it->spare_rows,
                   s->spare == SPARE_PUT ? "kept" : "as kept");
    double t = spent(p, r, i);
    if (t > 0) {
        imnn_print(b, "  [%.1f us", t * 1e6);
        if (s->flops > 0) imnn_print(b, ", %.1f GFLOP/s", s->flops / t * 1e-9);
        else {
            double scale = s->kind == STEP_MAP ? (double)r->R : 1;
            imnn_print(b, ", %.1f GB/s", traffic(p, s) * scale / t * 1e-9);
        }
        imnn_print(b, "]");
    }
    imnn_print(b, "\n");
    if (s->kind == STEP_MAP) print_cluster(b, &s->map);
    for (int32_t k = 0; k < s->n; k++) {
        imnn_print(b, "        in %d: ", k + 1);
        print_place(b, &s->in[k]);
        imnn_print(b, "\n");
    }
    if (s->n && s->kind != STEP_EMIT) {
        imnn_print(b, "        out: ");
        print_place(b, &s->out);
        imnn_print(b, "\n");
    }
}

static void print_regions(imnn_buffer *b, const imnn_program *p)
{
    for (int32_t k = 0; k < p->regions; k++) {
        const region *r = &p->region[k];
        imnn_print(b, "region %d: level %d, ", k + 1, r->level);
        if (r->space == 0) imnn_print(b, "whole");
        else if (p->by_rows)
            imnn_print(b, "the rows at hand%s", p->rows_last ? ", as the last axis" : "");
        else
            imnn_print(b, "%lld rows in %lld tiles of %lld, %lld groups", (long long)r->R,
                       (long long)r->tiles, (long long)r->tile, (long long)r->groups);
        imnn_print(b, ", %zu bytes a tile, %d packed factors\n", r->tile_bytes, r->packs);
        for (int32_t s = 0; s < r->steps; s++) print_step(b, p, r, s);
        double t = spent(p, r, r->steps);
        if (t > 0) imnn_print(b, "    sums of groups added  [%.1f us]\n", t * 1e6);
    }
}

/* The bodies that steps of p hold, and what these hold. */
static void print_bodies(imnn_buffer *b, const imnn_program *p, const char *whose)
{
    for (int32_t k = 0; k < p->regions; k++)
        for (int32_t s = 0; s < p->region[k].steps; s++) {
            const step *t = &p->region[k].step[s];
            for (int32_t i = 0; t->kind == STEP_HOLD && i < t->hold->bodies; i++) {
                char name[64];
                const imnn_program *body = t->hold->body[i];
                snprintf(name, sizeof name, "%s%d.%d%c", whose, k + 1, s + 1, 'a' + i);
                imnn_print(b, "body %s: %d inputs, %d results, %d regions\n", name, body->nx,
                           body->ny, body->regions);
                print_regions(b, body);
                snprintf(name, sizeof name, "%s%d.%d%c.", whose, k + 1, s + 1, 'a' + i);
                print_bodies(b, body, name);
            }
        }
}

const char *imnn_program_text(imnn_program *p)
{
    imnn_buffer *b = &p->text;
    imnn_buffer_free(b);
    *b = (imnn_buffer){0};
    imnn_print(b, "program: %d inputs, %d results, %d regions\n", p->nx, p->ny, p->regions);
    imnn_print(b, "memory: %zu bytes kept, %zu bytes a thread\n", p->arena_bytes, p->thread_bytes);
    imnn_print(b, "products and convolutions: %.0f FLOP a run\n", p->flops);
    if (p->runs)
        imnn_print(b, "profile: %lld runs of %.1f us; steps: time of all threads in a run\n",
                   (long long)p->runs, p->seconds / (double)p->runs * 1e6);
    print_regions(b, p);
    print_bodies(b, p, "");
    return b->failed ? "program: no memory for its description" : b->text;
}
