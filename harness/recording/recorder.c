// SPDX-License-Identifier: Apache-2.0
// The recording console and machine. See recorder.h.
#include "harness/recording/recorder.h"

#include "harness/recording/conceal.h"
#include "harness/recording/writer.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

// What is lost at most when this process is killed while the guest prints;
// before a longer silence everything is written.
#define FLUSH_NS (50 * NS_PER_MS)

// One thread, that of the run; interrupt passes through from any.
struct recorder {
    struct console base; // first
    struct console *console;
    const struct run_machine *machine; // or NULL
    struct run_machine wrapped;
    struct recording_writer *writer;
    struct recording_info info; // borrows its texts
    struct conceal conceal;
    uint64_t flushed_ns;
    uint8_t bytes[INPUT_PIECE]; // CONSOLE_BATCH at least
    struct mask masks[MASKS_MAX];
};
_Static_assert(INPUT_PIECE >= CONSOLE_BATCH, "a batch must fit");

// ---- The console -----------------------------------------------------------

static void put_bytes(struct recorder *r, const struct console_batch *b)
{
    int n = conceal_apply(&r->conceal, b->port, b->bytes, b->len, r->bytes,
                          r->masks, MASKS_MAX);
    struct record rec = {.kind = RECORD_BYTES,
                         .ns = b->now_ns,
                         .port = b->port,
                         .bytes = r->bytes,
                         .len = b->len,
                         .stamps = b->stamps,
                         .nstamps = b->nstamps,
                         .masks = r->masks,
                         .nmasks = n > 0 ? (size_t)n : 0};
    recording_put(r->writer, &rec);
}

static void put_batch(struct recorder *r, const struct console_batch *b,
                      uint64_t deadline_ns)
{
    struct record rec = {.ns = b->now_ns, .deadline_ns = deadline_ns};
    switch (b->kind) {
    case CONSOLE_BYTES:
        if (b->len && b->nstamps) {
            put_bytes(r, b);
            return;
        }
        rec.kind = RECORD_TIMEOUT; // nothing came
        break;
    case CONSOLE_EVENT:
        rec.kind = RECORD_EVENT;
        rec.event = &b->event;
        break;
    case CONSOLE_TIMEOUT:
        rec.kind = RECORD_TIMEOUT;
        break;
    }
    recording_put(r->writer, &rec);
}

static void flush(struct recorder *r, uint64_t least_ns)
{
    uint64_t now = clock_now_ns();
    if (!recording_pending(r->writer) || now - r->flushed_ns < least_ns)
        return;
    recording_flush(r->writer);
    r->flushed_ns = now;
}

static void put_outcome(struct recorder *r, struct record rec, int code,
                        const struct error *err)
{
    rec.code = code;
    rec.text = err->text;
    rec.text_len = strlen(err->text);
    recording_put(r->writer, &rec);
}

// Reads, but leaves nothing unwritten for longer than FLUSH_NS while it waits:
// what came just before a long silence must survive a kill in it.
static int read_flushing(struct recorder *r, struct console_batch *out,
                         uint64_t deadline_ns, struct error *err)
{
    flush(r, FLUSH_NS);
    if (recording_pending(r->writer)) {
        uint64_t since = clock_now_ns() - r->flushed_ns;
        uint64_t left = since < FLUSH_NS ? FLUSH_NS - since : 0;
        uint64_t due_ns = clock_after(console_now(r->console), left);
        if (due_ns < deadline_ns) {
            int code = console_read(r->console, out, due_ns, err);
            if (code || out->kind != CONSOLE_TIMEOUT)
                return code;
            flush(r, 0);
        }
    }
    return console_read(r->console, out, deadline_ns, err);
}

static int rec_read(struct console *c, struct console_batch *out,
                    uint64_t deadline_ns, struct error *err)
{
    struct recorder *r = (struct recorder *)c;
    struct error own = {""};
    int code = read_flushing(r, out, deadline_ns, &own);
    if (code && err)
        *err = own;
    if (code)
        put_outcome(r, (struct record){.kind = RECORD_FAULT}, code, &own);
    else
        put_batch(r, out, deadline_ns);
    return code;
}

static void put_input(struct recorder *r, unsigned port, const uint8_t *bytes,
                      size_t len, bool secret, int code,
                      const struct error *err)
{
    struct record rec = {.kind = RECORD_INPUT,
                         .ns = console_now(r->console),
                         .port = port,
                         .bytes = r->bytes};
    do {
        rec.len = len < INPUT_PIECE ? len : INPUT_PIECE;
        rec.flags = (secret ? INPUT_SECRET : 0U) |
                    (len > INPUT_PIECE ? INPUT_MORE : 0U);
        if (secret)
            memset(r->bytes, '*', rec.len);
        else
            conceal_apply(&r->conceal, TOYVMM_PORTS + port, bytes, rec.len,
                          r->bytes, NULL, 0);
        put_outcome(r, rec, code, err);
        bytes += rec.len;
        len -= rec.len;
    } while (len);
}

