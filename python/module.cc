// The extension revlm._revlm: the executors of revlm/parallel.h for Python.
//
// It knows no policy: names, defaults and checks of arguments are in the
// Python layer beside it (python/revlm), typed by _revlm.pyi.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "python/convert.h"
#include "python/interruptible.h"
#include "revlm/parallel.h"
#include "revlm/version.h"

namespace py = pybind11;

namespace revlm::python {
namespace {

// The member `name` of the options, or RevUsageError.
template <typename T>
T Get(const py::dict& from, const char* name) {
  try {
    return from[name].cast<T>();
  } catch (const py::cast_error&) {
    Raise({.code = ErrorCode::kInvalidArgument,
           .message = py::str("{}: found {!r}, which is of another kind or out "
                              "of its range")
                          .format(name, from[name])
                          .cast<std::string>()});
  }
}

// What every call has in common, as the Python layer gives it.
RunOptions RunOptionsFrom(const py::dict& from) {
  RunOptions run;
  run.output_dir = Get<std::string>(from, "output_dir");
  run.runs_dir = Get<std::string>(from, "runs_dir");
  run.priority = Get<int32_t>(from, "priority");
  run.max_tokens = Get<int32_t>(from, "max_tokens");
  run.sampling.temperature = Get<float>(from, "temperature");
  run.sampling.top_k = Get<int32_t>(from, "top_k");
  run.sampling.top_p = Get<float>(from, "top_p");
  run.sampling.seed = Get<uint64_t>(from, "seed");
  run.num_workers = Get<std::optional<int32_t>>(from, "workers");
  run.max_retries = Get<int32_t>(from, "max_retries");
  run.circuit_breaker = Get<bool>(from, "circuit_breaker");
  run.adaptive = Get<bool>(from, "adaptive");
  run.environment = EnvironmentFrom(from["environment"].cast<py::dict>());
  // Notices are the run's; who wants them listens to Python's logging.
  run.on_event = LogNotice;
  return run;
}

// An executor that lets other Python threads go on while it works, and lets
// signal handlers run.
template <typename Executor>
py::dict Process(Executor& executor, std::vector<std::string> models,
                 std::vector<std::string> prompts, const std::string& mode,
                 std::optional<int32_t> batch_size) {
  std::stop_source stop;
  const Batch batch = {.models = std::move(models),
                       .prompts = std::move(prompts),
                       .mode = ModeFrom(mode),
                       .batch_size = batch_size,
                       .stop = stop.get_token()};
  return ToDict(
      Unwrap(Interruptible(stop, [&] { return executor.Process(batch); })));
}

void BindMemory(py::module_& module) {
  py::class_<MemoryConfig>(module, "MemoryConfig")
      .def(py::init([](double total_limit_gb, double per_process_gb,
                       double buffer_gb) {
             const MemoryConfig config = {.total_limit_gb = total_limit_gb,
                                          .per_process_gb = per_process_gb,
                                          .buffer_gb = buffer_gb};
             Unwrap(CheckMemoryConfig(config));
             return config;
           }),
           py::arg("total_limit_gb") = MemoryConfig().total_limit_gb,
           py::arg("per_process_gb") = MemoryConfig().per_process_gb,
           py::arg("buffer_gb") = MemoryConfig().buffer_gb)
      .def_static(
          "for_limit",
          [](double total_limit_gb) {
            const MemoryConfig config = MemoryConfigFor(total_limit_gb);
            Unwrap(CheckMemoryConfig(config));
            return config;
          },
          py::arg("total_limit_gb"))
      .def_readonly("total_limit_gb", &MemoryConfig::total_limit_gb)
      .def_readonly("per_process_gb", &MemoryConfig::per_process_gb)
      .def_readonly("buffer_gb", &MemoryConfig::buffer_gb)
      .def_property_readonly("max_processes", &MemoryConfig::max_processes)
      .def("__eq__",
           [](const MemoryConfig& self, const py::object& other) {
             return py::isinstance<MemoryConfig>(other) &&
                    self == other.cast<const MemoryConfig&>();
           })
      .def("__hash__",
           [](const MemoryConfig& self) {
             return py::hash(py::make_tuple(
                 self.total_limit_gb, self.per_process_gb, self.buffer_gb));
           })
      .def("__repr__", [](const MemoryConfig& self) {
        return py::str(
                   "MemoryConfig(total_limit_gb={}, per_process_gb={}, "
                   "buffer_gb={})")
            .format(self.total_limit_gb, self.per_process_gb, self.buffer_gb);
      });
  py::class_<MemoryMonitor>(module, "MemoryMonitor")
      .def(py::init([](double total_limit_gb) {
             return Unwrap(MemoryMonitor::Create(total_limit_gb));
           }),
           py::arg("total_limit_gb") = MemoryConfig().total_limit_gb)
      .def("get_available_memory", &MemoryMonitor::GetAvailableMemory)
      .def("get_system_memory", &MemoryMonitor::GetSystemMemory)
      .def("snapshot",
           [](const MemoryMonitor& self) { return ToDict(self.Snapshot()); });
}

void BindExecutors(py::module_& module) {
  py::class_<ParallelExecutor>(module, "Executor")
      .def(py::init([](const MemoryConfig& memory, const py::dict& run) {
             return Unwrap(ParallelExecutor::Create(
                 {.memory = memory, .run = RunOptionsFrom(run)}));
           }),
           py::arg("memory"), py::arg("run"))
      .def("process", &Process<ParallelExecutor>, py::arg("models"),
           py::arg("prompts"), py::arg("mode"), py::arg("batch_size"))
      .def(
          "get_status",
          [](const ParallelExecutor& self) { return ToDict(self.GetStatus()); })
      .def("shutdown", &ParallelExecutor::Shutdown,
           py::call_guard<py::gil_scoped_release>());
  py::class_<AdaptiveParallelExecutor, ParallelExecutor>(module,
                                                         "AdaptiveExecutor")
      .def(py::init([](const MemoryConfig& memory, const py::dict& run,
                       int32_t adaptation_interval) {
             return Unwrap(AdaptiveParallelExecutor::Create(
                 {.memory = memory, .run = RunOptionsFrom(run)},
                 adaptation_interval));
           }),
           py::arg("memory"), py::arg("run"), py::arg("adaptation_interval"))
      .def_property_readonly("max_workers",
                             &AdaptiveParallelExecutor::max_workers)
      .def_property_readonly("optimal_workers",
                             &AdaptiveParallelExecutor::OptimalWorkers)
      .def_property_readonly("adaptation_interval",
                             &AdaptiveParallelExecutor::adaptation_interval);
}

}  // namespace

PYBIND11_MODULE(_revlm, module) {
  module.attr("__version__") = std::string(kVersion);
  BindMemory(module);
  BindExecutors(module);
}

}  // namespace revlm::python
