// SPDX-License-Identifier: Apache-2.0
// The checked syntax tree of one scenario file (.tc). Plain data: the parser
// makes it, the runner reads it. All memory belongs to the scenario's arena and
// lives until scenario_free.
#pragma once

#include "harness/console/pattern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where something stands. line and column count from 1, columns in characters.
struct source_pos {
    const char *file;
    unsigned line, column;
};

// Text with ${name} in it, cut into pieces; a piece is literal bytes (which
// may hold NUL) or the name of a variable.
struct text_piece {
    bool variable;
    const char *bytes; // NUL-terminated besides
    size_t len;
    struct source_pos pos;
};
struct text {
    struct source_pos pos;
    size_t npieces;
    const struct text_piece *pieces;
};

// A pattern as written. compiled is there when it has no variables; otherwise
// the runner joins the pieces (variables quoted) and compiles when it gets
// there.
struct pattern_node {
    struct source_pos pos;
    struct text source;
    unsigned flags; // enum pattern_flags
    const struct pattern *compiled;
    size_t ngroups; // its named groups
    const char *const *groups;
};

enum compare_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

enum guest_event { // `expect reset` and its like
    GUEST_RESET,
    GUEST_POWEROFF,
    GUEST_HALT,
    GUEST_PANIC,
    GUEST_TRIPLE_FAULT,
    GUEST_TIMEOUT, // in `expect one` only
};

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_DURATION, VALUE_SIZE };
struct value {
    enum value_kind kind;
    struct text text;  // VALUE_TEXT
    double number;     // VALUE_NUMBER
    uint64_t quantity; // ns or bytes
};

enum step_kind {
    STEP_EXPECT,       // one pattern
    STEP_EXPECT_ONE,   // branches
    STEP_EXPECT_EVENT, // the machine's life
    STEP_EXPECT_IDLE,
    STEP_SEND, // send and type
    STEP_KEY,
    STEP_LOGIN,
    STEP_RUN,
    STEP_KTAP,
    STEP_CHECK,
    STEP_MARK,
    STEP_METRIC,
    STEP_LOG,
    STEP_REPEAT,
    STEP_IF,
    STEP_GROUP,
    STEP_NEVER, // and `allow` blocks
    STEP_SNAPSHOT,
    STEP_RESET,
    STEP_POWEROFF,
    STEP_NMI,
    STEP_POWER,   // `power button`
    STEP_CONSOLE, // `console ttyS1`: where the steps after it look and type
};

#define PORT_CURRENT (-1)

enum check_kind {
    CHECK_HAS,    // NAME has PATTERN
    CHECK_LACKS,  // NAME lacks PATTERN
    CHECK_COUNT,  // NAME count PATTERN OP n
    CHECK_STATUS, // status NAME OP n
    CHECK_MARK,   // mark NAME OP duration
    CHECK_METRIC, // metric NAME OP number
    CHECK_VALUE,  // NAME OP value
};

struct step;
struct block {
    size_t nsteps;
    const struct step *steps;
};

struct branch {
    struct source_pos pos;
    bool is_event;
    enum guest_event event;
    struct pattern_node pattern;
    struct block body;
};

// A wait that is 0 ns long is "not given": the step-timeout holds.
struct step {
    enum step_kind kind;
    struct source_pos pos;
    const char *source; // the statement as written, one line, for reports
    int port;           // `on ttyS1`: below PORT_COUNT, or PORT_CURRENT
    union {
        struct {
            struct pattern_node pattern;
            uint64_t within_ns;
            const char *mark; // or NULL
        } expect;
        struct {
            size_t nbranches;
            const struct branch *branches;
            uint64_t within_ns;
        } one;
        struct {
            enum guest_event event;
            uint64_t within_ns;
        } event;
        uint64_t idle_ns;
        struct {
            struct text text;
            bool enter;
            bool secret;
        } send;
        struct {
            const char *name;  // "ctrl-c"
            const char *bytes; // what the guest gets
            size_t len;
            bool serial_break; // instead of bytes
        } key;
        struct {
            struct text user;
            bool has_password;
            struct text password;
            bool has_prompt;
            struct pattern_node prompt; // the shell's prompt
            uint64_t within_ns;
        } login;
        struct {
            struct text command;
            bool any_status;
            long status; // 0 unless said
            uint64_t within_ns;
            const char *as; // or NULL
            bool raw; // the output is kept as received, kernel messages too
        } run;
        uint64_t ktap_within_ns;
        struct {
            enum check_kind kind;
            const char *name; // the capture, variable, mark or metric
            struct source_pos name_pos;
            struct pattern_node pattern;
            enum compare_op op;
            struct value value;
        } check;
        const char *mark;
        struct {
            const char *name;
            struct value value;
            const char *unit; // or NULL
        } metric;
        struct text log;
        struct {
            uint64_t times;
            struct block body;
        } repeat;
        struct {
            const char *name;
            struct source_pos name_pos;
            enum compare_op op;
            struct value value;
            struct block then, otherwise;
        } cond;
        struct {
            struct text title;
            struct block body;
        } group;
        struct {
            bool allow;       // `allow PATTERN { }`, else `never`
            const char *name; // `allow oops { }`: the pattern is oops's own
            struct pattern_node pattern;
            struct block body;
        } never;
        const char *snapshot;
        uint64_t poweroff_within_ns;
        unsigned console; // the port
    } u;
};

