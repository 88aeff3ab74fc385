// SPDX-License-Identifier: Apache-2.0
// Each production written wrongly: exactly one diagnostic, at the right place.
#include "harness/tests/scenario_test.h"

Test(scenario_wrong, refused_by_name)
{
    static const struct wrong table[] = {
        {"from s of \"a.tc\"\nmark a", 2, 1, "`from` is not supported yet",
         NULL},
        {"snapshot s", 2, 1, "`snapshot` is not supported yet", NULL},
        // What is wrong with them comes first.
        {"net x\nmark a", 2, 5,
         "expected `user`, `tap NAME` or `none`, found `x`", NULL},
        {"disk a.img rw\nmark a", 2, 12,
         "expected `readonly`, `writable` or `serial \"...\"`, found `rw`",
         NULL},
        {"from s\nmark a", 2, 7,
         "expected `of` and the file that makes the snapshot, found the end of "
         "the line",
         NULL},
        {"snapshot 5", 2, 10, "expected the name of a snapshot, found `5`",
         NULL},
    };
    CHECK_ALL(table, "guest g\n");
}

Test(scenario_wrong, expect)
{
    static const struct wrong table[] = {
        {"expect", 2, 7,
         "expected a pattern, an event, `idle` or `one`, found the end of the "
         "line",
         NULL},
        {"expect \"x\"", 2, 8,
         "expected a pattern, an event, `idle` or `one`, found a text",
         "a pattern is written /.../"},
        {"expect /x/ withn 5s", 2, 12, "unknown option of `expect`: `withn`",
         "did you mean `within`?"},
        {"expect /x/ within 5s within 6s", 2, 22, "`within` stands here twice",
         NULL},
        {"expect /x/ within 0ms", 2, 19, "a wait must be longer than nothing",
         NULL},
        {"expect /x/ within 0.0000001ms", 2, 19,
         "`0.0000001ms` is not a whole number of nanoseconds", NULL},
        {"expect /x/ mark 5", 2, 17, "expected the name of a mark, found `5`",
         NULL},
        {"expect //", 2, 8, "an empty pattern matches anything", NULL},
        {"expect rest", 2, 8, "unknown event `rest`", "did you mean `reset`?"},
        {"expect timeout", 2, 8,
         "`timeout` can only be a branch of `expect one`", NULL},
        {"expect reset mark a", 2, 14, "unknown option of `expect`: `mark`",
         NULL},
        {"expect idle", 2, 12, "expected a duration, found the end of the line",
         NULL},
        {"expect one /x/", 2, 12, "expected `{`, found a pattern", NULL},
        {"expect one { }", 2, 12, "`expect one` has no branches", NULL},
        {"expect one\n{ /x/ { } }", 2, 11,
         "expected `{`, found the end of the line",
         "a block opens on the statement's line"},
        {"expect one { /x/ }", 2, 18, "expected `{`, found `}`", NULL},
        {"expect one { reset { } /x/ { } reset { } }", 2, 32,
         "this branch stands here again: see line 2", NULL},
        {"expect one { rset { } }", 2, 14, "unknown event `rset`",
         "did you mean `reset`?"},
        {"expect one { /x/ { } 5 { } }", 2, 22,
         "expected the next branch or `}`, found `5`", NULL},
    };
    CHECK_ALL(table, "guest g\n");
}

Test(scenario_wrong, input)
{
    static const struct wrong table[] = {
        {"send", 2, 5, "expected the text to type, found the end of the line",
         NULL},
        {"send \"x\" secrt", 2, 10, "unknown option of `send`: `secrt`",
         "did you mean `secret`?"},
        {"type 5", 2, 6, "expected the text to type, found `5`", NULL},
        {"key", 2, 4, "expected the name of a key, found the end of the line",
         NULL},
        {"key entr", 2, 5, "unknown key `entr`", "did you mean `enter`?"},
        {"key ctrl-1", 2, 5, "unknown key `ctrl-1`", NULL},
        {"key ctl-c", 2, 5, "unknown key `ctl-c`", "did you mean `ctrl-c`?"},
        {"key up down", 2, 8, "expected the end of `key`, found `down`", NULL},
        {"login root", 2, 7, "expected the user's name, a text, found `root`",
         NULL},
        {"login \"root\" passwd \"x\"", 2, 14,
         "unknown option of `login`: `passwd`", "did you mean `password`?"},
        {"login \"root\" prompt \"#\"", 2, 21,
         "expected a pattern, found a text", NULL},
        {"run ls", 2, 5, "expected the command, a text, found `ls`", NULL},
        {"run \"ls\" status 256", 2, 17,
         "`256` is out of range: an exit status is 0 to 255", NULL},
        {"run \"ls\" status -1", 2, 17,
         "`-1` is out of range: an exit status is 0 to 255", NULL},
        {"run \"ls\" status all", 2, 17,
         "expected an exit status or `any`, found `all`", NULL},
        {"run \"ls\" as \"x\"", 2, 13,
         "expected a name for the output, found a text",
         "a name begins with a letter and has no quotes"},
        {"run \"echo ${HOME}\"", 2, 11, "unknown variable `HOME`",
         "set it, or write `\\${HOME}` for the guest's own"},
    };
    CHECK_ALL(table, "guest g\n");
}

