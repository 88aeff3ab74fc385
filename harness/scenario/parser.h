// SPDX-License-Identifier: Apache-2.0
// The recursive-descent parser's inside: what the files parse_*.c share. For
// harness/scenario only; grammar.ebnf is what they implement.
#pragma once

#include "harness/scenario/diag.h"
#include "harness/scenario/lexer.h"
#include "harness/scenario/quantity.h"
#include "harness/scenario/symbols.h"

// Blocks may nest this deep.
#define MAX_DEPTH      64
#define MAX_STATEMENTS 20000

// What the statement at hand needs; saved and restored around inner ones.
struct statement_state {
    bool failed; // an error was reported: no more of this statement's
    struct cursor begin;
    const char *head_end;            // where its first part, before `{`, ends
    const char *secret, *secret_end; // not to be shown in reports
    const char *word;
    struct text use; // the path of a `use`
    unsigned use_width;
};

// Source text whose statement failed: names in it count as defined, so that
// one mistake isn't reported again wherever the name is used.
struct tainted {
    const char *begin, *end;
};

// One scenario being read. Lives on the stack of scenario_read.
struct parser {
    const struct file_reader *reader;
    const struct source *source; // the file being read
    size_t bytes_read;           // of all files so far
    bool no_text;                // the file that was opened isn't text
    bool unread; // a `use` failed: any name may be defined there
    struct lexer lx;
    struct token tok;       // the one to be looked at
    struct cursor last_end; // where the one before ended
    struct arena *arena;
    struct diag *diags;
    struct scenario *sc;
    struct statement_state st;
    unsigned depth;
    unsigned nstatements;         // branches are not counted
    bool over;                    // too many: nothing more is read
    struct source_pos first_step; // line 0: still in the header
    struct source_pos *seen;      // for each row of the table, the first one
    struct text title;
    struct text base_cmdline; // of `cmdline`, line 0 when there is none
    struct list more_cmdline; // struct text, of `cmdline +`
    struct text guest;
    struct symbols set_names;  // 1 + the index in settings
    struct symbols axis_names; // 1 + the index in axes
    struct list settings, fails, allows, tags, axes, needs, disks;
    struct list net_ports;   // struct net_port
    struct list named;       // struct named_port
    struct list shares;      // struct share
    struct list need_guests; // struct text, for each of needs
    struct list included;    // struct inclusion
    struct list tainted;
    // Where format.c wants each token that is taken (struct token): then no
    // other file is read, and what isn't supported is no error. Or NULL.
    struct list *tape;
};

// What a parse function found. On an error it is what it would have been; the
// statement is marked as failed.
enum parsed { PARSED_NOTHING, PARSED_HEADER, PARSED_STEP };

enum place { IN_HEADER, IN_STEPS, ANYWHERE };

// One row for each statement of the language.
struct statement {
    const char *word;
    enum place place;
    bool single;    // may stand only once
    bool supported; // false: parsed, checked, refused by name
    enum parsed (*parse)(struct parser *p, struct step *out);
    const char *label; // what a refusal calls it, when not by its word
};

// The largest `cpus`.
#define SCENARIO_CPUS 254

// What a machine takes (toyvmm.h).
#define DISKS_MAX       24
#define DISK_SERIAL_MAX 20
#define NET_PORTS_MAX   16 // of each kind
#define VSOCK_CID_MIN   3
#define VSOCK_CID_MAX   UINT32_C(0xfffffffe)
#define SHARES_MAX      8
#define SHARE_TAG_MAX   36

// The table; word NULL after the last row.
extern const struct statement statements[];
size_t statement_count(void);
// The first row of a word, or of this word in that place; NULL: none.
const struct statement *statement_find(const char *word, size_t len);
const struct statement *statement_at(const char *word, enum place place);

// ---- include.c: files -------------------------------------------------------

// Reads the scenario, whose own file is given, into p->sc.
void parse_scenario(struct parser *p, const struct file_text *file);
// Puts the statements of the `use` at hand, which was parsed well, among steps.
void include_file(struct parser *p, struct list *steps);

// ---- parse_token.c: tokens, errors, options ---------------------------------

void parser_next(struct parser *p);
// The token after the present one (n 1), or the one after that (n 2).
struct token parser_peek(const struct parser *p, unsigned n);

