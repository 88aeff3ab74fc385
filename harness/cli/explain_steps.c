// SPDX-License-Identifier: Apache-2.0
// Each step in words. See explain_words.h.
#include "harness/cli/explain_words.h"
#include "harness/runner/runner.h"

#include <inttypes.h>
#include <string.h>

#define INDENT 4

// ---- Parts of a step --------------------------------------------------------

static void put_wait(const struct words *w, uint64_t within_ns)
{
    fputs(" at most ", w->f);
    words_duration(w->f, within_ns ? within_ns : w->scenario->step_timeout_ns);
    fputs(within_ns ? "" : " (step-timeout)", w->f);
}

static void put_port(const struct words *w, const struct step *s)
{
    if (s->port != PORT_CURRENT)
        fprintf(w->f, " on %s", port_name((unsigned)s->port));
}

static void put_groups(const struct words *w, const struct pattern_node *n)
{
    for (size_t i = 0; i < n->ngroups; i++)
        fprintf(w->f, "%s${%s}", i ? ", " : "; it sets ", n->groups[i]);
}

static const char *event_words(enum guest_event event)
{
    static const char *const words[] = {
        [GUEST_RESET] = "the guest resets",
        [GUEST_POWEROFF] = "the guest powers off",
        [GUEST_HALT] = "the guest halts",
        [GUEST_PANIC] = "the kernel panics",
        [GUEST_TRIPLE_FAULT] = "the processor meets a triple fault",
        [GUEST_TIMEOUT] = "none of them in time",
    };
    return words[event];
}

// ---- Steps without a block --------------------------------------------------

static void put_expect(const struct words *w, const struct step *s)
{
    fputs("wait for ", w->f);
    words_pattern(w, &s->u.expect.pattern);
    put_port(w, s);
    put_wait(w, s->u.expect.within_ns);
    put_groups(w, &s->u.expect.pattern);
    if (s->u.expect.mark)
        fprintf(w->f, "; stamp the mark %s", s->u.expect.mark);
}

static void put_event(const struct words *w, const struct step *s)
{
    fprintf(w->f, "wait until %s,", event_words(s->u.event.event));
    put_wait(w, s->u.event.within_ns);
}

static void put_idle(const struct words *w, const struct step *s)
{
    fputs("wait until nothing was printed", w->f);
    put_port(w, s);
    fputs(" for ", w->f);
    words_duration(w->f, s->u.idle_ns);
}

static void put_send(const struct words *w, const struct step *s)
{
    fputs("type ", w->f);
    if (s->u.send.secret)
        fputs("a secret text", w->f);
    else
        words_text(w, &s->u.send.text);
    fputs(s->u.send.enter ? " and Enter" : "", w->f);
    put_port(w, s);
}

static void put_key(const struct words *w, const struct step *s)
{
    if (s->u.key.serial_break)
        fputs("break the serial line", w->f);
    else
        fprintf(w->f, "press %s", s->u.key.name);
    put_port(w, s);
}

static void put_login(const struct words *w, const struct step *s)
{
    fputs("log in", w->f);
    put_port(w, s);
    fputs(" as ", w->f);
    words_text(w, &s->u.login.user);
    fputs(s->u.login.has_password ? " with a password (not shown)" : "", w->f);
    fputs(" and wait for a shell's prompt", w->f);
    if (s->u.login.has_prompt) {
        fputc(' ', w->f);
        words_pattern(w, &s->u.login.prompt);
    }
    fputs(", each wait", w->f);
    put_wait(w, s->u.login.within_ns);
}

static void put_run(const struct words *w, const struct step *s)
{
    fputs("run ", w->f);
    words_text(w, &s->u.run.command);
    put_port(w, s);
    put_wait(w, s->u.run.within_ns);
    if (s->u.run.any_status)
        fputs("; any exit status will do", w->f);
    else
        fprintf(w->f, "; its exit status must be %ld", s->u.run.status);
    if (s->u.run.as)
        fprintf(w->f, "; output and status are kept as %s%s", s->u.run.as,
                s->u.run.raw ? ", with what the kernel prints meanwhile" : "");
}

static void put_check(const struct words *w, const struct step *s)
{
    static const char *const verbs[] = {
        [CHECK_HAS] = " has ",   [CHECK_LACKS] = " lacks ",
        [CHECK_COUNT] = " has ", [CHECK_STATUS] = NULL,
        [CHECK_MARK] = NULL,     [CHECK_METRIC] = NULL,
        [CHECK_VALUE] = NULL,
    };
    static const char *const names[] = {
        [CHECK_STATUS] = "the status of ",
        [CHECK_MARK] = "the mark ",
        [CHECK_METRIC] = "the metric ",
        [CHECK_VALUE] = "",
    };
    enum check_kind kind = s->u.check.kind;
    const char *verb = verbs[kind];
    fprintf(w->f, "check that %s%s", verb ? "" : names[kind], s->u.check.name);
    if (verb) {
        fputs(verb, w->f);
        words_pattern(w, &s->u.check.pattern);
    }
    if (kind == CHECK_HAS || kind == CHECK_LACKS)
        return;
    fprintf(w->f, " %s ", words_compare(s->u.check.op));
    words_value(w, &s->u.check.value);
    fputs(kind == CHECK_COUNT ? " times" : "", w->f);
}

static void put_metric(const struct words *w, const struct step *s)
{
    fprintf(w->f, "report the metric %s: ", s->u.metric.name);
    words_value(w, &s->u.metric.value);
    if (s->u.metric.unit)
        fprintf(w->f, " %s", s->u.metric.unit);
}

