// SPDX-License-Identifier: Apache-2.0
// A case's recording. See recording.h.
#include "harness/suite/recording.h"

#include "harness/recording/cast.h"
#include "harness/suite/suite.h"

void case_recording_begin(struct case_recording *c, struct run_options *run,
                          const struct result *about)
{
    if (c->path)
        c->recorder = recorder_begin(c->path, run, about, &c->error);
}

int case_recording_end(struct case_recording *c, struct result *result)
{
    bool begun = c->recorder != NULL;
    int failed = recorder_end(c->recorder, result, &c->error);
    c->recorder = NULL;
    if (begun && !failed)
        cast_files(c->path, &c->error);
    if (!*c->error.text)
        return 0;
    int code =
        result_add_note(result, false, result->duration_ns, NULL,
                        "the run was not recorded whole: %s", c->error.text);
    return code ? code
                : result_add_property(result, RECORDING_ERROR, c->error.text);
}