static int rec_write(struct console *c, unsigned port, const void *bytes,
                     size_t len, struct error *err)
{
    struct recorder *r = (struct recorder *)c;
    struct error own = {""};
    int code = console_write(r->console, port, bytes, len, &own);
    if (code && err)
        *err = own;
    if (port < TOYVMM_PORTS)
        put_input(r, port, bytes, len, false, code, &own);
    return code;
}

static int rec_write_secret(struct console *c, unsigned port, const void *bytes,
                            size_t len, bool echoed, struct error *err)
{
    struct recorder *r = (struct recorder *)c;
    struct error own = {""};
    // Known before the guest can echo it.
    if (echoed && !conceal_add(&r->conceal, bytes, len, NULL))
        return error_set(err, -ENOMEM, "out of memory");
    int code = console_write_secret(r->console, port, bytes, len, echoed, &own);
    if (code && err)
        *err = own;
    if (port < TOYVMM_PORTS)
        put_input(r, port, bytes, len, true, code, &own);
    return code;
}

static int rec_break(struct console *c, unsigned port, struct error *err)
{
    struct recorder *r = (struct recorder *)c;
    struct error own = {""};
    int code = console_break(r->console, port, &own);
    if (code && err)
        *err = own;
    if (port < TOYVMM_PORTS)
        put_outcome(r,
                    (struct record){.kind = RECORD_INPUT,
                                    .ns = console_now(r->console),
                                    .port = port,
                                    .flags = INPUT_BREAK},
                    code, &own);
    return code;
}

static size_t rec_unread(struct console *c, unsigned port)
{
    struct recorder *r = (struct recorder *)c;
    size_t n = console_unread(r->console, port);
    recording_put(r->writer, &(struct record){.kind = RECORD_UNREAD,
                                              .port = port % TOYVMM_PORTS,
                                              .unread = n});
    return n;
}

static uint64_t rec_now(struct console *c)
{
    struct recorder *r = (struct recorder *)c;
    uint64_t ns = console_now(r->console);
    recording_put(r->writer, &(struct record){.kind = RECORD_NOW, .ns = ns});
    return ns;
}

static void rec_interrupt(struct console *c)
{
    console_interrupt(((struct recorder *)c)->console);
}

// The console that is recorded is its owner's to close, the recorder's end is
// recorder_end.
static void rec_close(struct console *c)
{
    (void)c;
}

static const struct console_ops rec_ops = {
    .read = rec_read,
    .write = rec_write,
    .write_secret = rec_write_secret,
    .serial_break = rec_break,
    .unread = rec_unread,
    .now = rec_now,
    .interrupt = rec_interrupt,
    .close = rec_close,
};

// ---- The machine -----------------------------------------------------------

static void rec_stop(void *owner)
{
    struct recorder *r = owner;
    const struct error none = {""};
    r->machine->stop(r->machine->owner);
    put_outcome(r, (struct record){.kind = RECORD_CALL, .call = CALL_STOP}, 0,
                &none);
}

static bool rec_regs(void *owner, unsigned vcpu, struct toyvmm_regs *out)
{
    struct recorder *r = owner;
    const struct error none = {""};
    struct record rec = {.kind = RECORD_REGS, .vcpu = vcpu};
    bool there = r->machine->regs(r->machine->owner, vcpu, out);
    if (there)
        rec.regs = *out;
    put_outcome(r, rec, there ? 0 : -ESRCH, &none);
    return there;
}

static bool rec_observe(void *owner, unsigned vcpu, uint64_t within_ns,
                        struct toyvmm_observation *out)
{
    struct recorder *r = owner;
    const struct error none = {""};
    bool there = r->machine->observe(r->machine->owner, vcpu, within_ns, out);
    put_outcome(
        r,
        (struct record){.kind = RECORD_OBSERVATION, .vcpu = vcpu, .seen = out},
        there ? 0 : -ESRCH, &none);
    return there;
}

// Memory is read and not recorded: it may hold whatever the guest was told.
static size_t rec_memory(void *owner, const struct toyvmm_regs *regs,
                         uint64_t address, void *to, size_t len)
{
    const struct recorder *r = owner;
    return r->machine->read(r->machine->owner, regs, address, to, len);
}

