// SPDX-License-Identifier: Apache-2.0
// Is head slower than base in the exact rig? There a boot with the same seed is
// the same to the nanosecond: no noise of a host is between the two, but any
// change of an image changes the machine's state and so each instant after it
// by a little. How much that is, is what boots of one image with several seeds
// show: the floor of every verdict. Pure; any thread.
#pragma once

#include "harness/history/compare.h"

// For CPU times in nanoseconds: alpha 0.01 over all marks, min_effect 0.0005,
// floor 1 ms, target 0.001. An image that is a few bytes longer moved all seeds
// alike by up to 0.04 %, half of it at the first byte already: 0.4 ms is what
// the rig's kernel computes to give the guest two mebibytes, and whether it
// does is a matter of where things lie.
extern const struct compare_options exact_defaults;

// Fills out[0..marks). Run i of both has the same seed, no other run has it;
// both have the same marks. 0, -EINVAL (shapes, options) or -ENOMEM.
//
// A mark whose runs are equal to the last digit is CHANGE_IDENTICAL. Else it is
// slower or faster when p_adjusted <= alpha and the change is min_effect and
// floor or more. p is from two t tests of the logarithms (Student 1908), whose
// smaller p counts twice: of the mean difference against the spread between the
// seeds of both sides (2n - 2 degrees of freedom, right where another image's
// states have nothing to do with each other), and of the differences seed by
// seed against their own spread (n - 1; right where they have). p_adjusted is
// Holm's (1979). The interval is the narrower test's.
//
// base and head are means; dominance compares seed by seed; needed is a number
// of seeds. With two seeds a verdict is possible, with one it is too few.
int compare_exact(const struct run_table *base, const struct run_table *head,
                  const struct compare_options *options,
                  struct mark_comparison *out, struct error *err);
