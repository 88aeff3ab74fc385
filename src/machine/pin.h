// SPDX-License-Identifier: Apache-2.0
// Threads that are to stay on one CPU of the host. Private to src/machine.
#pragma once

#include "src/toyvmm.h"

#include <pthread.h>

// Makes attr (initialized) one of threads that begin, and stay, where pin says;
// nothing when it is not set. 0 or a positive errno. What pthread_create then
// says to a CPU that does not exist is EINVAL.
int pin_attr(pthread_attr_t *attr, struct toyvmm_pin pin);
