// SPDX-License-Identifier: Apache-2.0
// From the tree of a KTAP document to tests: each result is one, and so is
// each thing that does not add up. See ktap_internal.h.
#include "harness/ktap/ktap_internal.h"
#include "harness/ktap/ktap_names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Names of nested tests are cut beyond this.
#define PATH_MAX_ 1024
// Ranges of numbers that a message lists.
#define RANGES 8

struct judge {
    struct ktap *k;
    struct result *out;
    struct ktap_names names;
    const char *cut;
    bool failed; // out of memory
};

// What is below a node.
struct tally {
    uint64_t tests, failed;
};

// ---- Adding a test ----------------------------------------------------------

struct verdict_of {
    enum verdict verdict;
    const char *message;
};

static char *details_of(struct judge *j, const struct ktap_text *t)
{
    char *text = NULL;
    if (!t->len && !t->left_out)
        return NULL;
    int n = t->left_out
                ? asprintf(&text, "%s[... %" PRIu64 " lines left out ...]\n",
                           t->bytes ? t->bytes : "", t->left_out)
                : asprintf(&text, "%s", t->bytes);
    if (n >= 0)
        return text;
    j->failed = true;
    return NULL;
}

static void add(struct judge *j, const char *path, const struct ktap_node *node,
                struct verdict_of v)
{
    char *details = details_of(j, &node->details);
    char *name = ktap_unique(&j->names, *path ? path : "(top level)");
    bool timed = node->is_result;
    if (!name || result_add_test(j->out, name, v.verdict,
                                 timed ? node->at_ns : j->k->last_ns,
                                 timed ? node->took_ns : 0, v.message, details))
        j->failed = true;
    free(name);
    free(details);
}

// ---- A result ---------------------------------------------------------------

// KTAP: SKIP makes "not ok" no failure. An expected failure is none either, and
// no success: kselftest prints it as "ok # XFAIL", TAP as "not ok # TODO".
static enum verdict verdict_of(const struct ktap_node *n)
{
    switch (n->directive) {
    case KTAP_SKIP:
    case KTAP_XFAIL:
        return VERDICT_SKIPPED;
    case KTAP_TODO:
        return n->ok ? VERDICT_PASSED : VERDICT_SKIPPED;
    case KTAP_NONE:
    case KTAP_XPASS:
    case KTAP_TIMED_OUT:
    case KTAP_ERROR:
        break;
    }
    return n->ok ? VERDICT_PASSED : VERDICT_FAILED;
}

static void add_leaf(struct judge *j, const char *path,
                     const struct ktap_node *node, struct tally *sum)
{
    const char *word = ktap_directive_name(node->directive);
    const char *why = node->reason ? node->reason : "";
    char *message = NULL;
    if (*word || *why) {
        if (asprintf(&message, "%s%s%s", word, *word && *why ? ": " : "", why) <
            0) {
            j->failed = true;
            return;
        }
    }
    enum verdict v = verdict_of(node);
    sum->tests++;
    sum->failed += v == VERDICT_FAILED;
    add(j, path, node, (struct verdict_of){v, message});
    free(message);
}

// ---- Numbers ----------------------------------------------------------------

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// "2, 5-7, ...": the ranges so far and how many numbers are in them.
struct ranges {
    char text[256];
    size_t len, listed;
    uint64_t count;
};

static void add_range(struct ranges *r, uint64_t first, uint64_t last)
{
    const char *comma = r->listed ? ", " : "";
    r->count += last - first + 1;
    r->listed++;
    size_t room = sizeof(r->text) - r->len;
    int n;
    if (r->listed > RANGES)
        n = r->listed == RANGES + 1 ? snprintf(r->text + r->len, room, ", ...")
                                    : 0;
    else if (first == last)
        n = snprintf(r->text + r->len, room, "%s%" PRIu64, comma, first);
    else
        n = snprintf(r->text + r->len, room, "%s%" PRIu64 "-%" PRIu64, comma,
                     first, last);
    r->len += n > 0 ? (size_t)n : 0;
}

struct numbering {
    struct ranges missing, twice, beyond;
    uint64_t expected;
};

static size_t count_results(const struct ktap_node *group)
{
    size_t n = 0;
    for (const struct ktap_node *c = group->first; c; c = c->next)
        n += c->is_result;
    return n;
}

