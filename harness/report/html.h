// SPDX-License-Identifier: Apache-2.0
// A run as one HTML page that needs nothing else: no network, no script. Each
// boot is a timeline with its phases to scale. Used by the table of reports.
#pragma once

#include <stdio.h>

// owner is a struct report_run. The page is well-formed as XML, too. Of long
// consoles and of very many scenarios it has the ends: what is left out says
// so. Returns 0 or a negative errno.
int html_print(FILE *f, const void *owner);
