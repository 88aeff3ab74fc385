// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the scenario reader: any bytes give a tree or errors.
// Built with -DTOYVMM_FUZZERS=ON; a corpus to begin with is tests/scenarios.
#include "harness/scenario/scenario.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct override overrides[] = {{"x", "[a-"}};
    struct scenario *sc = NULL;
    struct diagnostics diags;
    struct error err;
    int code = scenario_parse("fuzz.tc", (const char *)data, size, overrides,
                              size % 2, &sc, &diags, &err);
    if ((code == 0) != (sc != NULL) || (sc && diags.errors))
        abort();
    for (size_t i = 0; i < diags.count; i++) {
        char *shown = diagnostic_format(&diags.list[i]);
        if (!shown)
            abort();
        free(shown);
    }
    diagnostics_free(&diags);
    scenario_free(sc);
    return 0;
}
