// SPDX-License-Identifier: Apache-2.0
// YAML blocks behind results (TAP 13 and 14). What they hold is text, also when
// it looks like results. See ktap_internal.h.
#include "harness/ktap/ktap_internal.h"

#include <string.h>

// A block that does not end is none.
#define YAML_LINES 1000

static bool is_mark(const struct ktap_line *line, const char *mark)
{
    return line->kind == KTAP_TEXT && line->reason.len == 3 &&
           !memcmp(line->reason.text, mark, 3);
}

static bool is_blank(const struct ktap_line *line)
{
    return line->kind == KTAP_TEXT && !line->reason.len;
}

// The block's own "...": what is deeper is in it (a document that it quotes).
static bool ends(const struct ktap_level *level, const struct ktap_line *line)
{
    return is_mark(line, "...") && line->indent <= level->yaml_indent;
}

bool ktap_in_yaml(const struct ktap_level *level, const struct ktap_line *line)
{
    bool deeper = line->indent > level->indent;
    if (!level->yaml)
        return level->last && deeper && is_mark(line, "---");
    if (level->yaml_lines > YAML_LINES)
        return false;
    // Its "..." may be missing: what is further out than "---" follows it.
    return is_blank(line) || (deeper && (line->indent >= level->yaml_indent ||
                                         ends(level, line)));
}

bool ktap_take_yaml(struct ktap *k, struct ktap_level *level,
                    const struct ktap_line *line, struct ktap_span rest)
{
    if (!ktap_in_yaml(level, line)) {
        level->yaml = false;
        return false;
    }
    if (!level->yaml) {
        level->yaml = true;
        level->yaml_lines = 0;
        level->yaml_indent = line->indent;
        return true;
    }
    level->yaml_lines++;
    if (ends(level, line))
        level->yaml = false;
    else
        ktap_text_add(k, &level->last->details,
                      ktap_unindented(rest, level->yaml_indent));
    return true;
}