static void put_poweroff(const struct words *w, const struct step *s)
{
    fputs("ask the guest to power off, and end it after ", w->f);
    uint64_t within = s->u.poweroff_within_ns;
    words_duration(w->f, within ? within : RUN_POWEROFF_NS);
}

static void put_head(const struct words *w, const struct step *s)
{
    switch (s->kind) {
    case STEP_EXPECT:
        put_expect(w, s);
        break;
    case STEP_EXPECT_ONE:
        fputs("wait", w->f);
        put_port(w, s);
        put_wait(w, s->u.one.within_ns);
        fputs(" for the first of these:", w->f);
        break;
    case STEP_EXPECT_EVENT:
        put_event(w, s);
        break;
    case STEP_EXPECT_IDLE:
        put_idle(w, s);
        break;
    case STEP_SEND:
        put_send(w, s);
        break;
    case STEP_KEY:
        put_key(w, s);
        break;
    case STEP_LOGIN:
        put_login(w, s);
        break;
    case STEP_RUN:
        put_run(w, s);
        break;
    case STEP_KTAP:
        fputs("collect the tests that the kernel reports (KTAP)", w->f);
        put_port(w, s);
        put_wait(w, s->u.ktap_within_ns);
        break;
    case STEP_CHECK:
        put_check(w, s);
        break;
    case STEP_MARK:
        fprintf(w->f, "stamp the mark %s", s->u.mark);
        break;
    case STEP_METRIC:
        put_metric(w, s);
        break;
    case STEP_LOG:
        fputs("report ", w->f);
        words_text(w, &s->u.log);
        break;
    case STEP_REPEAT:
        fprintf(w->f, "%" PRIu64 " times:", s->u.repeat.times);
        break;
    case STEP_IF:
        fprintf(w->f, "if %s %s ", s->u.cond.name, words_compare(s->u.cond.op));
        words_value(w, &s->u.cond.value);
        fputc(':', w->f);
        break;
    case STEP_GROUP:
        fputs("the group ", w->f);
        words_text(w, &s->u.group.title);
        fputc(':', w->f);
        break;
    case STEP_NEVER:
        fputs(s->u.never.allow ? "allow " : "fail at once on ", w->f);
        if (s->u.never.name)
            fputs(s->u.never.name, w->f);
        else
            words_pattern(w, &s->u.never.pattern);
        fputs(" during:", w->f);
        break;
    case STEP_SNAPSHOT:
        fprintf(w->f, "take the snapshot %s", s->u.snapshot);
        break;
    case STEP_RESET:
        fputs("reset the machine", w->f);
        break;
    case STEP_POWEROFF:
        put_poweroff(w, s);
        break;
    case STEP_NMI:
        fputs("send the machine a non-maskable interrupt", w->f);
        break;
    case STEP_POWER:
        fputs("press the machine's power button", w->f);
        break;
    case STEP_CONSOLE:
        fprintf(w->f, "from here on read and type on %s",
                port_name(s->u.console));
        break;
    }
}

// ---- Steps in steps ---------------------------------------------------------

// A list of steps: how deep it stands, what its numbers begin with ("3.1.") and
// how many it had so far.
struct outline {
    const struct words *w;
    unsigned depth;
    const char *number;
    size_t count;
};

static void put_steps(struct outline *o, const struct block *b);

static void indent(const struct outline *o, unsigned less)
{
    fprintf(o->w->f, "%*s", (int)((o->depth - less) * INDENT), "");
}

static void put_branches(struct outline *o, const struct step *s)
{
    const struct words *w = o->w;
    for (size_t i = 0; i < s->u.one.nbranches; i++) {
        const struct branch *b = &s->u.one.branches[i];
        indent(o, 0);
        if (b->is_event) {
            fputs(event_words(b->event), w->f);
        } else {
            words_pattern(w, &b->pattern);
            put_groups(w, &b->pattern);
        }
        fputs(b->body.nsteps ? ":\n" : ": nothing to do\n", w->f);
        o->depth++;
        put_steps(o, &b->body);
        o->depth--;
    }
}

// The steps in a step.
static void put_inner(struct outline *o, const struct step *s)
{
    if (s->kind == STEP_EXPECT_ONE) {
        put_branches(o, s);
    } else if (s->kind == STEP_REPEAT) {
        put_steps(o, &s->u.repeat.body);
    } else if (s->kind == STEP_GROUP) {
        put_steps(o, &s->u.group.body);
    } else if (s->kind == STEP_NEVER) {
        put_steps(o, &s->u.never.body);
    } else if (s->kind == STEP_IF) {
        put_steps(o, &s->u.cond.then);
        if (s->u.cond.otherwise.nsteps) {
            indent(o, 1);
            fputs("otherwise:\n", o->w->f);
        }
        put_steps(o, &s->u.cond.otherwise);
    }
}

static void put_steps(struct outline *o, const struct block *b)
{
    FILE *f = o->w->f;
    for (size_t i = 0; i < b->nsteps; i++) {
        const struct step *s = &b->steps[i];
        // Blocks are at most 64 deep, and a number is short.
        char number[1024];
        snprintf(number, sizeof(number), "%s%zu.", o->number, ++o->count);
        indent(o, 0);
        fprintf(f, "%s ", number);
        put_head(o->w, s);
        fputs("  [", f);
        words_place(o->w, &s->pos);
        fputs("]\n", f);
        struct outline inner = {o->w, o->depth + 1, number, 0};
        put_inner(&inner, s);
    }
}

void words_steps(const struct words *w)
{
    struct outline o = {.w = w, .depth = 1, .number = ""};
    put_steps(&o, &w->scenario->steps);
}
