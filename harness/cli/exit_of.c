// SPDX-License-Identifier: Apache-2.0
// From verdicts to an exit code. See exit_of.h.
#include "harness/cli/exit_of.h"

#include "harness/cli/cli.h"
#include "harness/cli/exact_run.h"

#include <string.h>

int exit_of(const struct suite_run *run, bool bisect, bool flaky_ok)
{
    size_t count[VERDICTS] = {0}, unjudged = 0;
    for (size_t i = 0; i < run->count; i++) {
        const char *kind = run->results[i].kind;
        bool unknown = kind && !strcmp(kind, EXACT_UNJUDGED);
        unjudged += unknown;
        count[run->results[i].verdict] += !unknown;
    }
    size_t passed =
        count[VERDICT_PASSED] + count[VERDICT_FLAKY] + count[VERDICT_KNOWN];
    if (count[VERDICT_FAILED] || count[VERDICT_FIXED] ||
        (count[VERDICT_ERROR] && !bisect) ||
        (count[VERDICT_FLAKY] && !flaky_ok) ||
        (count[VERDICT_UNRUN] && !bisect && !unjudged))
        return EXIT_FAILED;
    if (bisect && (count[VERDICT_ERROR] || !passed))
        return EXIT_UNABLE;
    return unjudged ? EXIT_UNABLE : EXIT_PASSED;
}
