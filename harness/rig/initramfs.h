// SPDX-License-Identifier: Apache-2.0
// The rig's initramfs: this program as /init, the kernel's modules, the job,
// and what the exact rig's command finds.
#pragma once

#include "harness/rig/job.h"
#include "harness/rig/kernel.h"
#include "harness/rig/options.h"

// Builds it in memory for this kernel and the options' machine; fills the
// module counts of the job. Returns a memfd or a negative errno.
int initramfs_build(const struct kernel *kernel, const struct options *options,
                    struct job *job, struct error *err);
