// SPDX-License-Identifier: Apache-2.0
// See scenario_tree.h.
#include "harness/tests/scenario_tree.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_bytes(FILE *f, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        fprintf(f, "%02x", (unsigned char)bytes[i]);
}

static void put_name(FILE *f, const char *name)
{
    fprintf(f, " %s", name ? name : "-");
}

static void put_text(FILE *f, const struct text *t)
{
    fputs(" [", f);
    for (size_t i = 0; i < t->npieces; i++) {
        fputs(t->pieces[i].variable ? "$" : ":", f);
        put_bytes(f, t->pieces[i].bytes, t->pieces[i].len);
    }
    fputc(']', f);
}

static void put_pattern(FILE *f, const struct pattern_node *n)
{
    put_text(f, &n->source);
    fprintf(f, "/%u", n->flags);
    for (size_t i = 0; i < n->ngroups; i++)
        put_name(f, n->groups[i]);
}

static void put_value(FILE *f, const struct value *v)
{
    fprintf(f, " %d %.17g %" PRIu64, (int)v->kind, v->number, v->quantity);
    put_text(f, &v->text);
}

static void put_block(FILE *f, const struct block *b);

static void put_branches(FILE *f, const struct step *s)
{
    fprintf(f, " %" PRIu64, s->u.one.within_ns);
    for (size_t i = 0; i < s->u.one.nbranches; i++) {
        const struct branch *b = &s->u.one.branches[i];
        fprintf(f, "\n| %d %d", b->is_event, (int)b->event);
        put_pattern(f, &b->pattern);
        put_block(f, &b->body);
    }
}

static void put_acts(FILE *f, const struct step *s)
{
    switch (s->kind) {
    case STEP_EXPECT:
        put_pattern(f, &s->u.expect.pattern);
        fprintf(f, " %" PRIu64, s->u.expect.within_ns);
        put_name(f, s->u.expect.mark);
        break;
    case STEP_EXPECT_ONE:
        put_branches(f, s);
        break;
    case STEP_EXPECT_EVENT:
        fprintf(f, " %d %" PRIu64, (int)s->u.event.event, s->u.event.within_ns);
        break;
    case STEP_EXPECT_IDLE:
        fprintf(f, " %" PRIu64, s->u.idle_ns);
        break;
    case STEP_SEND:
        put_text(f, &s->u.send.text);
        fprintf(f, " %d %d", s->u.send.enter, s->u.send.secret);
        break;
    case STEP_KEY:
        put_name(f, s->u.key.name);
        put_bytes(f, s->u.key.bytes, s->u.key.len);
        break;
    case STEP_LOGIN:
        put_text(f, &s->u.login.user);
        put_text(f, &s->u.login.password);
        put_pattern(f, &s->u.login.prompt);
        fprintf(f, " %" PRIu64, s->u.login.within_ns);
        break;
    case STEP_RUN:
        put_text(f, &s->u.run.command);
        fprintf(f, " %d %ld %" PRIu64, s->u.run.any_status, s->u.run.status,
                s->u.run.within_ns);
        put_name(f, s->u.run.as);
        break;
    case STEP_KTAP:
        fprintf(f, " %" PRIu64, s->u.ktap_within_ns);
        break;
    case STEP_CHECK:
        fprintf(f, " %d", (int)s->u.check.kind);
        put_name(f, s->u.check.name);
        put_pattern(f, &s->u.check.pattern);
        fprintf(f, " %d", (int)s->u.check.op);
        put_value(f, &s->u.check.value);
        break;
    case STEP_MARK:
        put_name(f, s->u.mark);
        break;
    case STEP_METRIC:
        put_name(f, s->u.metric.name);
        put_value(f, &s->u.metric.value);
        put_name(f, s->u.metric.unit);
        break;
    case STEP_LOG:
        put_text(f, &s->u.log);
        break;
    case STEP_REPEAT:
        fprintf(f, " %" PRIu64, s->u.repeat.times);
        put_block(f, &s->u.repeat.body);
        break;
    case STEP_IF:
        put_name(f, s->u.cond.name);
        fprintf(f, " %d", (int)s->u.cond.op);
        put_value(f, &s->u.cond.value);
        put_block(f, &s->u.cond.then);
        put_block(f, &s->u.cond.otherwise);
        break;
    case STEP_GROUP:
        put_text(f, &s->u.group.title);
        put_block(f, &s->u.group.body);
        break;
    case STEP_NEVER:
        fprintf(f, " %d", s->u.never.allow);
        put_name(f, s->u.never.name);
        put_pattern(f, &s->u.never.pattern);
        put_block(f, &s->u.never.body);
        break;
    case STEP_SNAPSHOT:
        put_name(f, s->u.snapshot);
        break;
    case STEP_POWEROFF:
        fprintf(f, " %" PRIu64, s->u.poweroff_within_ns);
        break;
    case STEP_CONSOLE:
        fprintf(f, " %u", s->u.console);
        break;
    case STEP_RESET:
    case STEP_NMI:
    case STEP_POWER:
        break;
    }
}

