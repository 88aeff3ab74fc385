// SPDX-License-Identifier: Apache-2.0
// Cuts a scenario into tokens, on demand and without state between them, so
// that the parser can look ahead by copying the lexer. For harness/scenario
// only.
#pragma once

#include "harness/scenario/arena.h"
#include "harness/scenario/ast.h"

// A place in the source. Columns count characters, from 1.
struct cursor {
    const char *at;
    unsigned line, column;
};

// The source is checked before: valid UTF-8, no control characters but tab and
// newline, NUL-terminated with no NUL inside.
struct lexer {
    const char *file;
    struct cursor cur;
    struct arena *arena;
};

enum token_kind {
    TOKEN_END,
    TOKEN_NEWLINE,
    TOKEN_WORD,    // a letter or _, then letters, digits, _ - .
    TOKEN_NUMBER,  // a digit, or - and a digit, then letters, digits, _ - .
    TOKEN_TEXT,    // "..." or '...'
    TOKEN_PATTERN, // /.../flags or m{...}flags
    TOKEN_BARE,    // what lexer_bare made of it
    TOKEN_OPEN,    // {
    TOKEN_CLOSE,   // }
    TOKEN_COMPARE, // == != < <= > >=
    TOKEN_PLUS,
    TOKEN_BAD, // message says what is wrong; the next token is sane again
};

struct token {
    enum token_kind kind;
    struct cursor begin, end;
    unsigned width; // columns on the first line
    enum compare_op op;
    struct text text;   // of TEXT, PATTERN and BARE
    unsigned flags;     // of PATTERN: enum pattern_flags
    struct cursor body; // of PATTERN: where the regular expression begins
    // Of BAD; strings are static or in the arena.
    struct cursor bad;
    unsigned bad_width;
    const char *message, *hint;
};

struct lexer lexer_new(const char *file, const char *source,
                       struct arena *arena);

// The next token. After TOKEN_END it gives TOKEN_END again.
void lexer_next(struct lexer *lx, struct token *out);

// Reads t once more, as a bare run of characters up to the next blank, where
// the grammar wants a path, a key or a unit; a TEXT, a brace and an end stay
// what they are. With variables, ${name} is one.
void lexer_bare(struct lexer *lx, struct token *t, bool variables);

// The token as written.
char *token_spelling(const struct lexer *lx, const struct token *t);
bool token_is(const struct token *t, const char *word);

struct source_pos lexer_pos(const struct lexer *lx, const struct cursor *at);

// ---- For lexer_text.c -------------------------------------------------------

// One character further.
void cursor_step(struct cursor *c);
// Ends t at the lexer's place.
void token_end(struct lexer *lx, struct token *t, enum token_kind kind);
// Ends t as BAD: width characters from `at` on are wrong.
void token_bad(struct lexer *lx, struct token *t, struct cursor at,
               unsigned width, const char *message, const char *hint);

// ASCII, whatever the locale.
bool is_alnum(char c);
bool is_name_start(char c);
bool is_name(char c); // letters, digits, _ and -
// The characters of a name at the beginning of text; 0: none.
size_t name_length(const char *text);

// Whether a pattern begins here: / or m and a delimiter.
bool starts_pattern(const char *at);
void lex_quoted(struct lexer *lx, struct token *t);
void lex_raw(struct lexer *lx, struct token *t);
void lex_pattern(struct lexer *lx, struct token *t);
// Cuts end - from bytes into literal pieces and, with variables, ${name}.
void lex_bare_text(struct lexer *lx, struct token *t, bool variables);
