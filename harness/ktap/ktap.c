// SPDX-License-Identifier: Apache-2.0
// The KTAP reader: lines to streams, and what is known of all of them. See
// ktap.h.
#include "harness/ktap/ktap.h"

#include "harness/console/lines.h"
#include "harness/ktap/ktap_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ktap *ktap_new(void)
{
    return calloc(1, sizeof(struct ktap));
}

void ktap_free(struct ktap *k)
{
    if (!k)
        return;
    ktap_doc_free(&k->program);
    ktap_doc_free(&k->kernel);
    for (size_t i = 0; i < k->nnodes; i++) {
        struct ktap_node *n = k->nodes[i];
        free(n->name);
        free(n->reason);
        free(n->comment);
        free(n->running);
        free(n->details.bytes);
        free(n);
    }
    free(k->nodes);
    free(k);
}

// "<6>" as /dev/kmsg and `dmesg -r` have it.
static size_t level_prefix(const char *text, size_t len)
{
    size_t at = 1;
    if (!len || *text != '<')
        return 0;
    while (at < len && at < 4 && text[at] >= '0' && text[at] <= '9')
        at++;
    return at > 1 && at < len && text[at] == '>' ? at + 1 : 0;
}

// ---- A program's line that the kernel cut -----------------------------------

//   ok 1 - fo[    3.141592] random: crng init done
//   o
//
// The beginning is held until its end comes. But it may have been a whole line
// that quotes the kernel; then what comes next is a line of its own.

static enum ktap_kind kind_of(const char *text, size_t len)
{
    struct ktap_line line;
    ktap_line_read(text, len, &line);
    return line.kind;
}

static void give_held(struct ktap *k)
{
    if (k->nheld)
        ktap_doc_line(k, &k->program, k->held, k->nheld, k->held_ns);
    k->nheld = 0;
}

static void hold(struct ktap *k, const char *text, size_t len, uint64_t at_ns)
{
    if (!k->nheld)
        k->held_ns = at_ns;
    size_t n = ktap_whole(text, len, sizeof(k->held) - k->nheld);
    memcpy(k->held + k->nheld, text, n);
    k->nheld += n;
}

// A piece of a program's line joins what is held, or proves that it was a line
// by itself:
//   held      piece     together
//   whole     whole     -          two lines, unless they are a result and
//                                  "# SKIP why"
//   any       any       whole      one line
//   any       whole     nothing    two lines
//   any       nothing   nothing    one line
static void take_piece(struct ktap *k, const char *text, size_t len,
                       uint64_t at_ns)
{
    enum ktap_kind held = kind_of(k->held, k->nheld);
    enum ktap_kind piece = kind_of(text, len);
    bool whole = k->nheld && piece != KTAP_TEXT;
    bool two = whole && held != KTAP_TEXT &&
               !(held == KTAP_RESULT && piece == KTAP_DIAGNOSTIC);
    size_t before = k->nheld;
    if (two)
        give_held(k);
    hold(k, text, len, at_ns);
    if (!whole || two || kind_of(k->held, k->nheld) != KTAP_TEXT)
        return;
    k->nheld = before;
    give_held(k);
    hold(k, text, len, at_ns);
}

// "# [    3.141592] ..." is a program that quotes the kernel.
static bool is_quoted(const char *text, const struct console_line *parts)
{
    size_t at = 0;
    while (at < parts->plain && (text[at] == ' ' || text[at] == '\t'))
        at++;
    bool hash = at < parts->plain && text[at] == '#';
    for (at++; hash && at < parts->plain; at++)
        hash = text[at] == ' ' || text[at] == '\t' || text[at] == '#';
    return hash;
}

// A progress bar's last state is what stands there in the end.
static void last_state(const char **text, size_t *len)
{
    while (*len && (*text)[*len - 1] == '\r')
        --*len;
    const char *cr = memrchr(*text, '\r', *len);
    if (!cr)
        return;
    *len -= (size_t)(cr + 1 - *text);
    *text = cr + 1;
}

// Where the kernel's part of a line begins. There is none where a program
// quotes it.
static void split(const struct ktap *k, const char *text, size_t len,
                  bool printed, struct console_line *parts)
{
    console_line_split(text, len, parts);
    bool others = k->program.depth || (k->kernel.depth && !k->log);
    if (parts->kernel && ((printed && others) || is_quoted(text, parts)))
        *parts = (struct console_line){false, len, len, 0};
}

void ktap_line(struct ktap *k, const char *text, size_t len, bool printed,
               uint64_t at_ns)
{
    struct console_line parts;
    last_state(&text, &len);
    if (len > KTAP_LINE_MAX)
        len = ktap_whole(text, len, KTAP_LINE_MAX);
    split(k, text, len, printed, &parts);
    k->last_ns = at_ns;
    if (parts.kernel && !k->kernel.depth)
        k->log = printed;
    size_t skip = level_prefix(text, parts.plain);
    if (!len && !k->nheld)
        ktap_doc_line(k, &k->program, text, 0, at_ns);
    // A kernel's line in the middle of nothing is no piece of another.
    if (!parts.kernel || parts.plain)
        take_piece(k, text + skip, parts.plain - skip, at_ns);
    if (parts.kernel)
        ktap_doc_line(k, &k->kernel, text + parts.message, len - parts.message,
                      at_ns);
    else
        give_held(k);
}

// ---- What is known ----------------------------------------------------------

static enum ktap_state state_of(const struct ktap_stream *s, bool kernel)
{
    if (!s->depth)
        return KTAP_NOTHING;
    const struct ktap_node *root = s->levels[0].group;
    if (ktap_doc_complete(s))
        return KTAP_COMPLETE;
    // A program's results without any header may get their plan in the end; of
    // the kernel's no plan ever comes. A subtest has to end by itself.
    bool planless =
        !root->has_plan && (root->has_version || root->suites || kernel);
    return planless && root->results && s->depth == 1 ? KTAP_PLANLESS
                                                      : KTAP_OPEN;
}

enum ktap_state ktap_state(const struct ktap *k)
{
    // What is true of both streams: the first of these that one of them has.
    static const enum ktap_state order[] = {KTAP_OPEN, KTAP_PLANLESS,
                                            KTAP_COMPLETE};
    enum ktap_state program = state_of(&k->program, false);
    enum ktap_state kernel = state_of(&k->kernel, true);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (program == order[i] || kernel == order[i])
            return order[i];
    }
    return KTAP_NOTHING;
}

bool ktap_belongs(const struct ktap *k, const char *text, size_t len,
                  bool printed)
{
    struct console_line parts;
    last_state(&text, &len);
    split(k, text, len, printed, &parts);
    if (parts.kernel)
        return ktap_doc_belongs(&k->kernel, text + parts.message,
                                len - parts.message);
    size_t skip = level_prefix(text, len);
    return ktap_doc_belongs(&k->program, text + skip, len - skip);
}

size_t ktap_results(const struct ktap *k)
{
    return k->results;
}

int ktap_finish(struct ktap *k, const char *cut, struct result *r)
{
    give_held(k);
    ktap_doc_end(k, &k->program);
    ktap_doc_end(k, &k->kernel);
    return k->failed ? -ENOMEM : ktap_judge(k, cut, r);
}
