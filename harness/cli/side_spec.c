// SPDX-License-Identifier: Apache-2.0
// Reads "kernel=a,initrd=b,cmdline=...". See side_spec.h.
#include "harness/cli/side_spec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// The value of a part "key=value", or NULL.
static char *value_of(char *part, const char *key)
{
    size_t len = strlen(key);
    if (strncmp(part, key, len) != 0 || part[len] != '=')
        return NULL;
    return part + len + 1;
}

static int take(struct side_spec *s, char *part, struct error *err)
{
    const struct {
        const char *key;
        const char **field;
    } keys[] = {
        {"kernel", &s->machine.kernel},
        {"initrd", &s->machine.initrd},
        {"cmdline", &s->machine.cmdline},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char *value = value_of(part, keys[i].key);
        if (!value)
            continue;
        if (!*value)
            return error_set(err, -EINVAL, "%s: %s= has no value", s->text,
                             keys[i].key);
        *keys[i].field = value;
        return 0;
    }
    if (!*part)
        return error_set(err, -EINVAL, "\"%s\": a part is empty", s->text);
    // "a=b/c" may be meant as a path, "krenel=x" is a slip.
    size_t word = strcspn(part, "=/");
    if (part[word] == '=')
        return error_set(err, -EINVAL,
                         "%s: there is no \"%.*s\"; give kernel=PATH, "
                         "initrd=PATH or cmdline=TEXT",
                         s->text, (int)word, part);
    s->machine.kernel = part;
    return 0;
}

int side_spec_parse(struct side_spec *s, const char *text,
                    const struct guest_overrides *base, struct error *err)
{
    *s = (struct side_spec){
        .text = text, .memory = strdup(text), .machine = *base};
    if (!s->memory)
        return error_set(err, -ENOMEM, "out of memory");
    int code = 0;
    char *part = s->memory;
    while (!code && part) {
        // A command line may have commas.
        bool rest = value_of(part, "cmdline") != NULL;
        char *comma = rest ? NULL : strchr(part, ',');
        if (comma)
            *comma = '\0';
        code = take(s, part, err);
        part = comma ? comma + 1 : NULL;
    }
    if (code)
        side_spec_free(s);
    return code;
}

void side_spec_free(struct side_spec *s)
{
    free(s->memory);
    *s = (struct side_spec){0};
}
