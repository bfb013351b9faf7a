// The extension revlm._revlm: the executors of revlm/parallel.h for Python.
//
// It knows no policy: names, defaults and checks of arguments are in the
// Python layer beside it (python/revlm), typed by _revlm.pyi.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "python/convert.h"
#include "python/interruptible.h"
#include "python/library.h"
#include "python/options.h"
#include "revlm/compare.h"
#include "revlm/parallel.h"
#include "revlm/prompts.h"
#include "revlm/report.h"
#include "revlm/verify_text.h"
#include "revlm/version.h"

namespace py = pybind11;

namespace revlm::python {
namespace {

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
  run.environment =
      EnvironmentFrom(Get<std::vector<std::string>>(from, "environment"));
  // Notices are the run's; who wants them listens to Python's logging.
  run.on_event = LogNotice;
  return run;
}

// MemoryConfig as it crosses from Python: total, of a process, buffer.
using MemoryFigures = std::tuple<double, double, double>;

MemoryConfig ConfigFrom(const MemoryFigures& figures) {
  const auto [total_limit_gb, per_process_gb, buffer_gb] = figures;
  return {.total_limit_gb = total_limit_gb,
          .per_process_gb = per_process_gb,
          .buffer_gb = buffer_gb};
}

// What `call` returns, while other Python threads go on.
template <typename Call>
auto WithoutLock(Call call) {
  const py::gil_scoped_release released;
  return call();
}

// An executor that lets other Python threads go on while it works, and lets
// signal handlers run.
py::dict Process(ParallelExecutor& executor, std::vector<std::string> models,
                 std::vector<std::string> prompts, const std::string& mode,
                 const py::object& batch_size) {
  std::stop_source stop;
  const Batch batch = {
      .models = std::move(models),
      .prompts = std::move(prompts),
      .mode = ModeFrom(mode),
      .batch_size = As<std::optional<int32_t>>(batch_size, "batch_size"),
      .stop = stop.get_token()};
  return ToDict(
      Unwrap(Interruptible(stop, [&] { return executor.Process(batch); })));
}

// How prompts are made, as the Python layer gives it; nothing: None.
std::optional<PromptOrchestration> OrchestrationFrom(const py::object& from) {
  if (from.is_none()) return std::nullopt;
  const auto how = As<py::dict>(from, "orchestration");
  return Unwrap(NamedOrchestration(
      Get<std::vector<std::string>>(how, "systems"),
      Get<std::string>(how, "strategy"), Get<std::string>(how, "focus")));
}

// The document of `revlm prompts --json`.
py::str MakePromptsFrom(int32_t challenges, uint64_t seed,
                        const py::object& orchestration) {
  PromptsOptions options;
  options.num_prompts = challenges;
  options.seed = seed;
  options.orchestration =
      OrchestrationFrom(orchestration).value_or(PromptOrchestration());
  return RenderJson(Unwrap(WithoutLock([&] { return MakePrompts(options); })),
                    0);
}

CompareOptions CompareOptionsFrom(const py::dict& from) {
  CompareOptions options;
  options.models = Get<std::vector<std::string>>(from, "models");
  options.prompts = Get<std::vector<std::string>>(from, "prompts");
  options.num_challenges = Get<std::optional<int32_t>>(from, "challenges");
  options.orchestration = OrchestrationFrom(from["orchestration"]);
  options.seed = Get<uint64_t>(from, "seed");
  options.same_nats = Get<double>(from, "epsilon");
  options.alpha = Get<double>(from, "alpha");
  options.memory_limit_bytes = LimitFrom(from);
  options.output_dir = Get<std::string>(from, "output_dir");
  options.environment =
      EnvironmentFrom(Get<std::vector<std::string>>(from, "environment"));
  options.on_event = LogNotice;
  return options;
}

// The document of `revlm compare --json`.
py::str CompareModels(const py::dict& from) {
  CompareOptions options = CompareOptionsFrom(from);
  std::stop_source stop;
  options.stop = stop.get_token();
  return RenderJson(
      Unwrap(Interruptible(stop, [&] { return Compare(options); })),
      kCompareSchema, 0);
}

// The document of `revlm verify --json`, by texts.
py::str VerifyTexts(const py::dict& from) {
  VerifyTextOptions options;
  options.compare = CompareOptionsFrom(from);
  options.answers = Get<std::string>(from, "answers");
  using Given = std::tuple<std::string, std::string, std::vector<int32_t>>;
  for (auto& [prompt, text, ids] : Get<std::vector<Given>>(from, "given")) {
    options.given.push_back({prompt, text, ids});
  }
  options.target = Get<std::string>(from, "target");
  options.known = Get<bool>(from, "text_only") ? Known::kText : Known::kTokens;
  options.alternatives = Get<std::vector<std::string>>(from, "alternatives");
  options.max_tokens = Get<std::optional<int32_t>>(from, "max_tokens");
  options.temperature = Get<std::optional<double>>(from, "temperature");
  options.top_k = Get<std::optional<int32_t>>(from, "top_k");
  options.top_p = Get<std::optional<double>>(from, "top_p");
  options.num_own_answers = Get<std::optional<int32_t>>(from, "own_answers");
  std::stop_source stop;
  options.compare.stop = stop.get_token();
  return RenderJson(
      Unwrap(Interruptible(stop, [&] { return VerifyText(options); })),
      kVerifySchema, 0);
}

void BindMemory(py::module_& module) {
  module.def(
      "check_memory_config",
      [](const MemoryFigures& figures) {
        Unwrap(CheckMemoryConfig(ConfigFrom(figures)));
      },
      py::arg("memory"));
  module.def(
      "max_processes",
      [](const MemoryFigures& figures) {
        return ConfigFrom(figures).max_processes();
      },
      py::arg("memory"));
  module.def(
      "memory_for_limit",
      [](double total_limit_gb) {
        const MemoryConfig config = MemoryConfigFor(total_limit_gb);
        return MemoryFigures(config.total_limit_gb, config.per_process_gb,
                             config.buffer_gb);
      },
      py::arg("total_limit_gb"));
  module.def(
      "memory_snapshot",
      [](double total_limit_gb) {
        const MemoryMonitor monitor =
            Unwrap(MemoryMonitor::Create(total_limit_gb));
        return ToDict(WithoutLock([&] { return monitor.Snapshot(); }));
      },
      py::arg("total_limit_gb"));
}

// Objects of the class come from a function of the module alone: one that
// Python made itself would have nothing inside.
void ForbidNew(const py::object& type) {
  reinterpret_cast<PyTypeObject*>(type.ptr())->tp_new =
      [](PyTypeObject* self, PyObject*, PyObject*) -> PyObject* {
    PyErr_Format(PyExc_TypeError, "%s: cannot be made by itself; use revlm",
                 self->tp_name);
    return nullptr;
  };
}

void BindExecutors(py::module_& module) {
  py::class_<ParallelExecutor> executor(module, "Executor");
  executor
      .def("process", &Process, py::arg("models"), py::arg("prompts"),
           py::arg("mode"), py::arg("batch_size"))
      .def("get_status",
           [](const ParallelExecutor& self) {
             return ToDict(WithoutLock([&] { return self.GetStatus(); }));
           })
      .def("shutdown", &ParallelExecutor::Shutdown,
           py::call_guard<py::gil_scoped_release>());
  ForbidNew(executor);
  py::class_<AdaptiveParallelExecutor, ParallelExecutor> adaptive(
      module, "AdaptiveExecutor");
  adaptive
      .def_property_readonly("max_workers",
                             &AdaptiveParallelExecutor::max_workers)
      .def_property_readonly("optimal_workers",
                             &AdaptiveParallelExecutor::OptimalWorkers)
      .def_property_readonly("adaptation_interval",
                             &AdaptiveParallelExecutor::adaptation_interval);
  ForbidNew(adaptive);
  module.def(
      "make_executor",
      [](const MemoryFigures& memory, const py::dict& run) {
        return Unwrap(ParallelExecutor::Create(
            {.memory = ConfigFrom(memory), .run = RunOptionsFrom(run)}));
      },
      py::arg("memory"), py::arg("run"));
  module.def(
      "make_adaptive_executor",
      [](const MemoryFigures& memory, const py::dict& run,
         int32_t adaptation_interval) {
        return Unwrap(AdaptiveParallelExecutor::Create(
            {.memory = ConfigFrom(memory), .run = RunOptionsFrom(run)},
            adaptation_interval));
      },
      py::arg("memory"), py::arg("run"), py::arg("adaptation_interval"));
}

}  // namespace

PYBIND11_MODULE(_revlm, module) {
  module.attr("__version__") = std::string(kVersion);
  BindMemory(module);
  BindExecutors(module);
  module.def("compare", &CompareModels, py::arg("options"));
  BindLibrary(module);
  module.def("verify_text", &VerifyTexts, py::arg("options"));
  module.def(
      "make_prompts",
      [](const py::object& challenges, const py::object& seed,
         const py::object& orchestration) {
        return MakePromptsFrom(As<int32_t>(challenges, "challenges"),
                               As<uint64_t>(seed, "seed"), orchestration);
      },
      py::arg("challenges"), py::arg("seed"), py::arg("orchestration"));
}

}  // namespace revlm::python
