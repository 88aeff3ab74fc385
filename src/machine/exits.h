// SPDX-License-Identifier: Apache-2.0
// What an exit says with which KVM gives up on a guest, in one sentence.
// Private to src/machine.
#pragma once

#include "src/machine/vcpu.h"

#include <stddef.h>

// Describes vcpu->run->exit_reason: KVM_EXIT_INTERNAL_ERROR with its suberror
// and the instruction's bytes, KVM_EXIT_FAIL_ENTRY with the hardware's reason,
// any other by number. vCPU thread.
void exits_describe(const struct vcpu *vcpu, const struct guest_memory *mem,
                    char *out, size_t size);
