// SPDX-License-Identifier: Apache-2.0
// The table of report formats. See reports.h.
#include "harness/report/reports.h"

#include "harness/report/html.h"
#include "harness/report/json_lines.h"
#include "harness/report/output.h"
#include "harness/report/summary.h"
#include "harness/report/tap.h"

static int write_junit(FILE *f, const void *owner)
{
    const struct report_run *run = owner;
    return junit_print(f, &run->results);
}

static const struct {
    const char *name;
    int (*write)(FILE *f, const void *run);
} formats[] = {
    [REPORT_JUNIT] = {"junit", write_junit},
    [REPORT_JSON] = {"json", json_lines_print},
    [REPORT_TAP] = {"tap", tap_print},
    [REPORT_HTML] = {"html", html_print},
    [REPORT_SUMMARY] = {"summary", summary_print},
};

const char *report_name(enum report_kind kind)
{
    return formats[kind].name;
}

int report_write(enum report_kind kind, const char *path,
                 const struct report_run *run, struct error *err)
{
    // A CI's page of a run is there already, and others write to it, too.
    if (kind == REPORT_SUMMARY)
        return output_append(path, formats[kind].write, run, err);
    return output_write(path, formats[kind].write, run, err);
}
