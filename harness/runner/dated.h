// SPDX-License-Identifier: Apache-2.0
// Lines of the kernel's log that programs print with the date in place of the
// kernel's clock: `journalctl -k`, a file of syslog, `dmesg -T`. The kernel
// itself never prints a date.
#pragma once

#include <stdbool.h>

// True for a line (NUL-terminated) that begins with a date and says that it is
// the kernel's:
//
//   Nov 28 15:00:00 host kernel: ...               syslog, journalctl
//   2026-11-28T15:00:00.123456+00:00 host kernel: ...
//   [Sat Nov 28 15:00:00 2026] ...                 dmesg -T
//   2026-11-28T15:00:00,123456+00:00 ...           dmesg --time-format iso
//   kern  :emerg : [Sat Nov 28 15:00:00 2026] ...  the same with -x
bool is_dated_kernel_line(const char *line);
