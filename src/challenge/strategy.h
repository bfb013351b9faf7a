// Which prompt systems there are, and which of them give how much.
//
// Shares in percent, relative to the sum of those enabled:
//
//                   pot  kdf  evolutionary  dynamic  hierarchical
//   balanced         30   20            20       20            10
//   adversarial      10   45            25       10            10
//   behavioral       15   10            15       35            25
//   comprehensive    20   20            20       20            20
//
// The focus is how many prompts are taken in their system's own order, which
// spreads them, rather than by what they promise: coverage three of four,
// balanced one of four, separation one of eight. It also is how much of the
// shares stays as above once outcomes move them (`shares.h`): all, a quarter,
// an eighth.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace revlm::challenge {

enum class SystemKind : uint8_t {
  kPot,
  kKdf,
  kEvolutionary,
  kDynamic,
  kHierarchical,
};
inline constexpr size_t kNumSystemKinds = 5;

enum class Strategy : uint8_t {
  kBalanced,
  kAdversarial,
  kBehavioral,
  kComprehensive,
};
inline constexpr size_t kNumStrategies = 4;

enum class Focus : uint8_t { kCoverage, kSeparation, kBalanced };
inline constexpr size_t kNumFocuses = 3;

// "pot", "balanced", "coverage" and so on: what flags and files say.
std::string_view SystemKindName(SystemKind kind);
std::string_view StrategyName(Strategy strategy);
std::string_view FocusName(Focus focus);

// By SystemKind.
const std::array<int, kNumSystemKinds>& SharesOf(Strategy strategy);

// How many of eight prompts come from systems by the shares above, whatever
// these bring.
int EighthsByStrategy(Focus focus);

// Whether the prompt that comes after `num_given` others of its system is taken
// in the system's own order.
bool IsInOwnOrder(Focus focus, size_t num_given);

}  // namespace revlm::challenge
