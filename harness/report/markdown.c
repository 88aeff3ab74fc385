// SPDX-License-Identifier: Apache-2.0
// Markdown's escapes. See markdown.h.
#include "harness/report/markdown.h"

#include "harness/report/visible.h"

#include <string.h>

#define TEXT_MAX 500

// GitHub's own words on a dollar that is no formula's are a <span>.

static const char *escape(uint32_t c)
{
    static const struct {
        uint32_t c;
        const char *text;
    } table[] = {
        {'\\', "\\\\"},
        {'`', "\\`"},
        {'*', "\\*"},
        {'_', "\\_"},
        {'[', "\\["},
        {']', "\\]"},
        {'<', "&lt;"},
        {'>', "&gt;"},
        {'&', "&amp;"},
        {'|', "\\|"},
        {'#', "\\#"},
        {'!', "\\!"},
        {'~', "\\~"},
        {'\n', " "},
        {'\t', " "},
        {'@', "&#64;"},
        {'$', "<span>$</span>"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].c == c)
            return table[i].text;
    }
    return NULL;
}

void markdown_text(FILE *f, const char *s)
{
    size_t len = s ? strlen(s) : 0;
    size_t fits = visible_fit(s, len, TEXT_MAX, NULL);
    visible_text(f, s, fits, escape);
    if (fits < len)
        fputs("...", f);
}

void markdown_name(FILE *f, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strspn(s, plain);
    if (!len || s[len] || len > TEXT_MAX)
        markdown_text(f, s);
    else
        fprintf(f, "`%s`", s);
}
