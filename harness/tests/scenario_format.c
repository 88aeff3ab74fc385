// SPDX-License-Identifier: Apache-2.0
// The canonical layout, by example: what is written, and what becomes of it.
#include "harness/scenario/format.h"
#include "harness/tests/scenario_test.h"

// The text laid out, a heap string; NULL when it was refused.
static char *format(const char *text)
{
    struct diagnostics diags;
    struct error err = {""};
    char *out;
    size_t len;
    int code =
        scenario_format("t.tc", text, strlen(text), &out, &len, &diags, &err);
    cr_expect_eq(code == 0, out != NULL);
    cr_expect_eq(code == -EINVAL, diags.errors > 0);
    diagnostics_free(&diags);
    if (out)
        cr_expect_eq(strlen(out), len);
    return out;
}

static const struct {
    const char *what, *text, *becomes;
} table[] = {
    {"nothing stays nothing", "\n\n", ""},
    {"words and values", "test \"a\"\nguest   x\n  timeout\t5s\nexpect/x/\n",
     "test    \"a\"\nguest   x\ntimeout 5s\nexpect  /x/\n"},
    {"no newline at the end, a byte order mark, carriage returns",
     "\xef\xbb\xbfguest x\r\npoweroff", "guest   x\npoweroff\n"},
    {"a long word of the header moves the header only",
     "guest x\nstep-timeout 5s\nrun \"y\"\n",
     "guest        x\nstep-timeout 5s\nrun     \"y\"\n"},
    {"long words of steps have one blank",
     "guest x\nsend \"a\"\npoweroff   within 5s\n",
     "guest   x\nsend    \"a\"\npoweroff within 5s\n"},
    {"one empty line of several, none at the ends",
     "\n\nguest x\n\n\n\nnmi\n\n\n", "guest   x\n\nnmi\n"},
    {"empty lines in blocks", "group \"x\" {\n\n\nnmi\n\n\nreset\n\n}\n",
     "group \"x\" {\n    nmi\n\n    reset\n}\n"},
    {"comments keep their place",
     "# a  \n\n\n#b\ncpus 1# c\n  # d\nnmi\t#  e\n\n# f\n",
     "# a\n\n#b\ncpus    1  # c\n# d\nnmi  #  e\n\n# f\n"},
    {"comments in blocks", "group \"x\" { # a\n# b\n\nnmi # c\n# d\n} # e\n",
     "group \"x\" {  # a\n    # b\n\n    nmi  # c\n    # d\n}  # e\n"},
    {"comments stand in a column", "key f1 # a\nkey ctrl-c # b\n\nnmi # c\n",
     "key     f1      # a\nkey     ctrl-c  # b\n\nnmi  # c\n"},
    {"but not where they don't fit",
     "key f1 # a\nsend \"23456789 123456789 123456789 123456789 123456789 "
     "1234567890\" # and more\n",
     "key     f1  # a\nsend    \"23456789 123456789 123456789 123456789 "
     "123456789 1234567890\"  # and more\n"},
    {"variables stand in columns",
     "set a 1\nset longer \"2\"\nmatrix x 1  2\nset b 3\n",
     "set     a      1\nset     longer \"2\"\nmatrix  x 1 2\nset     b 3\n"},
    {"checks stand in columns",
     "check out has /x/\ncheck other lacks /y/\ncheck status out==0\n"
     "check a count /z/>=5\n",
     "check   out   has   /x/\ncheck   other lacks /y/\n"
     "check   status out == 0\ncheck   a count /z/ >= 5\n"},
    {"branches stand in columns",
     "expect one {\n/a/ { nmi }\nreset { }\n/long pattern/ {\nnmi\nreset\n}\n"
     "timeout {\n}\n}\n",
     "expect one {\n    /a/   { nmi }\n    reset { }\n    /long pattern/ {\n"
     "        nmi\n        reset\n    }\n    timeout { }\n}\n"},
    {"branches on one line", "expect one { /a/ { nmi } /b/ { } }\n",
     "expect one {\n    /a/ { nmi }\n    /b/ { }\n}\n"},
    {"a short block stays, a deep one is opened",
     "group \"a\" {nmi}\ngroup \"b\" { group \"c\" { nmi } }\n",
     "group \"a\" { nmi }\ngroup \"b\" {\n    group \"c\" { nmi }\n}\n"},
    {"an empty block is closed, unless it says something",
     "group \"a\" {\n\n}\ngroup \"b\" {\n# c\n}\n",
     "group \"a\" { }\ngroup \"b\" {\n    # c\n}\n"},
    {"a block that doesn't fit is opened",
     "group \"23456789 123456789 123456789 1234567890\" { log \"9 123456789 "
     "1234567\" }\ngroup \"23456789 123456789 123456789 1234567890\" { log "
     "\"9 123456789 1234567890 234\" }\n",
     "group \"23456789 123456789 123456789 1234567890\" { log \"9 123456789 "
     "1234567\" }\ngroup \"23456789 123456789 123456789 1234567890\" {\n    "
     "log     \"9 123456789 1234567890 234\"\n}\n"},
    {"else",
     "if a==b{nmi}else{reset}\nif a == b {\nnmi\n}\n\nelse {\nreset }\n",
     "if a == b { nmi } else { reset }\n"
     "if a == b {\n    nmi\n} else {\n    reset\n}\n"},
    {"else and comments", "if a == b { nmi } # c\n# d\nelse { reset }\n",
     "if a == b {\n    nmi\n}  # c\n# d\nelse {\n    reset\n}\n"},
    {"patterns of several lines stay as they are",
     "expect   m{ a\n\t b   # c\n  }x   within 5s # d\nkey f1 # e\n",
     "expect  m{ a\n\t b   # c\n  }x within 5s  # d\nkey     f1  # e\n"},
    {"a branch of several lines",
     "expect one {\nm{ a\n b }x   { nmi }\nreset   { nmi }\n}\n",
     "expect one {\n    m{ a\n b }x { nmi }\n    reset { nmi }\n}\n"},
    {"bare words",
     "kernel   /boot/x#y   # z\nkey   ctrl-[\nmetric a 5   MB/s\n",
     "kernel  /boot/x#y  # z\nkey     ctrl-[\nmetric  a 5 MB/s\n"},
    {"cmdline", "cmdline+\"a\"\n", "cmdline + \"a\"\n"},
    {"a variable called m", "if m!=x { nmi }\n", "if m != x { nmi }\n"},
    {"wide characters are one column each", "set \xc3\xa4 1\n", NULL},
    {"what this version doesn't run", "net   user\ndisk a   readonly\n",
     "net     user\ndisk    a readonly\n"},
    {"a part that scenarios use", "use   \"x.tci\"\nrun \"${unknown}\"\n",
     "use     \"x.tci\"\nrun     \"${unknown}\"\n"},
    {"errors", "expct /x/\n", NULL},
    {"half a block", "group \"x\" {\n", NULL},
};

