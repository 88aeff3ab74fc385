// SPDX-License-Identifier: Apache-2.0
// Reads one stream's documents, line by line. See ktap_internal.h.
#include "harness/ktap/ktap_internal.h"

#include <stdlib.h>
#include <string.h>

// ---- Lines that make the tree -----------------------------------------------

static void take_version(struct ktap *k, struct ktap_stream *s,
                         const struct ktap_line *line, uint64_t at_ns)
{
    if (ktap_is_used(ktap_top(s)) && s->depth == 1 &&
        !ktap_open_document(k, s, line->indent, at_ns))
        return;
    if (ktap_is_used(ktap_top(s)) && s->depth > 1 && !ktap_open_sibling(k, s))
        return;
    ktap_top(s)->group->has_version = true;
    if (s->depth == 1)
        s->is_ktap = line->is_ktap;
}

// In the place of what stood there.
static void set_text(struct ktap *k, char **text, struct ktap_span s)
{
    free(*text);
    *text = ktap_plain(k, s);
}

static void take_plan(struct ktap *k, struct ktap_stream *s,
                      const struct ktap_line *line)
{
    if (s->depth > 1 && ktap_is_used(ktap_top(s)) && ktap_top(s)->next_name &&
        !ktap_open_sibling(k, s))
        return;
    struct ktap_node *group = ktap_top(s)->group;
    if (group->has_plan) {
        group->plan_again = true;
        return;
    }
    group->has_plan = true;
    group->plan = line->number;
    // TAP 14: what stands behind "1..0" is why there is nothing.
    group->plan_skips = line->directive == KTAP_SKIP ||
                        (line->directive == KTAP_NONE && line->reason.len);
    if (line->reason.len && !group->bailed)
        set_text(k, &group->reason, line->reason);
    // Between "# Subtest:" and its tests: a suite of KUnit's.
    if (s->depth == 2 && group->is_suite && !group->results)
        s->levels[0].group->suites = true;
}

static void take_subtest(struct ktap *k, struct ktap_stream *s,
                         const struct ktap_line *line)
{
    struct ktap_level *level = ktap_top(s);
    // KUnit 6.3 to 6.5 as a module: the version line stands within, too.
    bool unused = !ktap_is_used(level);
    if (s->depth == 1 && unused && level->indent && s->is_ktap &&
        ktap_wrap(k, s, 0))
        level = ktap_top(s);
    bool within = s->depth > 1 && unused && !level->group->name;
    char **name = within ? &level->group->name : &level->next_name;
    level->group->is_suite |= within;
    free(*name);
    *name = line->name.len ? ktap_plain(k, line->name) : NULL;
}

static void name_result(struct ktap *k, struct ktap_level *level,
                        struct ktap_node *node, const struct ktap_line *line)
{
    // kselftest: "ok 3 # SKIP the name".
    struct ktap_span name = line->name;
    if (!name.len && !node->name && !level->next_name)
        name = line->reason;
    if (name.len) {
        free(node->name);
        node->name = ktap_plain(k, name);
    } else if (!node->name) {
        node->name = level->next_name;
        level->next_name = NULL;
    }
    free(level->next_name);
    level->next_name = NULL;
    free(level->named);
    level->named = NULL;
}

static void take_result(struct ktap *k, struct ktap_stream *s,
                        const struct ktap_line *line, uint64_t at_ns)
{
    // "# Subtest: next" and a number that begins again: the result of the group
    // before was lost.
    if (s->depth > 1 && ktap_top(s)->next_name && line->number == 1 &&
        ktap_top(s)->group->results && !ktap_open_sibling(k, s))
        return;
    struct ktap_level *level = ktap_top(s);
    struct ktap_node *node = level->unclaimed;
    if (!node && k->nnodes >= KTAP_TESTS_MAX)
        k->too_many = true;
    else if (!node)
        node = ktap_add_node(k, level->group);
    level->group->results++;
    k->results++;
    if (!node)
        return;
    level->unclaimed = NULL;
    level->last = node;
    level->numbers |= line->numbered;
    node->is_result = true;
    node->ok = line->ok;
    node->directive = line->directive;
    node->number = line->numbered ? line->number : level->group->results;
    node->at_ns = at_ns;
    node->took_ns = at_ns > s->last_ns ? at_ns - s->last_ns : 0;
    s->last_ns = at_ns;
    if (line->reason.len)
        set_text(k, &node->comment, line->reason);
    name_result(k, level, node, line);
    ktap_text_move(k, &node->details, &level->pending);
}

