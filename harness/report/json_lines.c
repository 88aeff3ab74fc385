// SPDX-License-Identifier: Apache-2.0
// JSON lines from result records. See json_lines.h and SCHEMA.md.
#include "harness/report/json_lines.h"

#include "harness/report/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static void open_line(struct json *j, const char *type)
{
    j->filled = false;
    json_open(j, NULL, '{');
    json_text(j, "type", type);
}

static void close_line(struct json *j)
{
    json_close(j, '}');
    fputc('\n', j->f);
}

static void counts(struct json *j, const char *name, const size_t of[VERDICTS],
                   size_t verdicts)
{
    json_open(j, name, '{');
    for (size_t v = 0; v < verdicts; v++)
        json_number(j, verdict_name((enum verdict)v), of[v]);
    json_close(j, '}');
}

// ---- The run's first line and its last --------------------------------------

static void run_line(struct json *j, const struct report_run *run)
{
    struct utsname host;
    open_line(j, "run");
    json_number(j, "schema", JSON_LINES_SCHEMA);
    json_text(j, "version", run->version);
    json_text(j, "accelerator", run->accelerator);
    json_text(j, "config", run->config);
    json_open(j, "host", '{');
    bool known = !uname(&host);
    // Where an exact run ran makes no difference to it, nor to its report.
    bool exact = run->accelerator && !strcmp(run->accelerator, "exact");
    const char *name = known ? host.nodename : NULL;
    const char *kernel = known ? host.release : NULL;
    json_text(j, "name", exact ? "rig" : name);
    json_text(j, "kernel", exact ? NULL : kernel);
    json_text(j, "machine", known ? host.machine : NULL);
    json_close(j, '}');
    json_time(j, "started", run->started_unix_ns);
    json_number(j, "scenarios", run->results.count);
    close_line(j);
}

static void end_line(struct json *j, const struct report_run *run)
{
    size_t scenarios[VERDICTS] = {0};
    size_t tests[VERDICTS] = {0};
    for (size_t i = 0; i < run->results.count; i++) {
        const struct result *r = &run->results.items[i];
        scenarios[r->verdict]++;
        for (size_t v = 0; v < VERDICTS; v++)
            tests[v] += result_count_tests(r, (enum verdict)v);
    }
    open_line(j, "end");
    counts(j, "scenarios", scenarios, VERDICTS);
    // A kernel's test is run once.
    counts(j, "tests", tests, VERDICT_SKIPPED + 1);
    json_number(j, "duration_ns", run->duration_ns);
    json_bool(j, "interrupted", run->interrupted);
    close_line(j);
}

// ---- A scenario -------------------------------------------------------------

static bool came_before(const struct result *r, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (!strcmp(r->sections[i].name, r->sections[index].name))
            return true;
    }
    return false;
}

// A name comes once in an object: sections of the same name are one.
static void sections(struct json *j, const struct result *r)
{
    json_open(j, "sections", '{');
    for (size_t i = 0; i < r->nsections; i++) {
        if (came_before(r, i))
            continue;
        const char *name = r->sections[i].name;
        char *text = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);
        if (!f)
            continue;
        for (size_t k = i; k < r->nsections; k++) {
            if (!strcmp(r->sections[k].name, name))
                fprintf(f, "%s%s", k > i ? "\n" : "", r->sections[k].text);
        }
        if (!fclose(f))
            json_bytes(j, name, text, len);
        free(text);
    }
    json_close(j, '}');
}

// All of them, or null where a sum alone is known.
static void exits_by(struct json *j, const struct result_mark *m)
{
    if (!result_mark_has_reasons(m)) {
        json_text(j, "exits_by", NULL);
        return;
    }
    json_open(j, "exits_by", '{');
    for (int i = 0; i < VMEXITS; i++)
        json_number(j, result_exit_name((enum result_exit)i), m->exits_by[i]);
    json_close(j, '}');
}

