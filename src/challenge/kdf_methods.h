// The methods of prompt system kdf, by class.
//
// They are version 1: whoever changes what one writes makes a new version, see
// `kKdf`.
//
// Threads: pure functions. Errors: none. Determinism: a text is a function of
// the draws and the strength.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "challenge/draw.h"

namespace revlm::challenge {

struct KdfMethod {
  std::string_view name;  // unlike that of any other method
  std::string_view reason;
  std::string (*write)(Draws& draws, uint64_t strength);  // 1 to kNumLevels
};

struct KdfClass {
  std::string_view name;
  std::span<const KdfMethod> methods;
};
std::span<const KdfClass> KdfClasses();

// The methods of each class, in files of their own.
std::span<const KdfMethod> PerturbationMethods();
std::span<const KdfMethod> EncodingMethods();
std::span<const KdfMethod> UnicodeMethods();
std::span<const KdfMethod> ConflictMethods();
std::span<const KdfMethod> LongContextMethods();
std::span<const KdfMethod> FormatTrapMethods();

}  // namespace revlm::challenge
