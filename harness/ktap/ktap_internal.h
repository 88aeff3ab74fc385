// SPDX-License-Identifier: Apache-2.0
// What the files of the KTAP reader share: ktap.c takes lines apart into
// streams, ktap_doc.c reads them and builds the tree of ktap_levels.c,
// ktap_judge.c makes tests of it. Nobody else includes this.
#pragma once

#include "harness/ktap/ktap.h"
#include "harness/ktap/ktap_line.h"

// Longer names are cut.
#define KTAP_NAME_MAX 256
// Longer lines too: a program's line may come in pieces.
#define KTAP_LINE_MAX 16384

// Lines about a test, so far. An all-zero one is empty.
struct ktap_text {
    char *bytes; // NUL-terminated when there are any
    size_t len, cap;
    uint64_t left_out; // lines
};

// A test, a group of tests, or (with a result of its own) both. The tree of a
// document hangs from a root that has no result.
struct ktap_node {
    struct ktap_node *parent, *first, *last, *next;
    char *name; // or NULL
    struct ktap_text details;
    char *reason;  // of a group's plan or bail-out, or NULL
    char *comment; // of its result: behind the "#", or NULL

    bool is_result;
    bool ok;
    enum ktap_directive directive;
    uint64_t number;
    uint64_t place; // among its parent's, from 1 on
    uint64_t at_ns, took_ns;

    bool is_group;
    bool is_suite; // "# Subtest:" stood within it, as KUnit prints it
    bool suites;   // of a root: such a group in it had a plan before its tests
    bool has_version;
    bool has_plan, plan_skips, plan_again;
    uint64_t plan;
    bool bailed;
    uint64_t results;
    bool open;     // at the end of the input: its level was
    char *running; // of the innermost open one: the test that ran, or NULL
};

// One depth of a document that is being read.
struct ktap_level {
    struct ktap_node *group;     // whose tests stand here
    struct ktap_node *unclaimed; // a group in it, the next result is its own
    struct ktap_node *last;      // the result that came last
    size_t indent;
    bool hash; // its lines stand behind "# " of the level above
    bool numbers;
    bool yaml; // in a block about the last result
    size_t yaml_indent;
    unsigned yaml_lines;
    struct ktap_text pending; // about the result that follows
    char *next_name;          // "# Subtest:" said it, or NULL
    char *named;              // a line about the test that runs did, or NULL
};

struct ktap_stream {
    struct ktap_level levels[KTAP_DEPTH];
    size_t depth;     // 0: no document
    bool is_ktap;     // its version line is KTAP's
    uint64_t last_ns; // the last result, or the document's beginning
};

// Owns all nodes.
struct ktap {
    struct ktap_stream program, kernel;
    struct ktap_node **nodes;
    size_t nnodes, cap;
    size_t results;
    size_t details; // bytes
    bool too_many;  // tests were left out,
    bool too_deep;  // or nested too deeply
    bool failed;    // out of memory: sticks
    bool log; // what is read of the kernel's is a log that a program prints
    uint64_t last_ns;

    char held[KTAP_LINE_MAX]; // the beginning of a program's line that a kernel
    size_t nheld;             // message cut
    uint64_t held_ns;
};

// ---- ktap_levels.c ----------------------------------------------------------

// The deepest level of an open document.
static inline struct ktap_level *ktap_top(struct ktap_stream *s)
{
    return &s->levels[s->depth - 1];
}

// A test or group behind the others of parent (NULL: a root). NULL when out of
// memory.
struct ktap_node *ktap_add_node(struct ktap *k, struct ktap_node *parent);
// Its group has a plan or results: what else begins there begins another.
bool ktap_is_used(const struct ktap_level *level);

// Ends the deepest level; all above depth.
void ktap_close_top(struct ktap *k, struct ktap_stream *s);
void ktap_close_to(struct ktap *k, struct ktap_stream *s, size_t depth);

