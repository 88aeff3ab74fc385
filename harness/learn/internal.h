// SPDX-License-Identifier: Apache-2.0
// What the parts of the learner share. For harness/learn only.
#pragma once

#include "harness/console/matcher.h"
#include "harness/learn/echo.h"
#include "harness/learn/learn.h"
#include "harness/learn/prompt.h"
#include "harness/learn/steps.h"
#include "harness/learn/typing.h"

#define LEARN_PORTS 5 // the UARTs and hvc0

// Of a line that is waited for, its end.
#define ABOVE_MAX 160

// What a port shows since its last turn began.
struct sight {
    struct prompt prompt;  // the unfinished last line
    char above[ABOVE_MAX]; // the last complete line that isn't blank, or ""
    size_t above_len;
    bool above_cut;        // ... its end only
    bool above_is_echo;    // ... and it is the first one
    bool quiet;            // nothing more has come for a while
    bool painted;          // a program has painted the screen
    uint64_t came_ns;      // when its last byte came; 0: none did
    struct text_span text; // all of it, valid until the port's next output
};

// One thing that a person did at one prompt.
struct turn {
    unsigned port;
    struct sight before; // what it answers
    uint64_t waited_ns;  // until that had come, since the turn before
    uint64_t paused_ns;  // between that and the first key
    uint64_t began_ns, key_ns, ended_ns;
    bool keys;       // without an Enter at its end, or on a painted screen
    bool stopped;    // by Ctrl-C and its like
    bool ahead;      // typed while the turn before still went on:
    size_t began_at; // so much of that one's text was there
    bool bare;       // answers no prompt
    bool secret;
    bool text_lost; // what the line was can't be known
    struct typed typed;
};

// What happened last on a port: whether its prompt is to be waited for.
enum port_last {
    LAST_TYPED, // nothing, or something was typed
    LAST_RUN,   // the prompt after it was not consumed
    LAST_LOGIN, // it was
};

struct learn_port {
    struct matcher *matcher; // NULL: nothing has come yet
    struct watch *watch;
    struct echo echo;
    struct strokes strokes;
    struct prompt shell; // the last one of a shell
    bool typed;          // a turn has begun: what comes first is its echo
    enum port_last last;
    uint64_t turned_ns; // when the last turn ended, or the machine started
};

// Turns that were typed ahead and wait with the one that goes on.
#define AHEAD_MAX   8
#define MARKS_MAX   64
#define SECRETS_MAX 32

struct learn_secret {
    char *name;
    char *value;
    size_t len;
    bool login; // a login's password, which the scenario holds anyway
};

// Built-in fail patterns of the language.
#define LEARN_REPORTS 32

struct learn_kernel {
    size_t npatterns;
    struct pattern *patterns[LEARN_REPORTS];
    uint32_t seen; // a bit for each that has been
    char lines[LEARN_REPORTS][128];
    uint64_t last_ns; // when the last one was
};

struct learn {
    uint64_t started_ns;
    bool failed; // out of memory
    struct learn_port ports[LEARN_PORTS];
    struct turn *open; // being typed, or NULL
    struct turn *done; // typed; what it led to isn't known yet, or NULL
    struct turn *name; // of a login whose password is `done`, or NULL
    size_t nahead;
    struct turn *ahead[AHEAD_MAX];
    size_t nmarks; // lines to expect of what `done` leads to
    char *marks[MARKS_MAX];
    size_t nsecrets;
    struct learn_secret secrets[SECRETS_MAX];
    const char *names[SECRETS_MAX]; // of those that are variables
    size_t nnames;
    struct prompts prompts;
    struct steps steps;
    struct learn_kernel kernel;
    bool panicked; // the kernel has said so
};

// What a port shows now; ns is now.
void learn_look(const struct learn *l, unsigned port, uint64_t ns,
                struct sight *out);

// `done` has led to what is seen, in waited_ns: its steps are added, and it is
// forgotten. (settle.c)
void learn_settle(struct learn *l, const struct sight *seen,
                  uint64_t waited_ns);
// Waits for the lines that are marked, of what came before the first turn.
void learn_settle_marks(struct learn *l, unsigned port);
// Waits for what is seen, at the end.
void learn_settle_last(struct learn *l, const struct sight *seen,
                       uint64_t waited_ns, unsigned port);
void learn_turn_free(struct turn *t);

// For the parts of that. A step about the turn's port; NULL: no room.
struct learnt *learn_add(struct learn *l, enum learnt_kind kind,
                         const struct turn *t, const char *text, size_t len);
void learn_remark(struct learn *l, const struct turn *t, const char *words);
// A turn as it was typed: waits for what it answers, and types it.
void learn_settle_typed(struct learn *l, struct turn *t);
// True: the turn was a login's, and is done with. *kept: it is l->name now.
// (login.c)
bool learn_settle_login(struct learn *l, struct turn *t,
                        const struct sight *seen, uint64_t waited_ns,
                        bool *kept);
// One turn, which has led to what is seen; frees it or keeps it.
void learn_settle_one(struct learn *l, struct turn *t, const struct sight *seen,
                      uint64_t waited_ns);
// What came before the prompt of the first turn that was typed ahead belongs to
// `done`, whose place that takes. all: what was seen since `done` began; seen:
// what of it is left. (ahead.c)
void learn_settle_ahead(struct learn *l, const struct text_span *all,
                        struct sight *seen);
// A name without what it needs for a login is typed as all else.
void learn_flush_name(struct learn *l);

// What of a turn's line was echoed decides what it was. (line.c)
void learn_read_line(struct learn *l, struct turn *t);
// The variable of a secret line, or NULL; login: *value is to be written
// itself.
const char *learn_secret_name(struct learn *l, const struct turn *t,
                              bool *login);
// Remembers a login's password.
void learn_secret_login(struct learn *l, const struct turn *t);
// A shell's line that `run` can't give back: it may start or leave a shell.
bool learn_line_changes_shell(const char *text, size_t len);

// The kernel's reports. (kernel.c) False: no memory.
bool learn_kernel_watch(struct learn *l, struct learn_port *p);
void learn_kernel_free(struct learn *l);
// The same bytes as the port's matcher, behind it.
void learn_kernel_take(struct learn *l, struct learn_port *p,
                       const uint8_t *bytes, size_t len,
                       const struct stamp *stamps, size_t nstamps);
void learn_kernel_end(struct learn *l);
// Writes an `allow` for each kind that was seen; how many.
size_t learn_kernel_put(FILE *f, const struct learn *l);