// Reports an error, unless one was reported of this statement already.
void parse_error(struct parser *p, const struct cursor *at, unsigned width,
                 const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
// "expected `what`, found ..." at the present token. Always false.
bool parse_expected(struct parser *p, const char *what, const char *hint);
// Reports that the word at hand is unknown. Always false.
bool parse_unknown(struct parser *p, const char *kind, const struct nearest *n);
// "line 5", or "file:5" when that is another file than the present one.
const char *place_name(struct parser *p, const struct source_pos *pos);

bool at_end_of_statement(const struct parser *p);
// Takes the word when it is the present token.
bool accept_word(struct parser *p, const char *word);

// Options after a statement's fixed part, in any order, each once.
struct option {
    const char *word;
    bool (*parse)(struct parser *p, struct step *out);
};
// Reads options until a token that is not a word. False after an error.
bool parse_options(struct parser *p, struct step *out,
                   const struct option *options, size_t count);

// ---- parser.c: statements, blocks -------------------------------------------

// Reads statements to the end of the file at hand; its steps go into steps.
void parse_statements(struct parser *p, struct list *steps);
// Skips to the end of the statement, blocks and all.
void skip_statement(struct parser *p);

// A `{ ... }` of statements. After an error in front of it, skips to it.
void parse_block(struct parser *p, struct block *out);
// The same with any contents: calls item() at each of its items until it is
// closed. False when there is no block.
bool parse_braces(struct parser *p, void (*item)(struct parser *p, void *owner),
                  void *owner);

// ---- parse_values.c
// ---------------------------------------------------------- All take the
// present token, and report and return false when it isn't one.

bool parse_text(struct parser *p, const char *what, struct text *out);
// A text, or bare characters up to a blank, with variables; not empty.
bool parse_path(struct parser *p, const char *what, struct text *out);
// `on ttyS1`, where it may stand: without `on` nothing is taken. False after an
// error.
bool parse_on_port(struct parser *p, struct step *out);
// A piece of text as it stands.
struct text literal_text(struct parser *p, struct source_pos pos,
                         const char *bytes, size_t len);
bool parse_pattern(struct parser *p, struct pattern_node *out);
// The present word is the name of b: takes it and gives b's pattern.
void parse_builtin_pattern(struct parser *p, const struct builtin_fail *b,
                           struct pattern_node *out);
// A name of a variable, mark, metric ...: letters, digits, _ and -.
bool parse_name(struct parser *p, const char *what, const char **out);
// A name that may also hold dots and begin with a digit: a guest, a tag.
bool parse_label(struct parser *p, const char *what, const char **out);
bool parse_integer(struct parser *p, const char *what, uint64_t min,
                   uint64_t max, uint64_t *out);
// A duration longer than 0 to wait for; warns when the whole scenario ends
// earlier. `what` names it in the warning.
bool parse_wait(struct parser *p, const char *what, uint64_t *out);
bool parse_duration(struct parser *p, uint64_t *out);
bool parse_size(struct parser *p, uint64_t *out);
bool parse_compare(struct parser *p, enum compare_op *out);
bool parse_value(struct parser *p, struct value *out);

// ---- The statements, by family ----------------------------------------------

typedef enum parsed parse_fn(struct parser *p, struct step *out);

// parse_machine.c: the header's machine
parse_fn parse_guest, parse_kernel, parse_initrd, parse_cmdline, parse_memory;
parse_fn parse_cpus, parse_disk, parse_share, parse_serial, parse_symbols;
parse_fn parse_from, parse_machine;
// parse_net.c
parse_fn parse_net, parse_vsock;
// parse_header.c: the rest of the header
parse_fn parse_test, parse_timeout, parse_step_timeout, parse_tags, parse_set;
parse_fn parse_matrix, parse_needs, parse_fail, parse_allow;
// include.c
parse_fn parse_use;
// parse_expect.c
parse_fn parse_expect;
// parse_input.c
parse_fn parse_send, parse_type, parse_key, parse_login, parse_run, parse_ktap;
// parse_port.c
parse_fn parse_console, parse_named_port;
// parse_check.c
parse_fn parse_check;
// parse_control.c
parse_fn parse_mark, parse_metric, parse_log, parse_repeat, parse_if;
parse_fn parse_group, parse_never, parse_snapshot, parse_reset;
parse_fn parse_poweroff, parse_nmi, parse_power, parse_else;
