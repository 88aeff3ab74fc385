// SPDX-License-Identifier: Apache-2.0
// The thread of a loop inside of its list. That all of a loop works there is
// what loop_sources.c shows.
#include "src/loop/loop.h"
#include "src/tests/guard_fixture.h"

TestSuite(loop_sandbox, .init = guard_needs_a_sandbox);

Test(loop_sandbox, a_call_against_the_list)
{
    for (enum sandbox_thread kind = SANDBOX_LOOP; kind <= SANDBOX_LOOP_CONNECTS;
         kind++) {
        struct guard_log log;
        struct error err = {""};
        guard_log_begin(&log, guard_call_out);
        const struct guard_seat seat =
            guard_log_seat(&log, kind, "the network");
        struct loop *loop = loop_new(&seat, &err);
        cr_assert_not_null(loop, "%s", err.text);
        loop_free(loop);
        guard_log_end_caught(&log, "the network");
    }
}