// Finds the numbers that should be there and are not, and the other way round.
static bool check_numbers(const struct ktap_node *group, struct numbering *out)
{
    size_t n = count_results(group);
    uint64_t *numbers = calloc(n + 1, sizeof(*numbers));
    if (!numbers)
        return false;
    size_t i = 0;
    for (const struct ktap_node *c = group->first; c; c = c->next) {
        if (c->is_result)
            numbers[i++] = c->number;
    }
    qsort(numbers, n, sizeof(*numbers), ascending);
    out->expected = group->has_plan ? group->plan : n ? numbers[n - 1] : 0;
    uint64_t next = 1;
    for (i = 0; i < n; i++) {
        uint64_t at = numbers[i];
        bool again = i && at == numbers[i - 1];
        if (again && (i < 2 || numbers[i - 2] != at))
            add_range(&out->twice, at, at);
        if (again)
            continue;
        if (!at || at > out->expected) {
            add_range(&out->beyond, at, at);
            continue;
        }
        if (at > next)
            add_range(&out->missing, next, at - 1);
        next = at + 1;
    }
    if (next <= out->expected)
        add_range(&out->missing, next, out->expected);
    free(numbers);
    return true;
}

// ---- A group ----------------------------------------------------------------

// Sentences about what does not add up.
struct problems {
    char text[1024];
    size_t len;
};