static void take_bail(struct ktap *k, struct ktap_stream *s,
                      const struct ktap_line *line)
{
    struct ktap_node *group = ktap_top(s)->group;
    if (group->bailed)
        return;
    group->bailed = true;
    set_text(k, &group->reason, line->reason);
}

// ---- Where a line belongs ---------------------------------------------------

// The levels that the line reaches: its text without their "# " is left in
// *line. A level behind "# " is reached by lines that have it.
static size_t reach(const struct ktap_stream *s, struct ktap_span *line)
{
    size_t depth = 0;
    for (; depth < s->depth; depth++) {
        if (!s->levels[depth].hash)
            continue;
        size_t at = 0;
        while (at < line->len &&
               (line->text[at] == ' ' || line->text[at] == '\t'))
            at++;
        if (at == line->len || line->text[at] != '#')
            break;
        at++;
        at += at < line->len && line->text[at] == ' ';
        line->text += at;
        line->len -= at;
    }
    return depth;
}

// The outermost level whose indentation counts like the line's.
static size_t base_of(const struct ktap_stream *s, size_t depth)
{
    size_t base = 0;
    for (size_t i = 0; i < depth; i++) {
        if (s->levels[i].hash)
            base = i;
    }
    return base;
}

// Closes what is deeper than the line, or opens what it begins. False when the
// line makes no sense there.
static bool settle_depth(struct ktap *k, struct ktap_stream *s, size_t depth,
                         const struct ktap_line *line)
{
    ktap_close_to(k, s, depth);
    size_t base = base_of(s, depth);
    while (s->depth - 1 > base && ktap_top(s)->indent > line->indent)
        ktap_close_top(k, s);
    if (ktap_top(s)->indent > line->indent) {
        if (base)
            ktap_top(s)->indent = line->indent;
        else
            ktap_open_outer(k, s, line->indent);
    }
    if (ktap_top(s)->indent == line->indent || line->kind == KTAP_BAIL)
        return true;
    if (line->kind == KTAP_RESULT && !line->numbered)
        return false;
    return ktap_open_level(k, s, line->indent, false);
}

// A sentence that begins like a result.
static bool is_sentence(const struct ktap_stream *s, size_t depth,
                        const struct ktap_line *line)
{
    return line->kind == KTAP_RESULT && line->weak &&
           (s->is_ktap || s->levels[depth - 1].numbers);
}

static void structural(struct ktap *k, struct ktap_stream *s, size_t depth,
                       const struct ktap_line *line, uint64_t at_ns)
{
    if (!settle_depth(k, s, depth, line))
        return;
    switch (line->kind) {
    case KTAP_VERSION:
        take_version(k, s, line, at_ns);
        break;
    case KTAP_PLAN:
        take_plan(k, s, line);
        break;
    case KTAP_SUBTEST:
        take_subtest(k, s, line);
        break;
    case KTAP_RESULT:
        take_result(k, s, line, at_ns);
        break;
    case KTAP_BAIL:
        take_bail(k, s, line);
        break;
    case KTAP_TEXT:
    case KTAP_DIAGNOSTIC:
        break;
    }
}

// "# TAP version 13" and "# 1..5" begin a document within the diagnostics.
static bool begins_hashed(const struct ktap_line *line, struct ktap_line *inner)
{
    if (line->kind != KTAP_DIAGNOSTIC)
        return false;
    ktap_line_read(line->reason.text, line->reason.len, inner);
    return inner->kind == KTAP_VERSION || inner->kind == KTAP_PLAN;
}

static void open_hashed(struct ktap *k, struct ktap_stream *s, size_t depth,
                        const struct ktap_line *inner, uint64_t at_ns)
{
    ktap_close_to(k, s, depth);
    struct ktap_level *outer = ktap_top(s);
    if (!outer->next_name) {
        outer->next_name = outer->named;
        outer->named = NULL;
    }
    if (ktap_open_level(k, s, inner->indent, true))
        structural(k, s, s->depth, inner, at_ns);
}

