// SPDX-License-Identifier: Apache-2.0
// The part of bench-truth that judges boots of the exact rig.
#pragma once

// Prints what compare_exact makes of the boots in a file, a line each:
//
//   IMAGE EFFECT SEED NANOSECONDS...
//
// IMAGE is a word, the first one's is what others are compared with; images are
// alike in all that matters but for EFFECT: what was injected, in per cent of
// the last of the marks whose CPU times follow. Returns an exit code.
int truth_exact(const char *path);
