// A status that nobody looks at does not compile.
// EXPECT: nodiscard
#include "revlm/error.h"

namespace revlm {

Status Save();

bool SaveAndTell() {
#ifdef REVLM_MUST_NOT_COMPILE
  Save();
#endif
  return Save().has_value();
}

}  // namespace revlm
