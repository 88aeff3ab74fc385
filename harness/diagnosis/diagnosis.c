// SPDX-License-Identifier: Apache-2.0
// What the report tells about a failure beyond its sentence: the sections, and
// those of them that are about the scenario and the console's last lines. See
// diagnosis.h.
#include "harness/diagnosis/parts.h"

#include "src/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAIL_LINES  15
#define DEATH_LINES 30

char *diagnosis_step_text(const struct step *s)
{
    char *text = NULL;
    int n = 0;
    if (s->kind == STEP_SEND && s->u.send.secret)
        n = asprintf(&text, "%s \"...\" secret",
                     s->u.send.enter ? "send" : "type");
    else if (s->kind == STEP_LOGIN && s->u.login.has_password)
        // Up to the password: what follows it is seldom of interest.
        n = asprintf(&text, "%.*s password \"...\"",
                     (int)(strstr(s->source, "password")
                               ? strstr(s->source, "password") - s->source - 1
                               : 5),
                     s->source);
    else
        text = s->source ? strdup(s->source) : NULL;
    return n < 0 ? NULL : text;
}

unsigned diagnose_printed(const struct diagnosis_run *r)
{
    unsigned n = 0;
    for (unsigned i = 0; i < TOYVMM_PORTS; i++)
        n += r->ports[i].printed;
    return n;
}

static void tell_wait(FILE *f, struct diagnosis *d)
{
    const struct diagnosis_run *r = d->run;
    const struct diagnosis_wait *w = d->wait;
    if (!w)
        return;
    char span[SPAN_TEXT];
    fprintf(f, "waited %s", span_text(span, r->now_ns - w->started_ns));
    uint64_t last = matcher_last_ns(r->matcher);
    if (!last && diagnose_printed(r))
        fprintf(f, "; nothing was printed on %s\n", port_name(r->port));
    else if (!last)
        fputs("; the guest has printed nothing at all\n", f);
    else if (last < w->started_ns)
        fprintf(f,
                "; the guest printed nothing meanwhile, its last byte came %s "
                "ago\n",
                span_text(span, r->now_ns - last));
    else
        fprintf(f, "; the guest's last byte came %s ago\n",
                span_text(span, r->now_ns - last));
    uint64_t lost = matcher_overflowed(r->matcher);
    if (lost)
        fprintf(f,
                "%" PRIu64 " bytes were dropped unseen: more was printed "
                "than the window holds\n",
                lost);
}

struct tail {
    FILE *f;
    const struct diagnosis *d;
    const char *from; // print only from the line with this text on, or NULL
    const char *told; // lines in this text are not printed again, or NULL
    size_t skip;      // lines that are not printed, before
    size_t left;      // those that may be
    size_t seen, printed;
    bool ports; // say which
};

static void tail_line(void *owner, unsigned port, uint64_t ns, const char *text,
                      size_t len)
{
    struct tail *t = owner;
    while (len && (text[len - 1] == '\r' || text[len - 1] == '\n'))
        len--;
    // An empty line's end may have gone to the line before.
    while (len && *text == '\r') {
        text++;
        len--;
    }
    if (t->from && !memmem(text, len, t->from, strlen(t->from)))
        return;
    t->from = NULL;
    if (t->told && (!len || memmem(t->told, strlen(t->told), text, len)))
        return;
    if (t->seen++ < t->skip || !t->left)
        return;
    t->left--;
    if (!t->printed++)
        fprintf(t->f, "the console%s last lines:\n", t->ports ? "s'" : "'s");
    fprintf(t->f, "  %8.3f  ", diagnose_seconds(t->d, ns));
    if (t->ports)
        fprintf(t->f, "%-5s  ", port_name(port));
    fwrite(text, 1, len, t->f);
    fputc('\n', t->f);
}

// The last lines; of a kernel's death its beginning, which says more.
static void tell_console(FILE *f, struct diagnosis *d)
{
    const struct diagnosis_run *r = d->run;
    struct tail t = {.f = f, .d = d, .ports = diagnose_printed(r) > 1};
    if (r->hit_line && *r->hit_line && !r->trace) {
        t.from = r->hit_line;
        t.left = DEATH_LINES;
        diagnosis_tail(r->ports, LOOK_BACK, tail_line, &t);
    }
    // Beside a report that is told whole: what was printed before and after.
    if (r->trace) {
        t.told = r->trace;
        diagnosis_tail(r->ports, LOOK_BACK, tail_line, &t);
        t.skip = t.seen > TAIL_LINES ? t.seen - TAIL_LINES : 0;
        t.seen = 0;
    }
    if (!t.printed) {
        t.from = NULL;
        t.left = TAIL_LINES;
        diagnosis_tail(r->ports, r->trace ? LOOK_BACK : TAIL_LINES, tail_line,
                       &t);
    }
    if (!t.printed && !r->trace)
        fputs("the console is empty\n", f);
}

static void tell_step(FILE *f, struct diagnosis *d)
{
    char *step = d->run->step ? diagnosis_step_text(d->run->step) : NULL;
    if (step)
        fprintf(f, "| %s\n", step);
    free(step);
}

static void tell_trace(FILE *f, struct diagnosis *d)
{
    if (d->run->trace)
        fprintf(f, "the kernel's report:\n%s", d->run->trace);
}

static void tell_machine(FILE *f, struct diagnosis *d)
{
    const struct diagnosis_run *r = d->run;
    if (r->end)
        fprintf(f, "the machine ended: %s%s%s\n",
                toyvmm_event_name(r->end->kind), *r->end->detail ? ", " : "",
                r->end->detail);
}

struct part {
    const char *name; // of its section
    void (*tell)(FILE *f, struct diagnosis *d);
};

static void tell(struct diagnosis *d, const struct part *part)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return;
    part->tell(f, d);
    if (!fclose(f) && len)
        d->run->found(d->run->owner, part->name, text);
    free(text);
}

// What costs nothing comes first; then a look at the machine, which goes on
// meanwhile; then what may take long, each with a share of the time.
void diagnose(const struct diagnosis_run *run)
{
    static const struct part at_once[] = {
        {"step", tell_step},       {"wait", tell_wait},
        {"trace", tell_trace},     {"machine", tell_machine},
        {"console", tell_console},
    };
    static const struct part doing = {"doing", tell_doing};
    static const struct part stack = {"stack", tell_stack};
    static const struct part registers = {"registers", tell_registers};
    static const struct part near_miss = {"near-miss", tell_near_miss};
    struct diagnosis d = {.run = run, .wait = run->wait};
    for (size_t i = 0; i < sizeof(at_once) / sizeof(at_once[0]); i++)
        tell(&d, &at_once[i]);
    diagnose_begin(&d, 2);
    diagnose_machine(&d);
    tell(&d, &doing);
    tell(&d, &registers);
    if (diagnose_needs_names(&d)) {
        diagnose_begin(&d, 2);
        diagnose_names(&d);
        tell(&d, &doing);
    }
    diagnose_begin(&d, 2);
    tell(&d, &stack);
    diagnose_begin(&d, 1);
    tell(&d, &near_miss);
    diagnose_machine_end(&d);
}
