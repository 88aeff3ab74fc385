// SPDX-License-Identifier: Apache-2.0
// What a replay is asked and told beside its items. See tape.h.
#include "harness/recording/tape_internal.h"

#include <errno.h>
#include <string.h>

// Whether it answers that; which: the call, or the vCPU.
static bool answers(const struct record *r, enum record_kind kind,
                    unsigned which)
{
    if (r->kind != kind)
        return false;
    if (kind == RECORD_CALL)
        return r->call == which;
    // Of all other kinds it is 0.
    return r->vcpu == which;
}

// The first answer of a kind; false when the run then did not ask for it here.
static bool take_answer(struct tape *t, enum record_kind kind, unsigned which,
                        struct answer *out)
{
    for (size_t i = 0;; i++) {
        if (i == t->nanswers && !tape_next_answer(t))
            return false;
        if (!answers(&t->answers[i].record, kind, which))
            continue;
        *out = t->answers[i];
        t->nanswers--;
        memmove(&t->answers[i], &t->answers[i + 1],
                (t->nanswers - i) * sizeof(t->answers[0]));
        return true;
    }
}

// ---- Typing ----------------------------------------------------------------

// As the recorder would have written it down.
static void type(struct tape *t, unsigned port, const uint8_t *bytes,
                 size_t len, bool secret)
{
    while (len) {
        size_t n = len < INPUT_PIECE ? len : INPUT_PIECE;
        if (secret)
            memset(t->typing, '*', n);
        else
            conceal_apply(&t->secrets, TOYVMM_PORTS + port, bytes, n, t->typing,
                          NULL, 0);
        typed_add(&t->typed, TYPED_NOW, port, t->typing, n, secret, t->now_ns);
        bytes += n;
        len -= n;
    }
}

static int tape_type(struct tape *t, unsigned port, const void *bytes,
                     size_t len, bool secret, struct error *err)
{
    struct answer a;
    if (port >= TOYVMM_PORTS)
        return error_set(err, -EINVAL, "no serial port %u", port);
    if (take_answer(t, RECORD_INPUT, 0, &a))
        return error_set(err, a.record.code, "%s", a.text);
    type(t, port, bytes, len, secret);
    return 0;
}

static int tape_write(struct console *c, unsigned port, const void *bytes,
                      size_t len, struct error *err)
{
    return tape_type((struct tape *)c, port, bytes, len, false, err);
}

static int tape_write_secret(struct console *c, unsigned port,
                             const void *bytes, size_t len, bool echoed,
                             struct error *err)
{
    struct tape *t = (struct tape *)c;
    if (echoed && !conceal_add(&t->secrets, bytes, len, NULL))
        return error_set(err, -ENOMEM, "out of memory");
    return tape_type(t, port, bytes, len, true, err);
}

static int tape_break(struct console *c, unsigned port, struct error *err)
{
    struct tape *t = (struct tape *)c;
    int code = tape_type(t, port, NULL, 0, false, err);
    if (!code)
        typed_break(&t->typed, TYPED_NOW, port, t->now_ns);
    return code;
}

// ---- Answers ---------------------------------------------------------------

static size_t tape_unread(struct console *c, unsigned port)
{
    struct answer a;
    (void)port;
    return take_answer((struct tape *)c, RECORD_UNREAD, 0, &a)
               ? (size_t)a.record.unread
               : 0;
}

static uint64_t tape_now(struct console *c)
{
    struct tape *t = (struct tape *)c;
    struct answer a;
    if (take_answer(t, RECORD_NOW, 0, &a))
        t->asked_ns = a.record.ns;
    return t->asked_ns > t->now_ns ? t->asked_ns : t->now_ns;
}

static void tape_interrupt(struct console *c)
{
    pace_interrupt(&((struct tape *)c)->pace);
}

static void tape_close(struct console *c)
{
    (void)c;
}

const struct console_ops tape_ops = {
    .read = tape_read,
    .write = tape_write,
    .write_secret = tape_write_secret,
    .serial_break = tape_break,
    .unread = tape_unread,
    .now = tape_now,
    .interrupt = tape_interrupt,
    .close = tape_close,
};

static bool machine_regs(void *owner, unsigned vcpu, struct toyvmm_regs *out)
{
    struct answer a;
    if (!take_answer(owner, RECORD_REGS, vcpu, &a) || a.record.code)
        return false;
    *out = a.record.regs;
    return true;
}

static bool machine_observe(void *owner, unsigned vcpu, uint64_t within_ns,
                            struct toyvmm_observation *out)
{
    (void)within_ns;
    struct answer a;
    if (!take_answer(owner, RECORD_OBSERVATION, vcpu, &a) || a.record.code)
        return false;
    *out = a.seen;
    return true;
}

// What can't be known is not mapped.
static size_t machine_memory(void *owner, const struct toyvmm_regs *regs,
                             uint64_t address, void *to, size_t len)
{
    (void)owner;
    (void)regs;
    (void)address;
    (void)to;
    (void)len;
    return 0;
}

static void machine_usage(void *owner, uint64_t ns, struct toyvmm_usage *out,
                          struct toyvmm_share *each)
{
    struct tape *t = owner;
    struct answer a;
    (void)ns; // the same as then, for the same mark
    if (take_answer(t, RECORD_USAGE, 0, &a))
        tape_take_usage(t, &a);
    *out = t->usage;
    for (size_t i = 0; each && i < t->machine.vcpus; i++)
        each[i] = i < t->nshares ? t->shares[i] : (struct toyvmm_share){0};
}

static int machine_call(struct tape *t, enum machine_call what,
                        struct error *err)
{
    struct answer a;
    if (!take_answer(t, RECORD_CALL, what, &a) || !a.record.code)
        return 0;
    return error_set(err, a.record.code, "%s", a.text);
}

static void machine_stop(void *owner)
{
    machine_call(owner, CALL_STOP, NULL);
}

static int machine_restart(void *owner, struct error *err)
{
    return machine_call(owner, CALL_RESTART, err);
}

static int machine_nmi(void *owner, struct error *err)
{
    return machine_call(owner, CALL_NMI, err);
}

static int machine_power(void *owner, struct error *err)
{
    return machine_call(owner, CALL_POWER, err);
}

struct run_machine tape_answers(struct tape *t, unsigned abilities,
                                unsigned vcpus)
{
    return (struct run_machine){
        .owner = t,
        .vcpus = vcpus ? vcpus : 1,
        .stop = abilities & 1U << ABLE_STOP ? machine_stop : NULL,
        .regs = abilities & 1U << ABLE_REGS ? machine_regs : NULL,
        .observe = abilities & 1U << ABLE_OBSERVE ? machine_observe : NULL,
        .read = abilities & 1U << ABLE_OBSERVE ? machine_memory : NULL,
        .usage = abilities & 1U << ABLE_USAGE ? machine_usage : NULL,
        .restart = abilities & 1U << ABLE_RESTART ? machine_restart : NULL,
        .nmi = abilities & 1U << ABLE_NMI ? machine_nmi : NULL,
        .power = abilities & 1U << ABLE_POWER ? machine_power : NULL,
    };
}