// The source without its blanks, which are layout.
static void put_source(FILE *f, const char *source)
{
    for (; *source; source++)
        if (!strchr(" \t\n", *source))
            fputc(*source, f);
}

static void put_block(FILE *f, const struct block *b)
{
    fputs(" {", f);
    for (size_t i = 0; i < b->nsteps; i++) {
        const struct step *s = &b->steps[i];
        fprintf(f, "\n%d on %d ", (int)s->kind, s->port);
        put_source(f, s->source);
        put_acts(f, s);
    }
    fputs(" }", f);
}

static void put_rules(FILE *f, const struct scenario *s)
{
    for (size_t i = 0; i < s->nfails; i++) {
        fputs("\nfail", f);
        put_pattern(f, &s->fails[i].pattern);
        put_text(f, &s->fails[i].why);
    }
    for (size_t i = 0; i < s->nallows; i++) {
        fputs("\nallow", f);
        put_name(f, s->allows[i].name);
        put_pattern(f, &s->allows[i].pattern);
    }
}

static void put_choices(FILE *f, const struct scenario *s)
{
    fputs("\ntags", f);
    for (size_t i = 0; i < s->ntags; i++)
        put_name(f, s->tags[i]);
    for (size_t i = 0; i < s->nsettings; i++) {
        fputs("\nset", f);
        put_name(f, s->settings[i].name);
        put_text(f, &s->settings[i].value);
    }
    for (size_t i = 0; i < s->naxes; i++) {
        fputs("\nmatrix", f);
        put_name(f, s->axes[i].name);
        for (size_t k = 0; k < s->axes[i].nvalues; k++)
            put_text(f, &s->axes[i].values[k]);
    }
    for (size_t i = 0; i < s->nneeds; i++) {
        fprintf(f, "\nneeds %d", (int)s->needs[i].kind);
        put_name(f, s->needs[i].guest);
    }
    for (size_t i = 0; i < s->nincluded; i++) {
        fputs("\nuse", f);
        put_name(f, s->included[i].path);
    }
}

char *tree_text(const struct scenario *s)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    cr_assert(f);
    put_name(f, s->title);
    put_name(f, s->guest);
    put_text(f, &s->kernel);
    put_text(f, &s->initrd);
    put_text(f, &s->cmdline);
    put_text(f, &s->symbols);
    fprintf(f, " %d %" PRIu64 "%s%s %u %u %" PRIu64 " %" PRIu64,
            s->cmdline_appends, s->memory, s->memory_huge ? " huge" : "",
            s->memory_shared ? " shared" : "", s->cpus, s->serial_ports,
            s->timeout_ns, s->step_timeout_ns);
    put_choices(f, s);
    put_rules(f, s);
    put_block(f, &s->steps);
    cr_assert_eq(fclose(f), 0);
    return text;
}
