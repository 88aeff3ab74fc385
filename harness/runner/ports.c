// SPDX-License-Identifier: Apache-2.0
// The serial ports of a run: each has a matcher, a record and watches of its
// own, made when it is first heard of. See intake.h.
//
// One order for all: the console gives bytes and events of all ports in the
// order in which the machine produced them, and every match, hit and line has
// its time. So what happened first is known across ports, though each port's
// text is matched alone.
#include "harness/runner/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int make_line_marks(struct run *r, struct run_port *p, struct error *err)
{
    watch_free(p->line_marks);
    p->line_marks = watch_new(err);
    int code = p->line_marks ? 0 : -ENOMEM;
    if (p->line_marks)
        watch_follow(p->line_marks, r->rules.heard[p - r->ports]);
    for (size_t i = 0; !code && i < LINE_MARKS; i++)
        code = watch_add_fail(p->line_marks, r->line_patterns[i], err);
    return code;
}

int run_open_port(struct run *r, unsigned port, struct error *err)
{
    struct run_port *p = &r->ports[port];
    if (p->matcher)
        return 0;
    if (!p->record) {
        struct console_record *record = console_record_new(0, 0, err);
        witness_lock(r->options->witness);
        p->record = record;
        witness_unlock(r->options->witness);
    }
    struct matcher *m =
        p->record ? matcher_new(&(struct matcher_options){0}, err) : NULL;
    if (!m)
        return -ENOMEM;
    matcher_started(m, r->started_ns);
    r->rules.heard[port] = m;
    if (make_line_marks(r, p, err) || rules_watch_port(&r->rules, port, err)) {
        r->rules.heard[port] = NULL;
        matcher_free(m);
        return -ENOMEM;
    }
    // Last: it says that all of this is there.
    p->matcher = m;
    return 0;
}

void run_close_ports(struct run *r)
{
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        matcher_free(r->ports[i].matcher);
        console_record_free(r->ports[i].record);
        watch_free(r->ports[i].line_marks);
        r->ports[i] = (struct run_port){0};
    }
}

void run_skip(struct run *r)
{
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        if (r->ports[i].matcher)
            matcher_skip(r->ports[i].matcher);
    }
}

int run_renew_ports(struct run *r, struct error *err)
{
    int code = 0;
    for (unsigned i = 0; !code && i < TOYVMM_PORTS; i++) {
        struct run_port *p = &r->ports[i];
        if (!p->matcher)
            continue;
        // Another matcher, not the same one emptied: neither half an escape
        // sequence nor half a line goes on in the next boot.
        struct matcher *m = matcher_new(&(struct matcher_options){0}, err);
        if (!m)
            return -ENOMEM;
        if (r->matcher == p->matcher)
            r->matcher = m;
        matcher_free(p->matcher);
        p->matcher = m;
        r->rules.heard[i] = m;
        p->at_shell = false;
        code = make_line_marks(r, p, err);
    }
    return code ? code : rules_watch(&r->rules, err);
}
