#include "python/convert.h"

#include <pybind11/stl.h>

namespace py = pybind11;

namespace revlm::python {
namespace {

// The exception of revlm/_errors.py for an exit code of the program.
const char* ExceptionName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
    case ErrorCode::kInvalidArgument:
      return "RevUsageError";
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
    case ErrorCode::kCancelled:
      return "RevStoppedError";
    case ErrorCode::kBudgetExceeded:
      return "RevMemoryError";
    case ErrorCode::kInternal:
      return "RevError";
  }
  return "RevError";
}

// Text that may quote what is not UTF-8.
py::str Text(const std::string& text) {
  PyObject* const decoded = PyUnicode_DecodeUTF8(
      text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
  if (decoded == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(decoded);
}

// What the library says, in the words of this package.
py::object Said(const std::string& message) {
  return py::module_::import("revlm._errors")
      .attr("in_arguments")(Text(message));
}

// The name of a file, as os.fsdecode.
py::str Path(const std::string& path) {
  PyObject* const decoded = PyUnicode_DecodeFSDefaultAndSize(
      path.data(), static_cast<Py_ssize_t>(path.size()));
  if (decoded == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(decoded);
}

py::dict ToDict(const OperationResult& result) {
  py::dict dict;
  dict["model"] = Path(result.reference);
  dict["prompt"] = Text(result.prompt);
  dict["response"] = Text(result.text);
  dict["success"] = !result.error.has_value();
  dict["error"] = py::none();
  if (result.error) dict["error"] = Said(result.error->message);
  dict["attempts"] = result.attempts;
  dict["duration_seconds"] = result.duration_seconds;
  py::list logprobs;
  for (const TokenResult& token : result.tokens) {
    logprobs.append(static_cast<double>(token.logprob));
  }
  dict["logprobs"] = logprobs;
  dict["op_key"] = result.key;
  return dict;
}

py::dict ToDict(const BatchStatistics& statistics) {
  py::dict dict;
  dict["throughput"] = statistics.throughput;
  dict["duration_seconds"] = statistics.duration_seconds;
  dict["models_processed"] = statistics.models_processed;
  dict["prompts_processed"] = statistics.prompts_processed;
  dict["operations"] = statistics.operations;
  dict["succeeded"] = statistics.succeeded;
  dict["failed"] = statistics.failed;
  dict["retried"] = statistics.retried;
  dict["peak_memory_gb"] = statistics.peak_memory_gb;
  return dict;
}

}  // namespace

void Raise(const Error& error) {
  const py::object exception =
      py::module_::import("revlm._errors").attr(ExceptionName(error.code));
  PyErr_SetObject(exception.ptr(), Said(error.message).ptr());
  throw py::error_already_set();
}

py::dict ToDict(const MemorySnapshot& snapshot) {
  py::dict dict;
  dict["total_limit_gb"] = snapshot.total_limit_gb;
  dict["allocated_gb"] = snapshot.allocated_gb;
  dict["available_gb"] = snapshot.available_gb;
  dict["peak_gb"] = snapshot.peak_gb;
  dict["system_gb"] = snapshot.system_gb;
  dict["system_available_gb"] = snapshot.system_available_gb;
  return dict;
}

py::dict ToDict(const ExecutorStatus& status) {
  py::dict dict;
  dict["memory_status"] = ToDict(status.memory);
  dict["active_tasks"] = status.active_tasks;
  dict["completed_tasks"] = status.completed_tasks;
  dict["failed_tasks"] = status.failed_tasks;
  dict["is_shut_down"] = status.is_shut_down;
  return dict;
}

py::dict ToDict(const BatchResult& batch) {
  py::list results;
  for (const OperationResult& result : batch.results) {
    results.append(ToDict(result));
  }
  py::dict dict;
  dict["results"] = results;
  dict["statistics"] = ToDict(batch.statistics);
  dict["run_dir"] = Path(batch.run_dir);
  return dict;
}

Mode ModeFrom(const std::string& name) {
  if (name == "cross_product") return Mode::kCrossProduct;
  if (name == "paired") return Mode::kPaired;
  if (name == "broadcast") return Mode::kBroadcast;
  Raise({.code = ErrorCode::kInvalidArgument,
         .message = "mode: found " + name +
                    ", allowed are cross_product, paired and broadcast"});
}

void LogNotice(const RunEvent& event) {
  if (event.kind == RunEvent::Kind::kProgress) return;
  const py::gil_scoped_acquire acquired;
  try {
    const char* const level =
        event.kind == RunEvent::Kind::kNotice ? "info" : "debug";
    py::module_::import("logging").attr("getLogger")("revlm").attr(level)(
        "%s", Said(event.message));
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("revlm: logging a notice");
  }
}

}  // namespace revlm::python