Test(scenario_wrong, check)
{
    static const struct wrong table[] = {
        {"check", 2, 6, "expected a name to check, found the end of the line",
         NULL},
        {"check out has \"x\"", 3, 15, "expected a pattern, found a text",
         NULL},
        {"check out hass /x/", 3, 11, "unknown kind of check `hass`",
         "did you mean `has`?"},
        {"check out /x/", 3, 11,
         "expected `has`, `lacks`, `count` or a comparison, found a pattern",
         NULL},
        {"check out count /x/", 3, 20,
         "expected a comparison, found the end of the line", "== != < <= > >="},
        {"check out count /x/ = 1", 3, 21, "unexpected character `=`",
         "`==` compares"},
        {"check out count /x/ > 1.5", 3, 23, "expected a count, found `1.5`",
         NULL},
        {"check out ==", 3, 13, "expected a value, found the end of the line",
         NULL},
        {"check otu has /x/", 3, 7, "unknown name `otu`",
         "did you mean `out`?"},
        {"check status otu == 0", 3, 14, "unknown captured output `otu`",
         "did you mean `out`?"},
        {"check status out == 5s", 3, 21, "expected an exit status, found `5s`",
         NULL},
        {"check mark login_promt < 3s", 3, 12, "unknown mark `login_promt`",
         "did you mean `login_prompt`?"},
        {"check mark login_prompt < 3", 3, 27, "expected a duration, found `3`",
         NULL},
        {"check metric m < 3", 3, 14, "unknown metric `m`", NULL},
        {"metric m 1\ncheck metric m < fast", 4, 18,
         "the metric `m` is compared with a number", NULL},
        {"check login_prompt < 3s", 3, 7, "unknown name `login_prompt`",
         "it is a mark: `check mark login_prompt ...`"},
        {"expect /(?<os>x)/\ncheck status os == 0", 4, 14,
         "unknown captured output `os`",
         "it is not the output of a `run ... as`"},
        {"check later has /x/\nrun \"x\" as later", 3, 7,
         "unknown name `later`", NULL},
    };
    check_wrong(&table[0], "guest g\n");
    for (size_t i = 1; i < sizeof(table) / sizeof(table[0]); i++)
        check_wrong(&table[i], "guest g\nrun \"x\" as out\n");
}

Test(scenario_wrong, control)
{
    static const struct wrong table[] = {
        {"expct /x/", 2, 1, "unknown statement `expct`",
         "did you mean `expect`?"},
        {"zzzzzzzz 5", 2, 1, "unknown statement `zzzzzzzz`", NULL},
        {"5", 2, 1, "expected a statement, found `5`", NULL},
        {"/login:/", 2, 1, "expected a statement, found a pattern",
         "`expect` waits for a pattern"},
        {"w\303\266rld", 2, 2, "`w\303\266rld` is not a word", NULL},
        {"reset; mark a", 2, 6, "unexpected character `;`",
         "a statement ends with its line"},
        {"reset reset", 2, 7, "expected the end of `reset`, found `reset`",
         "each statement stands on its own line"},
        {"reset { }", 2, 7, "expected the end of `reset`, found `{`",
         "this statement has no block"},
        {"send \342\200\234x\342\200\235", 2, 6,
         "unexpected character `\342\200\234` (U+201C)",
         "a text is written \"...\" or '...', with straight quotes"},
        {"mark\302\240a", 2, 5, "`mark\302\240a` is not a word", NULL},
        {"mark", 2, 5, "expected the name of a mark, found the end of the line",
         NULL},
        {"metric m", 2, 9, "expected a value, found the end of the line", NULL},
        {"metric m x", 2, 10,
         "expected a number, or a text that holds one, found `x`", NULL},
        {"metric m 1 \"ms\"", 2, 12, "expected a unit, found a text", NULL},
        {"log x", 2, 5, "expected a text, found `x`", NULL},
        {"repeat x { mark a }", 2, 8, "expected the number of times, found `x`",
         NULL},
        {"repeat 0 { mark a }", 2, 8,
         "`0` is out of range: the number of times is 1 to 1000000", NULL},
        {"mark a\nrepeat 3\nmark b", 3, 1,
         "`repeat` must stand before the first step",
         "among the steps it takes a block: `{ ... }`"},
        {"group { mark a }", 2, 7, "expected the title, a text, found `{`",
         NULL},
        {"group \"x\"", 2, 10, "expected `{`, found the end of the line", NULL},
        {"grup \"x\" {\n mark a\n}", 2, 1, "unknown statement `grup`",
         "did you mean `group`?"},
        {"qwertz \"x\" {\n mark a\n bogus\n}", 2, 1,
         "unknown statement `qwertz`", NULL},
        {"if x == 1 { }", 2, 4, "unknown variable `x`", NULL},
        {"expect /(?<x>a)/\nif x 1 { } else { }", 3, 6,
         "expected a comparison, found `1`", NULL},
        {"expect /(?<x>a)/\nif x == 1 { } else if x == 2 { }", 3, 20,
         "expected `{`, found `if`",
         "put the second `if` inside of `else { ... }`"},
        {"else { mark a }", 2, 1, "this `else` has no `if`", NULL},
        {"never oops { }", 2, 7, "expected a pattern, found `oops`",
         "the built-in ones are always on"},
        {"never /x/", 2, 10, "expected `{`, found the end of the line", NULL},
        {"poweroff now", 2, 10, "unknown option of `poweroff`: `now`", NULL},
        {"mark a\n}", 3, 1, "this `}` closes nothing", NULL},
        {"group \"x\" {\n mark a", 2, 11, "this `{` is never closed",
         "add a `}`"},
        {"mark a { }", 2, 8, "expected the end of `mark`, found `{`", NULL},
    };
    CHECK_ALL(table, "guest g\n");
}

