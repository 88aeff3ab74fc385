// SPDX-License-Identifier: Apache-2.0
// What the report tells about a failure beyond its sentence: the sections, and
// those of them that are about the scenario and the console's last lines. Used
// by the runner only.
#include "harness/diagnosis/diagnosis.h"

#include "src/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAIL_LINES  15
#define DEATH_LINES 30

char *run_step_text(const struct step *s)
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

static void tell_wait(FILE *f, struct diagnosis *d)
{
    const struct run *r = d->run;
    const struct wait *w = d->wait;
    if (!w)
        return;
    char span[SPAN_TEXT];
    fprintf(f, "waited %s", span_text(span, r->now_ns - w->started_ns));
    uint64_t last = matcher_last_ns(r->matcher);
    if (!last && run_ports_printed(r))
        fprintf(f, "; nothing was printed on ttyS%u\n", r->port);
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
        fprintf(t->f, "ttyS%u  ", port);
    fwrite(text, 1, len, t->f);
    fputc('\n', t->f);
}

// The last lines; of a kernel's death its beginning, which says more.
static void tell_console(FILE *f, struct diagnosis *d)
{
    const struct run *r = d->run;
    struct tail t = {.f = f, .d = d, .ports = run_ports_printed(r) > 1};
    if (r->hit && *r->hit_data.line && !r->trace) {
        t.from = r->hit_data.line;
        t.left = DEATH_LINES;
        run_tail(r, LOOK_BACK, tail_line, &t);
    }
    // Beside a report that is told whole: what was printed before and after.
    if (r->trace) {
        t.told = r->trace;
        run_tail(r, LOOK_BACK, tail_line, &t);
        t.skip = t.seen > TAIL_LINES ? t.seen - TAIL_LINES : 0;
        t.seen = 0;
    }
    if (!t.printed) {
        t.from = NULL;
        t.left = TAIL_LINES;
        run_tail(r, r->trace ? LOOK_BACK : TAIL_LINES, tail_line, &t);
    }
    if (!t.printed && !r->trace)
        fputs("the console is empty\n", f);
}

static void tell_step(FILE *f, struct diagnosis *d)
{
    char *step = d->run->step ? run_step_text(d->run->step) : NULL;
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
    const struct run *r = d->run;
    if (r->ended)
        fprintf(f, "the machine ended: %s%s%s\n",
                toyvmm_event_name(r->end.kind), *r->end.detail ? ", " : "",
                r->end.detail);
}

void run_diagnosis(struct run *r, const struct wait *w)
{
    static const struct {
        const char *name;
        void (*tell)(FILE *f, struct diagnosis *d);
    } sections[] = {
        {"step", tell_step},           {"wait", tell_wait},
        {"near-miss", tell_near_miss}, {"trace", tell_trace},
        {"machine", tell_machine},     {"doing", tell_doing},
        {"console", tell_console},     {"stack", tell_stack},
        {"registers", tell_registers},
    };
    struct diagnosis d = {.run = r, .wait = w};
    diagnose_machine(&d);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        char *text = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);
        if (!f)
            break;
        sections[i].tell(f, &d);
        if (!fclose(f))
            result_add_section(r->result, sections[i].name, text);
        free(text);
    }
    diagnose_machine_end(&d);
}
