// A result that nobody looks at does not compile.
// EXPECT: nodiscard
#include "revlm/error.h"

namespace revlm {

Result<int> Answer();

int Ask() {
#ifdef REVLM_MUST_NOT_COMPILE
  Answer();
#endif
  return Answer().value_or(0);
}

}  // namespace revlm