// As is what devices refused: it is told beside the verdict.
static size_t rec_refusals(void *owner, struct toyvmm_refusal *out, size_t max)
{
    const struct recorder *r = owner;
    return r->machine->refusals(r->machine->owner, out, max);
}

static void rec_usage(void *owner, uint64_t ns, struct toyvmm_usage *out,
                      struct toyvmm_share *each)
{
    struct recorder *r = owner;
    r->machine->usage(r->machine->owner, ns, out, each);
    recording_put(r->writer,
                  &(struct record){.kind = RECORD_USAGE,
                                   .usage = *out,
                                   .shares = each,
                                   .nshares = each ? r->info.vcpus : 0});
}

static int call(struct recorder *r, enum machine_call what,
                int (*function)(void *owner, struct error *err),
                struct error *err)
{
    struct error own = {""};
    int code = function(r->machine->owner, &own);
    if (code && err)
        *err = own;
    put_outcome(r, (struct record){.kind = RECORD_CALL, .call = what}, code,
                &own);
    return code;
}

static int rec_restart(void *owner, struct error *err)
{
    struct recorder *r = owner;
    return call(r, CALL_RESTART, r->machine->restart, err);
}

static int rec_nmi(void *owner, struct error *err)
{
    struct recorder *r = owner;
    return call(r, CALL_NMI, r->machine->nmi, err);
}

static int rec_power(void *owner, struct error *err)
{
    struct recorder *r = owner;
    return call(r, CALL_POWER, r->machine->power, err);
}

// What the machine can't do, the recorded one can't either.
static unsigned wrap(struct recorder *r, const struct run_machine *m)
{
    r->wrapped = (struct run_machine){.owner = r};
    if (!m)
        return 0;
    r->wrapped.vcpus = m->vcpus;
    r->wrapped.stop = m->stop ? rec_stop : NULL;
    r->wrapped.regs = m->regs ? rec_regs : NULL;
    r->wrapped.observe = m->observe ? rec_observe : NULL;
    r->wrapped.read = m->read ? rec_memory : NULL;
    r->wrapped.usage = m->usage ? rec_usage : NULL;
    r->wrapped.refusals = m->refusals ? rec_refusals : NULL;
    r->wrapped.restart = m->restart ? rec_restart : NULL;
    r->wrapped.nmi = m->nmi ? rec_nmi : NULL;
    r->wrapped.power = m->power ? rec_power : NULL;
    return (m->stop ? 1U << ABLE_STOP : 0) | (m->regs ? 1U << ABLE_REGS : 0) |
           (m->usage ? 1U << ABLE_USAGE : 0) |
           (m->restart ? 1U << ABLE_RESTART : 0) |
           (m->nmi ? 1U << ABLE_NMI : 0) | (m->power ? 1U << ABLE_POWER : 0) |
           (m->observe ? 1U << ABLE_OBSERVE : 0);
}

// ---- Its life --------------------------------------------------------------

static uint64_t new_nonce(void)
{
    uint64_t n = 0;
    if (getrandom(&n, sizeof(n), 0) != sizeof(n))
        n = clock_now_ns();
    // The runner takes 32 bits of it, and 0 for none.
    return n | 1;
}

struct recorder *recorder_begin(const char *path, struct run_options *run,
                                const struct result *about, struct error *err)
{
    struct recorder *r = calloc(1, sizeof(*r));
    if (!r) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    r->base.ops = &rec_ops;
    r->console = run->console;
    r->machine = run->machine;
    r->flushed_ns = clock_now_ns();
    union {
        const char *borrowed;
        char *text;
    } version = {TOYVMM_VERSION};
    double scale = run->timeout_scale;
    r->info = (struct recording_info){
        .run = *about,
        .version = version.text,
        .scenario_hash = recording_hash(run->scenario->path),
        .timeout_scale = scale > 0 ? scale : 1,
        .judge_marks = run->judge_marks,
        .nonce = run->nonce ? run->nonce : new_nonce(),
        .abilities = wrap(r, run->machine),
        .vcpus = run->machine ? run->machine->vcpus : 0,
        .started_ns = run->started_ns,
    };
    r->writer = recording_writer_new(path, &r->info, NULL, err);
    if (!r->writer) {
        free(r);
        return NULL;
    }
    run->console = &r->base;
    run->machine = run->machine ? &r->wrapped : NULL;
    run->nonce = r->info.nonce;
    return r;
}

int recorder_end(struct recorder *r, const struct result *result,
                 struct error *err)
{
    if (!r)
        return 0;
    r->info.run = *result;
    int code = recording_writer_end(r->writer, &r->info, err);
    conceal_free(&r->conceal);
    free(r);
    return code;
}
