#include "challenge/strategy.h"

namespace revlm::challenge {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, kNumSystemKinds> kSystemKindNames = {
    "pot", "kdf", "evolutionary", "dynamic", "hierarchical"};
constexpr std::array<std::string_view, kNumStrategies> kStrategyNames = {
    "balanced", "adversarial", "behavioral", "comprehensive"};
constexpr std::array<std::string_view, kNumFocuses> kFocusNames = {
    "coverage", "separation", "balanced"};

using Shares = std::array<int, kNumSystemKinds>;
constexpr std::array<Shares, kNumStrategies> kShares = {{{30, 20, 20, 20, 10},
                                                         {10, 45, 25, 10, 10},
                                                         {15, 10, 15, 35, 25},
                                                         {20, 20, 20, 20, 20}}};

}  // namespace

std::string_view SystemKindName(SystemKind kind) {
  return kSystemKindNames[static_cast<size_t>(kind)];
}

std::string_view StrategyName(Strategy strategy) {
  return kStrategyNames[static_cast<size_t>(strategy)];
}

std::string_view FocusName(Focus focus) {
  return kFocusNames[static_cast<size_t>(focus)];
}

const Shares& SharesOf(Strategy strategy) {
  return kShares[static_cast<size_t>(strategy)];
}

int EighthsByStrategy(Focus focus) {
  switch (focus) {
    case Focus::kCoverage:
      return 8;
    case Focus::kSeparation:
      return 1;
    case Focus::kBalanced:
      break;
  }
  return 2;
}

bool IsInOwnOrder(Focus focus, size_t num_given) {
  switch (focus) {
    case Focus::kCoverage:
      return num_given % 4 != 3;
    case Focus::kSeparation:
      return num_given % 8 == 0;
    case Focus::kBalanced:
      break;
  }
  return num_given % 4 == 0;
}

}  // namespace revlm::challenge
