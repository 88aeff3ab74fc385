// SPDX-License-Identifier: Apache-2.0
// The scripted guest. See runner_fake.h.
#include "harness/tests/runner_fake.h"

#include "harness/runner/runner.h"
#include "harness/scenario/scenario.h"
#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Far from 0, as CLOCK_MONOTONIC is.
#define BEGINNING (1000 * NS_PER_S)

struct fake {
    struct console base;
    const struct script_line *script;
    size_t n, at;
    uint64_t now;
    uint64_t armed; // when the present line's condition came true; 0: not yet
    const char *noise;
    uint64_t noise_ns, noise_every_ns; // when it comes next, and how often
    uint64_t tick_ns;
    size_t unread;
    char typed[16384];
    size_t ntyped, nseen;             // seen: taken by a line's condition
    char on_port[TOYVMM_PORTS][4096]; // the same, of each port
};

static struct fake the_fake;

static bool arm(struct fake *f)
{
    const struct script_line *l = &f->script[f->at];
    if (f->armed || f->at == f->n)
        return f->at < f->n;
    if (l->typed) {
        const char *at = strstr(f->typed + f->nseen, l->typed);
        if (!at)
            return false;
        f->nseen = (size_t)(at - f->typed) + strlen(l->typed);
    }
    f->armed = f->now;
    return true;
}

static void print(struct fake *f, struct console_batch *out, unsigned port,
                  const char *text)
{
    out->kind = CONSOLE_BYTES;
    out->port = port;
    out->len = strlen(text);
    cr_assert_leq(out->len, (size_t)CONSOLE_BATCH);
    memcpy(out->bytes, text, out->len);
    out->nstamps = 1;
    out->stamps[0] = (struct stamp){0, f->now};
}

// A kernel's has the present time in its message.
static void print_noise(struct fake *f, struct console_batch *out)
{
    char text[256];
    const char *rest = *f->noise == '[' ? strchr(f->noise, ']') : NULL;
    uint64_t us = f->now / NS_PER_US;
    snprintf(text, sizeof(text), "[%5llu.%06llu%s",
             (unsigned long long)(us / 1000000),
             (unsigned long long)(us % 1000000), rest ? rest : "");
    print(f, out, 0, rest ? text : f->noise);
}

static int fake_read(struct console *c, struct console_batch *out,
                     uint64_t deadline, struct error *err)
{
    (void)err;
    struct fake *f = (struct fake *)c;
    uint64_t at = CLOCK_NEVER;
    if (arm(f))
        at = f->armed + f->script[f->at].after_ms * NS_PER_MS;
    out->kind = CONSOLE_TIMEOUT;
    out->len = 0;
    if (f->noise && f->noise_ns < at && f->noise_ns <= deadline) {
        f->now = f->noise_ns > f->now ? f->noise_ns : f->now;
        f->noise_ns += f->noise_every_ns;
        out->now_ns = f->now;
        print_noise(f, out);
        return 0;
    }
    if (at > deadline) {
        if (deadline > f->now)
            f->now = deadline;
        out->now_ns = f->now;
        return 0;
    }
    const struct script_line *l = &f->script[f->at++];
    f->armed = 0;
    f->now = at > f->now ? at : f->now;
    out->now_ns = f->now;
    if (l->event) {
        out->kind = CONSOLE_EVENT;
        out->event = (struct toyvmm_event){
            .kind = (enum toyvmm_event_kind)(l->event - 1),
            .ns = f->now,
            .usage.exits = 50};
    } else if (l->prints)
        print(f, out, l->port, l->prints);
    return 0;
}

static int fake_write(struct console *c, unsigned port, const void *bytes,
                      size_t len, struct error *err)
{
    (void)err;
    struct fake *f = (struct fake *)c;
    cr_assert_lt(port, (unsigned)TOYVMM_PORTS);
    char *own = f->on_port[port];
    size_t n = strlen(own);
    if (n + len < sizeof(f->on_port[port]))
        memcpy(own + n, bytes, len);
    cr_assert_lt(f->ntyped + len, sizeof(f->typed));
    memcpy(f->typed + f->ntyped, bytes, len);
    f->ntyped += len;
    f->typed[f->ntyped] = '\0';
    return 0;
}

static int fake_break(struct console *c, unsigned port, struct error *err)
{
    return fake_write(c, port, "<break>", 7, err);
}

static uint64_t fake_now(struct console *c)
{
    struct fake *f = (struct fake *)c;
    f->now += f->tick_ns;
    return f->now;
}

static size_t fake_unread(struct console *c, unsigned port)
{
    (void)port;
    return ((struct fake *)c)->unread;
}

static const struct console_ops fake_ops = {.read = fake_read,
                                            .write = fake_write,
                                            .serial_break = fake_break,
                                            .unread = fake_unread,
                                            .now = fake_now};

const char *fake_typed(void)
{
    return the_fake.typed;
}

const char *fake_typed_on(unsigned port)
{
    return the_fake.on_port[port];
}

static struct scenario *parse(const char *text)
{
    struct diagnostics diags = {0};
    struct error err = {""};
    struct scenario *s = NULL;
    char *whole = NULL;
    cr_assert_geq(asprintf(&whole, "test \"t\"\nkernel \"/k\"\n%s", text), 0);
    int code =
        scenario_parse("t.tc", whole, strlen(whole), NULL, 0, &s, &diags, &err);
    cr_assert_eq(code, 0, "%s", diags.count ? diags.list[0].message : err.text);
    diagnostics_free(&diags);
    free(whole);
    return s;
}

void fake_run(const char *scenario, const struct script_line *script, size_t n,
              const struct fake_options *options, struct result *result)
{
    struct scenario *s = parse(scenario);
    struct fake *f = &the_fake;
    *f = (struct fake){
        .base = {&fake_ops}, .script = script, .n = n, .now = BEGINNING};
    if (options) {
        f->noise = options->noise;
        f->noise_ns = BEGINNING;
        f->noise_every_ns = options->noise_ms * NS_PER_MS;
        f->unread = options->unread;
        f->tick_ns = options->tick_us * NS_PER_US;
    }
    struct run_options o = {
        .scenario = s,
        .console = &f->base,
        .started_ns = BEGINNING,
        .timeout_scale = options && options->scale > 0 ? options->scale : 1,
        .judge_marks = !options || !options->unjudged_marks,
        .nonce = 0x1234,
    };
    result_init(result);
    if (options && options->prepare)
        options->prepare(options->owner, &o);
    cr_assert_eq(run_scenario(&o, result), 0);
    if (options && options->done)
        options->done(options->owner, result);
    scenario_free(s);
}
