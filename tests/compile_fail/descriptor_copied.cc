// A file descriptor has one owner: it moves and does not copy.
// EXPECT: deleted
#include <utility>

#include "base/file.h"

namespace revlm::base {

Descriptor Take(Descriptor& from) {
#ifdef REVLM_MUST_NOT_COMPILE
  Descriptor copy = from;
#endif
  return std::move(from);
}

}  // namespace revlm::base