// `fail /p/ "why"` and `allow /p/` or `allow oops`.
struct fail_rule {
    struct source_pos pos;
    struct pattern_node pattern;
    struct text why; // npieces 0: none
};
struct allow_rule {
    struct source_pos pos;
    const char *name; // a built-in fail pattern's name, or NULL
    struct pattern_node pattern;
};

struct setting {
    struct source_pos pos;
    const char *name;
    struct text value;
};

// `matrix NAME v1 v2`: one test for each value. The values differ and have no
// variables.
struct matrix_axis {
    struct source_pos pos; // of the name
    const char *name;
    size_t nvalues;
    const struct text *values;
    bool in_title; // the title mentions it as ${name}
};

enum need_kind { NEED_KVM, NEED_RIG, NEED_NET, NEED_GUEST };
struct need {
    struct source_pos pos;
    enum need_kind kind;
    const char *guest; // of NEED_GUEST
};

struct disk { // a disk that is neither is put back after the run
    struct source_pos pos;
    struct text path;
    bool readonly, writable;
    struct text serial; // npieces 0: none
};

enum net_kind { NET_NONE, NET_USER, NET_TAP };

// `forward HOST:GUEST` or `reach PORT`.
struct net_port {
    struct source_pos pos;
    bool forward;
    struct text text;
    uint16_t host, guest; // guest: of a forward
};

struct net {
    struct source_pos pos; // line 0: no statement
    enum net_kind kind;
    struct text tap, pcap; // npieces 0: none
    size_t nports;
    const struct net_port *ports;
};

struct vsock {             // `vsock PATH [cid N]`
    struct source_pos pos; // line 0: no statement
    struct text path;
    uint32_t cid; // 0: not given
};

// `port "NAME"`.
struct named_port {
    struct source_pos pos;
    const char *name;
};

struct share { // a folder of the host's that the guest may mount
    struct source_pos pos;
    struct text path, tag;
    bool writable;
};

// A file that a `use` took in: the names of its positions are this pointer, so
// that a file used twice is told apart.
struct inclusion {
    const char *path;
    struct source_pos pos; // of the `use`
};

struct scenario {
    const char *path;
    const char *title; // `test`, or the file name without .tc
    struct source_pos title_pos;

    // The machine. Empty text (npieces 0), 0 and NULL are "not given".
    const char *guest;
    struct source_pos guest_pos;
    struct text kernel, initrd, cmdline;
    bool cmdline_appends; // `cmdline + "…"`
    uint64_t memory;
    struct source_pos memory_pos;
    bool memory_huge, memory_shared; // `memory 1G huge`, `memory 1G shared`
    unsigned cpus;
    unsigned serial_ports; // `serial N`, 1..4; 0: not given
    struct text symbols;   // `symbols PATH`: a vmlinux or System.map

    uint64_t timeout_ns;      // default 2 min
    uint64_t step_timeout_ns; // default 30 s
    size_t ntags;
    const char *const *tags;
    size_t nsettings;
    const struct setting *settings;
    size_t nfails;
    const struct fail_rule *fails;
    size_t nallows;
    const struct allow_rule *allows;

    // A setting that is an axis too has the value of this case.
    size_t naxes;
    const struct matrix_axis *axes;
    size_t nneeds;
    const struct need *needs;
    size_t nincluded;
    const struct inclusion *included;
    size_t ndisks;
    const struct disk *disks;
    struct net net;
    struct vsock vsock;
    size_t nnamed; // to PORT_NAMES: port PORT_NAMED and those behind it
    const struct named_port *named;
    bool hvc;  // a step is about hvc0
    bool mmio; // `machine mmio`
    size_t nshares;
    const struct share *shares;

    struct block steps;
    void *arena; // owns all of the above

    // Where the deadlines stand; line 0 when they are the defaults.
    struct source_pos timeout_pos, step_timeout_pos;

    // What the language has and scenario_parse refuses for now: empty, 0 or
    // NULL in any scenario that it gives.
    uint64_t repeats; // `repeat N` of the whole scenario
    const char *from; // `from NAME of "file.tc"`
    struct text from_file;
};
