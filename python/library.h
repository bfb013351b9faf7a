// The library of references for Python: enroll, identify and what is kept, each
// as the document of the command with --json.
#pragma once

#include <pybind11/pybind11.h>

namespace revlm::python {

void BindLibrary(pybind11::module_& module);

}  // namespace revlm::python
