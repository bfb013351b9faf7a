#include "python/library.h"

#include <pybind11/stl.h>

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "python/convert.h"
#include "python/interruptible.h"
#include "python/options.h"
#include "revlm/library.h"
#include "revlm/report.h"

namespace py = pybind11;

namespace revlm::python {
namespace {

FingerprintSource SourceFrom(const py::dict& from) {
  FingerprintSource source;
  source.target = Get<std::string>(from, "target");
  source.library = Get<std::string>(from, "library");
  source.memory_limit_bytes = LimitFrom(from);
  source.environment =
      EnvironmentFrom(Get<std::vector<std::string>>(from, "environment"));
  source.on_event = LogNotice;
  return source;
}

py::str EnrollModel(const py::dict& from) {
  EnrollOptions options;
  options.from = SourceFrom(from);
  options.name = Get<std::string>(from, "name");
  options.family = Get<std::string>(from, "family");
  options.replace = Get<bool>(from, "replace");
  options.output_file = Get<std::string>(from, "output_file");
  std::stop_source stop;
  options.from.stop = stop.get_token();
  return RenderJson(
      Unwrap(Interruptible(stop, [&] { return Enroll(options); })), 0);
}

py::str IdentifyModel(const py::dict& from) {
  IdentifyOptions options;
  options.from = SourceFrom(from);
  options.probe = Get<bool>(from, "light") ? Probe::kLight : Probe::kDeep;
  options.alpha = Get<double>(from, "alpha");
  options.except = Get<std::vector<std::string>>(from, "exclude");
  options.keep_sighting = Get<bool>(from, "keep_sighting");
  std::stop_source stop;
  options.from.stop = stop.get_token();
  return RenderJson(
      Unwrap(Interruptible(stop, [&] { return Identify(options); })), 0);
}

py::str ListAll(const std::string& library) {
  LibraryOptions options;
  options.library = library;
  const auto list = [&] {
    const py::gil_scoped_release released;
    return ListLibrary(options);
  };
  return RenderJson(Unwrap(list()), 0);
}

}  // namespace

void BindLibrary(py::module_& module) {
  module.def("enroll", &EnrollModel, py::arg("options"));
  module.def("identify", &IdentifyModel, py::arg("options"));
  module.def("list_library", &ListAll, py::arg("library"));
}

}  // namespace revlm::python
