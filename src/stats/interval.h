// The two limits of what is estimated; which, and how sure, says who gives it.
#pragma once

namespace revlm::stats {

struct Interval {
  double lower = 0;
  double upper = 1;
};

}  // namespace revlm::stats
