// Arithmetic whose bits decide which prompt comes next: the same on every
// machine, because it is IEEE addition, multiplication, division and square
// root, in an order that is written out, in a module compiled without
// contraction. The C library's logarithm is not: its last bit differs between
// versions and processors.
//
// Threads: pure functions, and draws. Errors: none.
#pragma once

#include "challenge/draw.h"

namespace revlm::challenge {

// The logarithm of `x` to base 2, to within 1e-13. REQUIRES: finite, above 0.
double PortableLog2(double x);

// Nearly normal, mean 0 and variance 1: the sum of twelve uniform draws.
double DrawNearlyNormal(Draws& draws);

}  // namespace revlm::challenge
