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
    const char *why = node->comment ? node->comment : "";
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

// ---- A group ----------------------------------------------------------------

// Sentences about what does not add up.
struct problems {
    char text[1024];
    size_t len;
    bool commented; // the first is what the group's own line says
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
    struct ktap_numbering n = {0};
    if (!ktap_check_numbers(group, &n)) {
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

// What its own line says of its failure. kselftest's runner says "exit=1" of
// each program with a failed test, and no more by it.
static void tell_comment(const struct ktap_node *group, const struct tally *sum,
                         struct problems *p)
{
    const char *word = ktap_directive_name(group->directive);
    const char *why = group->comment ? group->comment : "";
    bool explained = sum->failed && !*word && !strcmp(why, "exit=1");
    if (!group->is_result || verdict_of(group) != VERDICT_FAILED || explained)
        return;
    if (*word || *why)
        problem(p, "%s%s%s", word, *word && *why ? ": " : "", why);
    p->commented = p->len;
}

static void tell_group(struct judge *j, const struct ktap_node *group,
                       const struct tally *sum, struct problems *p)
{
    bool open = group->open && j->cut;
    tell_comment(group, sum, p);
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
    if (ktap_is_bare(group) && !group->suites)
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

// Of a plan without tests ("1..0 # SKIP why") nothing is wrong, unless its own
// result says so.
static bool is_skipped(const struct ktap_node *group)
{
    bool fails = group->is_result && verdict_of(group) == VERDICT_FAILED;
    return !group->first && !group->bailed && !fails &&
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
    bool failed =
        group->is_result && !group->ok && (!own.failed || p.commented);
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
        const char *why = node->comment ? node->comment : node->reason;
        add(j, path, node, (struct verdict_of){VERDICT_SKIPPED, why});
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
