// SPDX-License-Identifier: Apache-2.0
// Files that aren't there. See check_files.h.
#include "harness/cli/check_files.h"

#include "harness/guests/guest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// All warnings so far, in one stream of lines.
struct warnings {
    const char *path; // of the scenario
    char *text;
    size_t len;
    FILE *f;
    size_t count;
};

// The cases of a file name mostly the same ones.
static void warn(void *owner, const struct source_pos *pos, const char *why)
{
    struct warnings *w = owner;
    char *line = NULL;
    if (asprintf(&line, "%s:%u:%u: warning: %s\n",
                 pos->file ? pos->file : w->path, pos->line, pos->column,
                 why) < 0)
        return;
    fflush(w->f);
    if (!strstr(w->text, line)) {
        fputs(line, w->f);
        w->count++;
    }
    free(line);
}

int check_files(const struct options *o, struct selection *s, FILE *log,
                struct error *err)
{
    struct warnings w = {0};
    w.f = open_memstream(&w.text, &w.len);
    if (!w.f)
        return error_set(err, -ENOMEM, "out of memory");
    int code = 0;
    for (size_t i = 0; !code && i < s->count; i++) {
        w.path = s->list[i].path;
        code = guest_missing(s->list[i].what.scenario,
                             selected_machine(&s->list[i], &o->machine), warn,
                             &w, err);
    }
    if (fclose(w.f) && !code)
        code = error_set(err, -ENOMEM, "out of memory");
    else
        fputs(w.text, log);
    free(w.text);
    s->tally.warnings += w.count;
    return code;
}