// Nothing of one vCPU: that is the sum.
static void by_vcpu(struct json *j, const struct result_mark *m)
{
    if (!m->nvcpus)
        return;
    json_open(j, "vcpus", '[');
    for (size_t i = 0; i < m->nvcpus; i++) {
        json_open(j, NULL, '{');
        json_number(j, "cpu_ns", m->vcpus[i].cpu_ns);
        json_number(j, "exits", m->vcpus[i].exits);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void marks(struct json *j, const struct result *r)
{
    json_open(j, "marks", '[');
    for (size_t i = 0; i < r->nmarks; i++) {
        const struct result_mark *m = &r->marks[i];
        json_open(j, NULL, '{');
        json_text(j, "name", m->name);
        json_number(j, "wall_ns", m->wall_ns);
        json_number(j, "cpu_ns", m->cpu_ns);
        json_number(j, "exits", m->exits);
        exits_by(j, m);
        by_vcpu(j, m);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void readings(struct json *j, const struct result *r)
{
    json_open(j, "readings", '[');
    for (size_t i = 0; i < r->nreadings; i++) {
        json_open(j, NULL, '{');
        json_text(j, "name", r->readings[i].name);
        json_number(j, "ns", r->readings[i].ns);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void initcalls(struct json *j, const struct result *r)
{
    json_open(j, "initcalls", '{');
    json_number(j, "count", r->initcalls_seen);
    json_number(j, "us", r->initcalls_us);
    json_open(j, "slowest", '[');
    for (size_t i = 0; i < r->ninitcalls; i++) {
        const struct result_initcall *call = &r->initcalls[i];
        json_open(j, NULL, '{');
        json_text(j, "name", call->name);
        json_number(j, "us", call->us);
        json_real(j, "result", (double)call->result);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_close(j, '}');
}

static void notes(struct json *j, const struct result *r)
{
    json_open(j, "notes", '[');
    for (size_t i = 0; i < r->nnotes; i++) {
        const struct result_note *n = &r->notes[i];
        json_open(j, NULL, '{');
        json_bool(j, "failed", n->failed);
        json_number(j, "at_ns", n->at_ns);
        json_text(j, "where", n->where);
        json_text(j, "text", n->text);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void properties(struct json *j, const struct result *r)
{
    json_open(j, "properties", '[');
    for (size_t i = 0; i < r->nproperties; i++) {
        json_open(j, NULL, '{');
        json_text(j, "name", r->properties[i].name);
        json_text(j, "value", r->properties[i].value);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void tests(struct json *j, const struct result *r)
{
    json_open(j, "tests", '[');
    for (size_t i = 0; i < r->ntests; i++) {
        const struct result_test *t = &r->tests[i];
        json_open(j, NULL, '{');
        json_text(j, "name", t->name);
        json_text(j, "verdict", verdict_name(t->verdict));
        json_text(j, "message", t->message);
        json_text(j, "details", t->details);
        json_number(j, "at_ns", t->at_ns);
        json_number(j, "took_ns", t->took_ns);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void consoles(struct json *j, const struct result *r)
{
    json_open(j, "consoles", '[');
    for (size_t i = 0; i < r->nconsoles; i++) {
        const struct result_console *c = &r->consoles[i];
        json_open(j, NULL, '{');
        json_number(j, "port", c->port);
        json_number(j, "elided", c->elided);
        json_bytes(j, "text", c->bytes ? c->bytes : "", c->len);
        json_close(j, '}');
    }
    json_close(j, ']');
}

// What became of it before it was run again.
static void attempts(struct json *j, const struct result *r)
{
    json_open(j, "attempts", '[');
    for (size_t i = 0; i < r->nattempts; i++) {
        const struct result *a = &r->attempts[i];
        json_open(j, NULL, '{');
        json_text(j, "verdict", verdict_name(a->verdict));
        json_text(j, "kind", a->kind);
        json_text(j, "message", a->message);
        json_text(j, "where", a->where);
        json_time(j, "started", a->started_unix_ns);
        json_number(j, "duration_ns", a->duration_ns);
        sections(j, a);
        marks(j, a);
        notes(j, a);
        consoles(j, a);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void scenario_line(struct json *j, const struct result *r)
{
    open_line(j, "scenario");
    const struct {
        const char *name, *value;
    } texts[] = {
        {"path", r->path},
        {"title", r->title},
        {"suite", r->suite},
        {"guest", r->guest},
        {"verdict", verdict_name(r->verdict)},
        {"kind", r->kind},
        {"message", r->message},
        {"where", r->where},
        {"guest_note", r->guest_note},
        {"accelerator", r->accelerator},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        json_text(j, texts[i].name, texts[i].value);
    json_time(j, "started", r->started_unix_ns);
    json_number(j, "duration_ns", r->duration_ns);
    sections(j, r);
    marks(j, r);
    readings(j, r);
    initcalls(j, r);
    notes(j, r);
    properties(j, r);
    tests(j, r);
    consoles(j, r);
    attempts(j, r);
    close_line(j);
}

int json_lines_print(FILE *f, const void *owner)
{
    const struct report_run *run = owner;
    struct json j = {.f = f};
    run_line(&j, run);
    for (size_t i = 0; i < run->results.count; i++)
        scenario_line(&j, &run->results.items[i]);
    end_line(&j, run);
    return ferror(f) ? -EIO : 0;
}