Test(scenario_format, examples)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char *out = format(table[i].text);
        if (!table[i].becomes) {
            cr_expect_null(out, "%s", table[i].what);
            continue;
        }
        cr_assert(out, "%s", table[i].what);
        cr_expect_str_eq(out, table[i].becomes, "%s gives:\n%s", table[i].what,
                         out);
        char *again = format(out);
        cr_assert(again, "%s", table[i].what);
        cr_expect_str_eq(again, out, "%s, again, gives:\n%s", table[i].what,
                         again);
        free(again);
        free(out);
    }
}

Test(scenario_format, widths_are_characters)
{
    char *out = format("set a \"\xc3\xa4\" # x\nset a2 \"b\" # y\n");
    cr_assert(out);
    cr_expect_str_eq(out, "set     a  \"\xc3\xa4\"  # x\n"
                          "set     a2 \"b\"  # y\n");
    free(out);
}

Test(scenario_format, too_large_and_not_text)
{
    struct diagnostics diags;
    struct error err = {""};
    char *out;
    size_t len, large = ((size_t)4 << 20) + 1;
    char *text = calloc(1, large);
    cr_assert(text);
    cr_expect_eq(scenario_format("t.tc", text, large, &out, &len, &diags, &err),
                 -EFBIG);
    diagnostics_free(&diags);
    cr_expect_eq(scenario_format("t.tc", "a\0b", 3, &out, &len, &diags, &err),
                 -EINVAL);
    cr_expect_eq(diags.errors, 1);
    diagnostics_free(&diags);
    free(text);
}
