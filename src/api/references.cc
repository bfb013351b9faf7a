#include "api/references.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "fingerprint/revfp.h"

namespace revlm {
namespace {

using fingerprint::Brief;
using fingerprint::Fingerprint;
using library::Access;
using library::Library;
using library::ReferenceEntry;

// `bytes`: its brief form; where there is none that can be read, the whole
// fingerprint is.
Result<Brief> ReadBrief(const Library& library, const ReferenceEntry& entry,
                        std::string_view bytes) {
  auto brief = fingerprint::BriefFromBytes(bytes, "of reference " + entry.name);
  if (brief) return brief;
  REVLM_ASSIGN_OR_RETURN(const Fingerprint whole,
                         ReadReference(library, entry.name));
  return fingerprint::BriefOf(whole);
}

}  // namespace

Status CheckLibrary(const std::string& library) {
  if (!library.empty()) return {};
  return base::MakeError(ErrorCode::kInvalidArgument,
                         "opening the library: it is not said where it is; "
                         "give --library");
}

Result<Library> OpenToWrite(const std::string& path) {
  const std::filesystem::path folder =
      std::filesystem::path(path).parent_path();
  std::error_code failed;
  if (!folder.empty()) std::filesystem::create_directories(folder, failed);
  if (failed) {
    return base::MakeError(
        failed == std::errc::no_space_on_device || failed == std::errc::io_error
            ? ErrorCode::kUnavailable
            : ErrorCode::kInvalidArgument,
        "making the folder of the library {}: {}; name with "
        "--library a file in a folder that can be written to",
        path, failed.message());
  }
  return Library::Open(path, Access::kWrite);
}

Result<Fingerprint> ParseReference(std::string_view revfp,
                                   const std::string& name) {
  return fingerprint::FromRevfp(revfp, "of reference " + name);
}

Result<Fingerprint> ReadReference(const Library& library,
                                  const std::string& name) {
  REVLM_ASSIGN_OR_RETURN(const auto entry, library.Find(name));
  if (!entry) {
    return base::MakeError(ErrorCode::kNotFound,
                           "reading the fingerprint of reference {}: it is no "
                           "longer there; try again",
                           name);
  }
  REVLM_ASSIGN_OR_RETURN(const std::string revfp, library.ReadRevfp(entry->id));
  return ParseReference(revfp, name);
}

bool IsOfOneReference(const Error& error) {
  return error.code == ErrorCode::kCorrupt ||
         error.code == ErrorCode::kUnsupported;
}

Result<Compared> CompareWithAll(const Fingerprint& target,
                                const Library& library,
                                const std::vector<std::string>& except) {
  for (const std::string& name : except) {
    REVLM_ASSIGN_OR_RETURN(const auto entry, library.Find(name));
    if (entry) continue;
    return base::MakeError(ErrorCode::kNotFound,
                           "leaving out {}: the library has no such reference",
                           name);
  }
  const Brief of_target = fingerprint::BriefOf(target);
  Compared compared;
  const Status done = library.ForEachBrief(
      [&](const ReferenceEntry& entry, const std::string& bytes) {
        if (std::ranges::find(except, entry.name) != except.end()) {
          return Status();
        }
        const Result<Brief> reference = ReadBrief(library, entry, bytes);
        if (reference) {
          compared.candidates.push_back(verify::CompareWith(
              of_target, entry.name, entry.family, *reference));
          compared.ids.push_back(entry.id);
        } else if (IsOfOneReference(reference.error())) {
          compared.unread.push_back({entry.name, reference.error().message});
        } else {
          return Status(std::unexpected(reference.error()));
        }
        return Status();
      });
  if (!done) return std::unexpected(done.error());
  return compared;
}

}  // namespace revlm