// A line about the test that runs, or the one that the line's depth says.
static void take_text(struct ktap *k, struct ktap_stream *s, size_t depth,
                      const struct ktap_line *line, struct ktap_span text)
{
    size_t at = depth;
    size_t base = base_of(s, depth);
    if (line->kind == KTAP_DIAGNOSTIC) {
        while (at - 1 > base && s->levels[at - 1].indent > line->indent)
            at--;
    }
    struct ktap_level *level = &s->levels[at - 1];
    // Empty lines divide others.
    if (text.len || level->pending.len)
        ktap_text_add(k, &level->pending, text);
    struct ktap_span name = {"", 0};
    if (line->kind == KTAP_DIAGNOSTIC)
        name = ktap_guess(text);
    if (name.len) {
        free(level->named);
        level->named = ktap_copy(k, name);
    }
}

void ktap_doc_line(struct ktap *k, struct ktap_stream *s, const char *text,
                   size_t len, uint64_t at_ns)
{
    struct ktap_span rest = {text, len};
    struct ktap_line line, inner;
    size_t depth = reach(s, &rest);
    ktap_line_read(rest.text, rest.len, &line);
    bool begins = line.kind == KTAP_VERSION || line.kind == KTAP_PLAN ||
                  (line.kind == KTAP_RESULT && line.numbered);
    // What KUnit's modules print before 6.6 begins with a suite's header.
    bool suite = line.kind == KTAP_SUBTEST && line.indent && line.name.len;
    if (!s->depth) {
        if ((begins || suite) &&
            ktap_open_document(k, s, suite ? 0 : line.indent, at_ns)) {
            s->is_ktap = suite;
            structural(k, s, 1, &line, at_ns);
        }
        return;
    }
    struct ktap_level *level = &s->levels[depth - 1];
    bool plain = line.kind == KTAP_TEXT || line.kind == KTAP_DIAGNOSTIC ||
                 is_sentence(s, depth, &line);
    struct ktap_span words = line.kind == KTAP_DIAGNOSTIC
                                 ? line.reason
                                 : ktap_unindented(rest, level->indent);
    if (ktap_take_yaml(k, level, &line, rest))
        return;
    if (!plain)
        structural(k, s, depth, &line, at_ns);
    else if (!ktap_doc_complete(s) && begins_hashed(&line, &inner))
        open_hashed(k, s, depth, &inner, at_ns);
    else
        take_text(k, s, depth, &line, words);
}

// ---- Its end ----------------------------------------------------------------

static bool has_all(const struct ktap_node *group)
{
    return group->bailed || (group->has_plan && group->results >= group->plan);
}

bool ktap_doc_complete(const struct ktap_stream *s)
{
    return s->depth && has_all(s->levels[0].group);
}

bool ktap_doc_belongs(const struct ktap_stream *s, const char *text, size_t len)
{
    if (!s->depth)
        return false;
    struct ktap_span rest = {text, len};
    struct ktap_line line;
    size_t depth = reach(s, &rest);
    const struct ktap_level *level = &s->levels[depth - 1];
    ktap_line_read(rest.text, rest.len, &line);
    if (ktap_in_yaml(level, &line))
        return true;
    switch (line.kind) {
    case KTAP_RESULT:
        return line.numbered;
    case KTAP_DIAGNOSTIC:
    case KTAP_SUBTEST:
    case KTAP_BAIL:
        return true;
    case KTAP_TEXT:
        return false;
    case KTAP_VERSION:
    case KTAP_PLAN:
        return depth > 1 || line.indent > level->indent;
    }
    return false;
}

void ktap_doc_end(struct ktap *k, struct ktap_stream *s)
{
    size_t at = s->depth;
    for (size_t i = 0; i < s->depth; i++)
        s->levels[i].group->open = true;
    // A group that has all its tests waits for its own result.
    while (at > 1 && has_all(s->levels[at - 1].group))
        at--;
    if (at && !has_all(s->levels[at - 1].group) &&
        !s->levels[at - 1].unclaimed) {
        struct ktap_level *level = &s->levels[at - 1];
        const char *name = level->next_name ? level->next_name : level->named;
        name = name ? name : "";
        level->group->running =
            ktap_copy(k, (struct ktap_span){name, strlen(name)});
    }
    ktap_close_to(k, s, 0);
}

void ktap_doc_free(struct ktap_stream *s)
{
    for (size_t i = 0; i < s->depth; i++) {
        free(s->levels[i].pending.bytes);
        free(s->levels[i].next_name);
        free(s->levels[i].named);
    }
    s->depth = 0;
}
