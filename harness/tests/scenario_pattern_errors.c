// SPDX-License-Identifier: Apache-2.0
// What is wrong inside of patterns: at the right column, with its cure; and
// where variables may stand in them.
#include "harness/tests/scenario_test.h"

#define WRONG "this pattern is wrong: "

Test(scenario_pattern_errors, what_is_open)
{
    static const struct wrong table[] = {
        {"expect /foo(bar/", 2, 12, WRONG "missing closing parenthesis",
         "this `(` is never closed: add a `)`; `\\(` is the character"},
        {"expect /x(a(b(c)d/", 2, 12, WRONG "missing closing parenthesis",
         NULL},
        {"expect /(a)[)](?:b/", 2, 15, WRONG "missing closing parenthesis",
         NULL},
        {"expect /a\\)(?<n>b/", 2, 12, WRONG "missing closing parenthesis",
         NULL},
        {"expect /\\Q)\\E(/", 2, 14, WRONG "missing closing parenthesis", NULL},
        {"expect m{ (a) # (\n  \303\251 ( # )\n }x", 3, 5,
         WRONG "missing closing parenthesis", NULL},
        {"expect /(?x) a # (b\\/", 2, 8, "this pattern is never closed", NULL},
        {"expect /(?#abc/", 2, 9,
         WRONG "missing closing parenthesis of a comment", NULL},
        {"expect /a)b/", 2, 10, WRONG "unmatched closing parenthesis",
         "no `(` is open here; `\\)` is the character"},
        {"expect /\303\251[ab(c/", 2, 10,
         WRONG "missing terminating ] for character class",
         "this `[` is never closed: add a `]`; `\\[` is the character"},
        {"expect /x[]/", 2, 10,
         WRONG "missing terminating ] for character class",
         "a `]` that stands first is a member: `[]]`"},
        {"expect /x[^]/", 2, 10,
         WRONG "missing terminating ] for character class",
         "a `]` that stands first is a member: `[^]]`"},
    };
    CHECK_ALL(table, "guest g\n");
}

Test(scenario_pattern_errors, repeats)
{
#define NOT_REPEATABLE WRONG "quantifier does not follow a repeatable item"
    static const struct wrong table[] = {
        {"expect /*a/", 2, 9, NOT_REPEATABLE,
         "nothing to repeat stands before it: `.*` is any text; `\\*` is the "
         "character"},
        {"expect /a|+b/", 2, 11, NOT_REPEATABLE,
         "nothing to repeat stands before it: `.+` is any text; `\\+` is the "
         "character"},
        {"expect /\303\251\303\251**/", 2, 12, NOT_REPEATABLE,
         "what stands before it is repeated already; `\\*` is the character"},
        {"expect /a{2}{3}/", 2, 13, NOT_REPEATABLE, NULL},
        {"expect /a\\/(?:?b)/", 2, 15, NOT_REPEATABLE, NULL},
        {"expect /a{3,2}/", 2, 10,
         WRONG "numbers out of order in {} quantifier",
         "the smaller number stands first: {2,3}"},
        {"expect /a{70000}/", 2, 10, WRONG "number too big in {} quantifier",
         "65535 is the largest number"},
        {"expect /xx(?<=a*)b/", 2, 11,
         WRONG "lookbehind assertion is not fixed length", NULL},
    };
    CHECK_ALL(table, "guest g\n");
}