// The document that is open is a subtest of another, without header, that it
// opens around it; its own level stays open. One level is open before. False
// when there is no room, or no memory.
bool ktap_wrap(struct ktap *k, struct ktap_stream *s, size_t indent);
// Begin a level below the deepest one; another document; another group in the
// deepest one's place. False when there is no room, or no memory.
bool ktap_open_level(struct ktap *k, struct ktap_stream *s, size_t indent,
                     bool hash);
bool ktap_open_document(struct ktap *k, struct ktap_stream *s, size_t indent,
                        uint64_t at_ns);
bool ktap_open_sibling(struct ktap *k, struct ktap_stream *s);
// The first lines of the document were lost: what was taken for all of it is a
// subtest of something. One level is open then.
void ktap_open_outer(struct ktap *k, struct ktap_stream *s, size_t indent);

// Neither version line nor plan: what KUnit's modules print before 6.6, or the
// rest of a document whose beginning was lost.
static inline bool ktap_is_bare(const struct ktap_node *root)
{
    return !root->parent && !root->has_version && !root->has_plan;
}

// ---- ktap_yaml.c ------------------------------------------------------------

// Is it in, or the beginning of, the YAML block about the level's last result?
bool ktap_in_yaml(const struct ktap_level *level, const struct ktap_line *line);
// Takes such a line, or ends the block. False when the line is none of it. rest
// is the line as it stands on its level.
bool ktap_take_yaml(struct ktap *k, struct ktap_level *level,
                    const struct ktap_line *line, struct ktap_span rest);

// ---- ktap_doc.c -------------------------------------------------------------

void ktap_doc_line(struct ktap *k, struct ktap_stream *s, const char *text,
                   size_t len, uint64_t at_ns);
// The document has all that its plan promised, or was bailed out of.
bool ktap_doc_complete(const struct ktap_stream *s);
bool ktap_doc_belongs(const struct ktap_stream *s, const char *text,
                      size_t len);
// Nothing follows: marks the groups that are open and names the test that ran.
void ktap_doc_end(struct ktap *k, struct ktap_stream *s);
void ktap_doc_free(struct ktap_stream *s);

// ---- ktap_text.c ------------------------------------------------------------

// Heap copy of at most KTAP_NAME_MAX bytes, whole characters; NULL (and
// k->failed) when out of memory.
char *ktap_copy(struct ktap *k, struct ktap_span s);
// The same with "\#" and "\\" read as TAP 14 writes them.
char *ktap_plain(struct ktap *k, struct ktap_span s);
// Adds a line within the bounds.
void ktap_text_add(struct ktap *k, struct ktap_text *t, struct ktap_span line);
// Appends all of `from`, which is empty then.
void ktap_text_move(struct ktap *k, struct ktap_text *to,
                    struct ktap_text *from);
// The line without as many columns of blanks.
struct ktap_span ktap_unindented(struct ktap_span line, size_t indent);
// So many bytes of text[0..len), at most max, hold whole characters.
size_t ktap_whole(const char *text, size_t len, size_t max);

// The test that a diagnostic line names, or an empty span:
//   "  RUN           global.wrong_size ..."   kselftest_harness.h
//   "example_test: initializing"              KUnit
//   "selftests: timers: posix_timers"         kselftest's runner
struct ktap_span ktap_guess(struct ktap_span s);

// ---- ktap_numbers.c ---------------------------------------------------------

// Ranges of numbers as a message lists them: "2, 5-7, ...".
struct ktap_ranges {
    char text[256];
    size_t len, listed;
    uint64_t count; // of the numbers in them
};

struct ktap_numbering {
    struct ktap_ranges missing, twice, beyond;
    uint64_t expected; // the last one that should be there
};

// Finds the numbers of a group's results that should be there and are not, and
// the other way round. False when out of memory.
bool ktap_check_numbers(const struct ktap_node *group,
                        struct ktap_numbering *out);

// ---- ktap_judge.c -----------------------------------------------------------

int ktap_judge(struct ktap *k, const char *cut, struct result *r);
