#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/json.h"
#include "revlm/report.h"
#include "run/op_record.h"

namespace revlm {
namespace {

using base::Json;
using report::Document;
using report::TextOrNull;

Json FingerprintToJson(const FingerprintSummary& fingerprint) {
  Json sites = Json::array();
  for (const RestrictionSite& site : fingerprint.sites) {
    sites.push_back({{"layer", site.layer},
                     {"change", site.change},
                     {"low", site.low},
                     {"high", site.high},
                     {"top_share", site.top_share}});
  }
  return {{"name", fingerprint.name},
          {"model_type", fingerprint.model_type},
          {"num_layers", fingerprint.num_layers},
          {"hidden_size", fingerprint.hidden_size},
          {"num_parameters", fingerprint.num_parameters},
          {"tensor_root", TextOrNull(fingerprint.tensor_root)},
          {"sha256", TextOrNull(fingerprint.sha256)},
          {"numerics", fingerprint.numerics},
          {"num_positions", fingerprint.num_positions},
          {"num_units", fingerprint.num_units},
          {"size_bytes", fingerprint.size_bytes},
          {"sites", std::move(sites)}};
}

Json UnreadToJson(const std::vector<UnreadReference>& unread) {
  Json json = Json::array();
  for (const UnreadReference& reference : unread) {
    json.push_back({{"name", reference.name}, {"reason", reference.reason}});
  }
  return json;
}

Json DepthToJson(const std::optional<uint32_t>& depth) {
  return depth ? Json(*depth) : Json();
}

Json MatchToJson(const ReferenceMatch& match) {
  Json json = {{"name", match.name},
               {"family", match.family},
               {"has_same_tensors", match.has_same_tensors},
               {"weights", nullptr},
               {"states", nullptr}};
  if (match.weights) {
    json["weights"] = {{"z", match.weights->z},
                       {"log_p", match.weights->log_p},
                       {"num_units", match.weights->num_units},
                       {"mean_cosine", match.weights->mean_cosine},
                       {"reference_layers", match.weights->reference_layers},
                       {"target_layers", match.weights->target_layers}};
  }
  if (match.states) {
    json["states"] = {
        {"num_positions", match.states->num_positions},
        {"mean_cka", match.states->mean_cka},
        {"different_bits", match.states->different_bits},
        {"cka", match.states->cka},
        {"first_other_bits", DepthToJson(match.states->first_other_bits)},
        {"first_apart", DepthToJson(match.states->first_apart)}};
  }
  return json;
}

}  // namespace

std::string RenderJson(const EnrollReport& report, int exit_code) {
  Json document = Document(kEnrollSchema, exit_code);
  document["fingerprint"] = FingerprintToJson(report.fingerprint);
  document["library"] = TextOrNull(report.library);
  document["family"] = TextOrNull(report.family);
  document["is_family_named"] = report.is_family_named;
  document["derived_from"] = TextOrNull(report.derived_from);
  document["unread"] = UnreadToJson(report.unread);
  document["output_file"] = TextOrNull(report.output_file);
  return run::ToLine(document);
}

std::string RenderJson(const IdentifyReport& report, int exit_code) {
  Json document = Document(kIdentifySchema, exit_code);
  document["target"] = FingerprintToJson(report.target);
  document["match"] = report.match ? MatchToJson(*report.match) : Json();
  document["candidates"] = Json::array();
  for (const ReferenceMatch& candidate : report.candidates) {
    document["candidates"].push_back(MatchToJson(candidate));
  }
  document["unread"] = UnreadToJson(report.unread);
  document["alpha"] = report.alpha;
  document["z_needed"] = report.z_needed;
  document["left_out"] = {{"num_trials", report.num_left_out},
                          {"num_false_matches", report.num_false_matches},
                          {"rate_limit", report.false_match_limit}};
  return run::ToLine(document);
}

std::string RenderJson(const LibraryReport& report, int exit_code) {
  Json document = Document(kLibrarySchema, exit_code);
  document["library"] = report.library;
  document["references"] = Json::array();
  for (const auto& reference : report.references) {
    document["references"].push_back(
        {{"name", reference.name},
         {"family", reference.family},
         {"is_family_named", reference.is_family_named},
         {"enrolled", reference.enrolled_utc},
         {"defect", TextOrNull(reference.defect)},
         {"fingerprint", reference.defect.empty()
                             ? FingerprintToJson(reference.fingerprint)
                             : Json()}});
  }
  document["sightings"] = Json::array();
  for (const auto& sighting : report.sightings) {
    document["sightings"].push_back({{"seen", sighting.seen_utc},
                                     {"target", sighting.target},
                                     {"tensor_root", sighting.tensor_root},
                                     {"match", TextOrNull(sighting.match)},
                                     {"nearest", TextOrNull(sighting.nearest)},
                                     {"log_p", sighting.log_p},
                                     {"mean_cka", sighting.mean_cka}});
  }
  return run::ToLine(document);
}

}  // namespace revlm