Test(scenario_pattern_errors, classes_and_escapes)
{
    static const struct wrong table[] = {
        {"expect /\303\251(\303\274[z-a])/i", 2, 15,
         WRONG "range out of order in character class",
         "the lower character stands first: [a-z]; `\\-` is a hyphen"},
        {"expect /[a-\\d]/", 2, 11, WRONG "invalid range in character class",
         "a class like \\d can't begin or end a range; `\\-` is a hyphen"},
        {"expect /[\\w-z]/", 2, 12, WRONG "invalid range in character class",
         NULL},
        {"expect /x[[:alpah:]]/", 2, 13, WRONG "unknown POSIX class name",
         "did you mean `alpha`?"},
        {"expect /[:alpha:]/", 2, 9,
         WRONG "POSIX named classes are supported only within a class",
         "write it in double brackets: [[:alpha:]]"},
        {"expect /\303\251\\p{Greke}/", 2, 10,
         WRONG "unknown property after \\P or \\p", "did you mean `Greek`?"},
        {"expect /\\pQ/", 2, 9, WRONG "unknown property after \\P or \\p",
         NULL},
        {"expect /a\\y/", 2, 10, WRONG "unrecognized character follows \\",
         "`\\\\` is a backslash; a letter alone needs none before it"},
        {"expect /a\\C/", 2, 10, WRONG "\\C would match half of a character",
         "`.` is a character"},
        {"expect /\\x{110000}/", 2, 9,
         WRONG "character code point value in \\x{} or \\o{} is too large",
         "10ffff is the largest number of a character"},
        {"expect /\\u0041/", 2, 9,
         WRONG "PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u",
         "\\x{201c} is a character by its number"},
    };
    CHECK_ALL(table, "guest g\n");
}

Test(scenario_pattern_errors, groups)
{
    static const struct wrong table[] = {
        {"expect /(?<n>a)\303\251(?<n>b)/", 2, 20,
         WRONG "two groups have the same name", "a name is one variable"},
        {"expect /(?<1n>a)/", 2, 12,
         WRONG "subpattern name must start with a non-digit",
         "a named group is written (?<name>...)"},
        {"expect /(?<>a)/", 2, 12, WRONG "subpattern name expected", NULL},
        {"expect /(\303\251)\\2/", 2, 12,
         WRONG "reference to non-existent subpattern",
         "the pattern has 1 group"},
        {"expect /(?&foo)/", 2, 12,
         WRONG "reference to non-existent subpattern",
         "the pattern has no group: (...)"},
        {"expect /(?z)a/", 2, 11,
         WRONG "unrecognized character after (? or (?-", NULL},
        {"expect /(*FOO)a/", 2, 9, WRONG "(*VERB) not recognized or malformed",
         NULL},
    };
    CHECK_ALL(table, "guest g\n");
}

// Wherever a pattern may stand.
Test(scenario_pattern_errors, everywhere)
{
    static const struct wrong table[] = {
        {"fail /a(/\nmark a", 2, 8, WRONG "missing closing parenthesis", NULL},
        {"allow /a(/\nmark a", 2, 9, WRONG "missing closing parenthesis", NULL},
        {"allow /a(/ { }", 2, 9, WRONG "missing closing parenthesis", NULL},
        {"never /a(/ { }", 2, 9, WRONG "missing closing parenthesis", NULL},
        {"expect one { /a(/ { } }", 2, 16, WRONG "missing closing parenthesis",
         NULL},
        {"login 'a' prompt m!/(!", 2, 21, WRONG "missing closing parenthesis",
         NULL},
        {"run 'a' as b\ncheck b count /a(/ > 1", 3, 17,
         WRONG "missing closing parenthesis", NULL},
    };
    CHECK_ALL(table, "guest g\n");
}

// ---- Variables --------------------------------------------------------------

// Found before boot, at their own column, whatever the values will be.
Test(scenario_pattern_errors, with_variables)
{
    static const struct wrong table[] = {
        {"expect /a${abc}b[z-a]/", 3, 20,
         WRONG "range out of order in character class", NULL},
        {"expect m{ a\n ${abc}(\n}x", 4, 8, WRONG "missing closing parenthesis",
         NULL},
        {"expect /[${abc}-a]x[z-${abc}](/", 3, 30,
         WRONG "missing closing parenthesis", NULL},
        {"expect /[${abc}-\\d]/", 3, 16,
         WRONG "invalid range in character class", NULL},
        {"expect /\303\251${abc}\\/(${abc}/", 3, 18,
         WRONG "missing closing parenthesis", NULL},
        {"expect /${abc}**/", 3, 16,
         WRONG "quantifier does not follow a repeatable item", NULL},
    };
    CHECK_ALL(table, "guest g\nset abc 1\n");
}