static void problem(struct problems *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void problem(struct problems *p, const char *fmt, ...)
{
    size_t room = sizeof(p->text) - p->len;
    int n = p->len ? snprintf(p->text + p->len, room, "; ") : 0;
    p->len += (size_t)n < room ? (size_t)n : room - 1;
    room = sizeof(p->text) - p->len;
    va_list args;
    va_start(args, fmt);
    n = vsnprintf(p->text + p->len, room, fmt, args);
    va_end(args);
    if (n > 0)
        p->len += (size_t)n < room ? (size_t)n : room - 1;
    p->len = ktap_whole(p->text, p->len, sizeof(p->text) - 1);
}

static void tell_numbers(struct judge *j, const struct ktap_node *group,
                         struct problems *p)
{
    struct numbering n = {0};
    if (!check_numbers(group, &n)) {
        j->failed = true;
        return;
    }
    if (n.missing.count && group->has_plan)
        problem(p,
                "%" PRIu64 " of its %" PRIu64 " planned tests %s missing: %s",
                n.missing.count, n.expected,
                n.missing.count == 1 ? "is" : "are", n.missing.text);
    else if (n.missing.count)
        problem(p, "numbers are missing: %s", n.missing.text);
    if (n.twice.count)
        problem(p, "numbers came more than once: %s", n.twice.text);
    if (n.beyond.count && group->has_plan)
        problem(p, "numbers are beyond its plan 1..%" PRIu64 ": %s", n.expected,
                n.beyond.text);
    else if (n.beyond.count)
        problem(p, "numbers begin with 1: %s", n.beyond.text);
}

// What a group says of itself against what its tests say.
static void tell_result(const struct ktap_node *group, const struct tally *sum,
                        struct problems *p)
{
    if (!group->is_result || !sum->tests)
        return;
    bool failed = verdict_of(group) == VERDICT_FAILED;
    // What else is wrong with it explains why it failed.
    if (failed && !sum->failed && !p->len)
        problem(p, "it failed, though none of its %" PRIu64 " tests did",
                sum->tests);
    else if (!failed && sum->failed)
        problem(
            p, "it says ok, though %" PRIu64 " of its %" PRIu64 " tests failed",
            sum->failed, sum->tests);
}

static void tell_group(struct judge *j, const struct ktap_node *group,
                       const struct tally *sum, struct problems *p)
{
    bool open = group->open && j->cut;
    if (group->bailed)
        problem(p, "Bail out!%s%s", *group->reason ? " " : "", group->reason);
    else
        tell_numbers(j, group, p);
    if (group->plan_again)
        problem(p, "it has two plans");
    if (!group->first && !group->bailed && !p->len)
        problem(p, "there is no test in it");
    if (group->parent && !group->is_result && !open && !group->bailed)
        problem(p, "its own result never came");
    else if (group->parent && !group->is_result && open && !group->running &&
             sum->tests)
        problem(p, "its own result had not come when %s", j->cut);
    tell_result(group, sum, p);
    if (!group->parent && !group->has_plan && !group->has_version)
        problem(p, "neither plan nor version line: nothing tells that it is "
                   "whole");
}

// The test that ran when the document was cut.
static void add_running(struct judge *j, const char *path,
                        const struct ktap_node *group)
{
    char name[2 * PATH_MAX_];
    char message[256];
    uint64_t last = 0;
    for (const struct ktap_node *c = group->first; c; c = c->next)
        last = c->is_result && c->number > last ? c->number : last;
    if (*group->running)
        snprintf(name, sizeof(name), "%s%s%s", path, *path ? "/" : "",
                 group->running);
    else
        snprintf(name, sizeof(name), "%s%stest %" PRIu64, path,
                 *path ? "/" : "", last + 1);
    snprintf(message, sizeof(message), "it ran when %s", j->cut);
    static const struct ktap_node none = {0};
    add(j, name, &none, (struct verdict_of){VERDICT_ERROR, message});
}

// Of a plan without tests ("1..0 # SKIP why") nothing is wrong.
static bool is_skipped(const struct ktap_node *group)
{
    return !group->first &&
           ((group->plan_skips && !group->plan) ||
            (group->is_result && group->directive == KTAP_SKIP));
}

static void judge_node(struct judge *j, const struct ktap_node *node,
                       const char *outer, struct tally *sum);

static void judge_group(struct judge *j, const struct ktap_node *group,
                        const char *path, struct tally *sum)
{
    struct tally own = {0};
    for (const struct ktap_node *c = group->first; c; c = c->next)
        judge_node(j, c, path, &own);
    bool began = group->first || group->has_plan;
    if (group->open && j->cut && group->running && began) {
        add_running(j, path, group);
        own.failed++;
    }
    struct problems p = {.len = 0};
    tell_group(j, group, &own, &p);
    sum->tests += own.tests;
    sum->failed += own.failed;
    if (!p.len)
        return;
    // A failure that its tests don't explain is the group's own.
    bool failed = group->is_result && !group->ok && !own.failed;
    sum->failed += own.failed == 0;
    add(j, path, group,
        (struct verdict_of){failed ? VERDICT_FAILED : VERDICT_ERROR, p.text});
}

static void node_path(const struct ktap_node *node, const char *outer,
                      char path[PATH_MAX_])
{
    char number[32];
    const char *name = node->name;
    if (!name || !*name) {
        snprintf(number, sizeof(number), "test %" PRIu64,
                 node->is_result ? node->number : node->place);
        name = number;
    }
    size_t len = strlen(outer);
    size_t own = strlen(name);
    // Of a path that is too long its beginning goes.
    size_t over = len + own + 2 > PATH_MAX_ ? len + own + 2 - PATH_MAX_ : 0;
    while (over && over < len && ((unsigned char)outer[over] & 0xc0) == 0x80)
        over++;
    snprintf(path, PATH_MAX_, "%s%s%s", outer + over, len ? "/" : "", name);
}

// Depth is at most KTAP_DEPTH twice over.
static void judge_node(struct judge *j, const struct ktap_node *node,
                       const char *outer, struct tally *sum)
{
    char path[PATH_MAX_] = "";
    if (node->parent)
        node_path(node, outer, path);
    bool silent = node->is_result && node->is_group && !node->first &&
                  !node->has_plan && !node->bailed && !node->ok;
    if (is_skipped(node)) {
        sum->tests++;
        add(j, path, node, (struct verdict_of){VERDICT_SKIPPED, node->reason});
    } else if (node->is_group && !silent)
        judge_group(j, node, path, sum);
    else
        add_leaf(j, path, node, sum);
}

int ktap_judge(struct ktap *k, const char *cut, struct result *r)
{
    struct judge j = {.k = k, .out = r, .cut = cut};
    struct tally sum = {0};
    static const struct ktap_node none = {0};
    for (size_t i = 0; i < r->ntests && !j.failed; i++) {
        char *name = ktap_unique(&j.names, r->tests[i].name);
        j.failed = !name;
        free(name);
    }
    for (size_t i = 0; i < k->nnodes && !j.failed; i++) {
        if (!k->nodes[i]->parent)
            judge_node(&j, k->nodes[i], "", &sum);
    }
    char message[96];
    snprintf(message, sizeof(message),
             "more than %zu tests: the rest was not "
             "looked at",
             KTAP_TESTS_MAX);
    if (k->too_many && !j.failed)
        add(&j, "", &none, (struct verdict_of){VERDICT_ERROR, message});
    snprintf(message, sizeof(message),
             "tests nested more than %d deep were "
             "not looked at",
             KTAP_DEPTH);
    if (k->too_deep && !j.failed)
        add(&j, "", &none, (struct verdict_of){VERDICT_ERROR, message});
    ktap_names_free(&j.names);
    return j.failed ? -ENOMEM : 0;
}
