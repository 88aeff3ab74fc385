// SPDX-License-Identifier: Apache-2.0
// The sections of a failure, read by the diagnosis_*.c tests.
#pragma once

#include "harness/tests/runner_fake.h"

#include <criterion/criterion.h>
#include <string.h>

static inline const char *section(const struct result *r, const char *name)
{
    const char *text = result_section(r, name);
    return text ? text : "";
}

static inline void has(const struct result *r, const char *name,
                       const char *text)
{
    cr_expect(strstr(section(r, name), text), "%s: want <%s>, got <%s>", name,
              text, section(r, name));
}

static inline void lacks(const struct result *r, const char *name,
                         const char *text)
{
    cr_expect_null(strstr(section(r, name), text), "%s: <%s>", name,
                   section(r, name));
}