Test(scenario_pattern_errors, where_no_variable_may_stand)
{
    static const char construct[] =
        "a variable is text, and can't be a part of this construct";
    static const char escape[] = "a variable can't follow this escape: its "
                                 "text could be read as a part of it";
    static const char quoted[] = "a variable can't stand between \\Q and \\E";
    static const char comment[] = "a variable can't stand in a pattern's "
                                  "comment: its text could end it";
    const struct wrong table[] = {
        {"expect /\\p{${v}}/", 3, 12, construct, NULL},
        {"expect /\\x{${v}}/", 3, 12, construct, NULL},
        {"expect /(?<${v}>a)/", 3, 12, construct, NULL},
        {"expect /(?P<${v}>a)/", 3, 13, construct, NULL},
        {"expect /(?'${v}'a)/", 3, 12, construct, NULL},
        {"expect /(?${v})a/", 3, 11, construct, NULL},
        {"expect /(?i${v})a/", 3, 12, construct, NULL},
        {"expect /(a)(?(${v})b)/", 3, 15, construct, NULL},
        {"expect /(?<n>a)\\k<${v}>/", 3, 19, construct, NULL},
        {"expect /(?<n>a)\\g'${v}'/", 3, 19, construct, NULL},
        {"expect /(*${v})a/", 3, 11, construct, NULL},
        {"expect /[[:${v}:]]/", 3, 12, construct, NULL},
        {"expect /(a)\\1${v}/", 3, 14, escape, "put (?:) between them"},
        {"expect /\\x4${v}/", 3, 12, escape, NULL},
        {"expect /[\\x${v}]/", 3, 12, escape, NULL},
        {"expect /\\p${v}/", 3, 11, escape, NULL},
        {"expect /\\c${v}/", 3, 11, escape, NULL},
        {"expect /(a)\\g-1${v}/", 3, 16, escape, NULL},
        {"expect /\303\251\\Q${v}\\E/", 3, 12, quoted, NULL},
        {"expect /[\\Q${v}\\E]/", 3, 12, quoted, NULL},
        {"expect m{ a # \\\\${v}\n }x", 3, 17, comment, NULL},
        {"expect /(?x)#${v}/", 3, 14, comment, NULL},
        {"expect /(?#${v})/", 3, 12, comment, NULL},
    };
    CHECK_ALL(table, "guest g\nset v 1\n");
}

// Only a sound refusal is one.
Test(scenario_pattern_errors, where_variables_may_stand)
{
    struct parsed_text p = parse_good(
        "guest g\nset v 1\n"
        "expect /${v}${v}+|${v}*?(?:${v})(${v})(?<n>${v})/\n"
        "expect /[${v}][^${v}][a${v}-][-${v}][${v}-z][y-${v}][${v}-${v}]/\n"
        "expect /[]${v}][[:alpha:]${v}]a{${v}}b{2,${v}}/\n"
        "expect "
        "/\\\\${v}\\x41${v}\\x{41}${v}\\pL${v}\\p{Lu}${v}\\d${v}\\$${v}/\n"
        "expect /\\Q(\\E${v}\\Qa\\\\E${v}(?x) a (?-x)#${v}(?x: b )#${v}/\n"
        "expect /(?=${v})(?<=${v})(?<!${v})(?>${v})(?|${v})(?i:${v})/\n"
        "expect /(a)(?(1)${v})(?(?=a)${v})\\g{1}${v}\\1(?:)${v}/\n"
        "expect /(*UCP)${v}(*atomic:${v})(?#c)${v}\\Q\\${v}\\E/\n"
        "expect m{ \\# ${v} [#] ${v} # \\${v}\n ${v} # c\\\n ${v} }x\n");
    for (size_t i = 0; i < p.sc->steps.nsteps; i++)
        cr_assert_null(p.sc->steps.steps[i].u.expect.pattern.compiled);
    parsed_free(&p);
}