Test(scenario_wrong, literals)
{
    static const struct wrong table[] = {
        {"send \"abc", 2, 6, "this text is never closed",
         "a text ends on its own line: add a `\"`"},
        {"send \"abc\\\"", 2, 6, "this text is never closed", NULL},
        {"send 'abc", 2, 6, "this text is never closed",
         "a text ends on its own line: add a `'`"},
        {"send \"\303\274 \\d\"", 2, 9, "unknown escape `\\d`", NULL},
        {"send \"\\x4\"", 2, 7, "`\\x` needs two hexadecimal digits", NULL},
        {"send \"a${b c}\"", 2, 8,
         "`${` is not followed by a variable's name and `}`",
         "write `\\${` for the characters `${`"},
        {"expect /abc", 2, 8, "this pattern is never closed",
         "a pattern ends on its own line: add a `/`"},
        {"expect m!abc", 2, 8, "this pattern is never closed", NULL},
        {"expect m{a{b}\nmark a", 2, 8,
         "this pattern is not closed on its line", NULL},
        {"group \"x\" {\nexpect m{a{b}\nmark a\n}", 3, 8,
         "this pattern is not closed on its line", NULL},
        {"expect /a/ig", 2, 12, "unknown flag `g` of a pattern",
         "flags are i, m, s and x; a `/` in a pattern is `\\/`"},
        {"expect /usr/bin/", 2, 13, "unknown flag `b` of a pattern", NULL},
        {"expect /a${/", 2, 10,
         "`${` is not followed by a variable's name and `}`", NULL},
    };
    CHECK_ALL(table, "guest g\n");
}

Test(scenario_wrong, no_machine)
{
    static const struct wrong table[] = {
        {"# only\n\nmark a", 3, 1, "no guest and no kernel: nothing to boot",
         "add `guest NAME` or `kernel PATH` before the first step"},
        {"guest g\npower off", 2, 7, "expected `button`, found `off`", NULL},
        {"memory 1G", 1, 1, "no guest and no kernel: nothing to boot", NULL},
        {"gest a\nmark a", 1, 1, "unknown statement `gest`",
         "did you mean `guest`?"},
    };
    CHECK_ALL(table, "");
}

// A name in a statement that failed is not reported again where it is used.
Test(scenario_wrong, no_cascades)
{
    static const struct wrong table[] = {
        {"run \"x\" stat 5 as out\ncheck out has /x/\nsend \"${out}\"", 2, 9,
         "unknown option of `run`: `stat`", "did you mean `status`?"},
        {"expect /(?<os>[z-a])/\nsend \"${os}\"", 2, 18,
         "this pattern is wrong: range out of order in character class", NULL},
        {"expect /x/ marc here\ncheck mark here < 3s", 2, 12,
         "unknown option of `expect`: `marc`", "did you mean `mark`?"},
        {"group x {\n run \"y\" as z\n}\ncheck z has /x/", 2, 7,
         "expected the title, a text, found `x`", NULL},
    };
    CHECK_ALL(table, "guest g\n");
}
