// SPDX-License-Identifier: Apache-2.0
// What the report tells about a failure beyond its sentence: the step, the
// wait, near misses, the console's last lines with their times, the registers.
// Used by the runner only.
#include "harness/runner/run.h"

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

static void tell_wait(FILE *f, struct run *r, const struct wait *w)
{
    if (!w)
        return;
    char span[SPAN_TEXT];
    fprintf(f, "waited %s", span_text(span, r->now_ns - w->started_ns));
    uint64_t last = matcher_last_ns(r->matcher);
    if (!last)
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

static void tell_misses(FILE *f, struct run *r, const struct wait *w)
{
    for (size_t i = 0; w && i < w->npatterns; i++) {
        struct near_miss miss;
        if (!matcher_near_miss(r->matcher, w->patterns[i], &miss))
            continue;
        fprintf(f, "%s /%s/: \"",
                miss.partial ? "this may begin a match of"
                             : "nearest to a match of",
                pattern_source(w->patterns[i]));
        fwrite(miss.text.text, 1, miss.text.len, f);
        fputs("\"\n", f);
    }
}

struct tail {
    FILE *f;
    uint64_t started_ns;
    const char *from; // print only from the line with this text on, or NULL
    size_t left;      // lines that may still be printed
    size_t printed;
};

static void tail_line(void *owner, uint64_t ns, const char *text, size_t len)
{
    struct tail *t = owner;
    if (t->from && !memmem(text, len, t->from, strlen(t->from)))
        return;
    t->from = NULL;
    if (!t->left)
        return;
    t->left--;
    if (!t->printed++)
        fputs("the console's last lines:\n", t->f);
    while (len && (text[len - 1] == '\r' || text[len - 1] == '\n'))
        len--;
    // An empty line's end may have gone to the line before.
    while (len && *text == '\r') {
        text++;
        len--;
    }
    uint64_t at = ns > t->started_ns ? ns - t->started_ns : 0;
    fprintf(t->f, "  %8.3f  ", (double)at / 1e9);
    fwrite(text, 1, len, t->f);
    fputc('\n', t->f);
}

// The last lines; of a kernel's death its beginning, which says more.
static void tell_console(FILE *f, struct run *r, const struct wait *w)
{
    (void)w;
    struct tail t = {.f = f, .started_ns = r->options->started_ns};
    if (r->hit && *r->hit_data.line) {
        t.from = r->hit_data.line;
        t.left = DEATH_LINES;
        console_record_tail(r->record, LOOK_BACK, tail_line, &t);
    }
    if (!t.printed) {
        t.from = NULL;
        t.left = TAIL_LINES;
        console_record_tail(r->record, TAIL_LINES, tail_line, &t);
    }
    if (!t.printed)
        fputs("the console is empty\n", f);
}

// Registers tell where a guest is that stands still or has died.
static void tell_regs(FILE *f, struct run *r, const struct wait *w)
{
    if (!w && !r->ended && !r->hit)
        return;
    struct toyvmm_regs regs;
    const struct run_machine *m = r->options->machine;
    if (r->ended && r->end.has_regs)
        regs = r->end.regs;
    else if (r->ended || !m || !m->regs || !m->regs(m->owner, &regs))
        return;
    const struct {
        const char *name;
        uint64_t value;
    } table[] = {
        {"rip", regs.rip}, {"rflags", regs.rflags}, {"rsp", regs.rsp},
        {"rbp", regs.rbp}, {"rax", regs.rax},       {"rbx", regs.rbx},
        {"rcx", regs.rcx}, {"rdx", regs.rdx},       {"rsi", regs.rsi},
        {"rdi", regs.rdi}, {"r8", regs.r8},         {"r9", regs.r9},
        {"r10", regs.r10}, {"r11", regs.r11},       {"r12", regs.r12},
        {"r13", regs.r13}, {"r14", regs.r14},       {"r15", regs.r15},
        {"cr0", regs.cr0}, {"cr2", regs.cr2},       {"cr3", regs.cr3},
        {"cr4", regs.cr4}, {"efer", regs.efer},     {"cs", regs.cs},
    };
    fputs("registers of vCPU 0:", f);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        fprintf(f, "%s%-6s %016" PRIx64, i % 3 ? "  " : "\n  ", table[i].name,
                table[i].value);
    fputc('\n', f);
}

static void tell_step(FILE *f, struct run *r, const struct wait *w)
{
    (void)w;
    char *step = r->step ? run_step_text(r->step) : NULL;
    if (step)
        fprintf(f, "| %s\n", step);
    free(step);
}

static void tell_machine(FILE *f, struct run *r, const struct wait *w)
{
    (void)w;
    if (r->ended)
        fprintf(f, "the machine ended: %s%s%s\n",
                toyvmm_event_name(r->end.kind), *r->end.detail ? ", " : "",
                r->end.detail);
}

void run_diagnosis(struct run *r, const struct wait *w)
{
    static const struct {
        const char *name;
        void (*tell)(FILE *f, struct run *r, const struct wait *w);
    } sections[] = {
        {"step", tell_step},        {"wait", tell_wait},
        {"near-miss", tell_misses}, {"machine", tell_machine},
        {"console", tell_console},  {"registers", tell_regs},
    };
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        char *text = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);
        if (!f)
            return;
        sections[i].tell(f, r, w);
        if (!fclose(f))
            result_add_section(r->result, sections[i].name, text);
        free(text);
    }
}
