// Fingerprints of models, a library of them, and which of its references a
// model comes from.
//
//   revlm::EnrollOptions enroll;
//   enroll.from.target = "./my-model";
//   enroll.from.library = "library.sqlite";
//   auto enrolled = revlm::Enroll(enroll);
//
//   revlm::IdentifyOptions options;
//   options.from = {.target = "./a-model", .library = "library.sqlite"};
//   auto report = revlm::Identify(options);
//   if (report && report->match) puts(report->match->name.c_str());
//
// A target is a model reference, or `ref:` and what is stored: a .revfp file,
// or the name of a reference of the library.
//
// Threads: calls may be made from many threads, also for one library: changes
// wait for each other. Memory: a model runs in this process within
// `memory_limit_bytes`. Errors: those of models (revlm/run.h); kNotFound,
// kInvalidArgument (a name that is taken), kCorrupt (a damaged fingerprint or
// library), kUnavailable (a library in use for too long, I/O). Determinism: a
// fingerprint depends on the model and the numerics class only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "revlm/environment.h"
#include "revlm/error.h"
#include "revlm/event.h"
#include "revlm/run.h"

namespace revlm {

// Where a fingerprint comes from.
struct FingerprintSource {
  std::string target;
  std::string library;  // its file; empty: none
  Dtype dtype = Dtype::kAuto;
  // How it is made; never changes it.
  int32_t num_threads = 0;  // 0: one for each CPU this process may use
  std::optional<int32_t> batch_size;
  bool keep_weights = true;
  std::optional<uint64_t> memory_limit_bytes;
  bool memory_strict = false;
  Environment environment;
  std::stop_token stop;
  std::function<void(const RunEvent&)> on_event;  // may be empty
};

// A layer whose states change most, with the middle 90 % of half-samples.
struct RestrictionSite {
  uint32_t layer = 0;
  double change = 0;  // 1 - CKA across the layer
  double low = 0;
  double high = 0;
  double top_share = 0;  // of half-samples that have it among the largest
};

struct FingerprintSummary {
  std::string name;
  std::string model_type;
  uint32_t num_layers = 0;
  uint32_t hidden_size = 0;
  uint64_t num_parameters = 0;
  std::string tensor_root;  // 64 hex
  std::string sha256;       // of its .revfp
  std::string numerics;
  uint32_t num_positions = 0;  // of the challenge set that have a token's end
  uint32_t num_units = 0;      // of weights, with a sign each
  uint64_t size_bytes = 0;     // of its .revfp
  std::vector<RestrictionSite> sites;
};

// A reference of the library that was passed over.
struct UnreadReference {
  std::string name;
  std::string reason;  // its fingerprint is damaged, or of another version
};

struct EnrollOptions {
  FingerprintSource from;
  std::string name;         // empty: the model's
  std::string family;       // empty: that of the reference that it replaces, or
                            // comes from, or its own name
  bool replace = false;     // a reference of that name, if there is one
  std::string output_file;  // a .revfp to write; empty: none
};

struct EnrollReport {
  FingerprintSummary fingerprint;
  std::string library;  // empty: not added to one
  std::string family;
  bool is_family_named = false;  // by the user
  std::string derived_from;      // a reference of the same weights; empty: none
  std::vector<UnreadReference> unread;  // not compared with
  std::string output_file;
};

Result<EnrollReport> Enroll(const EnrollOptions& options);

// How much of the target is looked at.
enum class Probe {
  kDeep,   // its whole fingerprint
  kLight,  // query and key weights of an eighth of its layers; no prompt is run
};

struct IdentifyOptions {
  FingerprintSource from;
  Probe probe = Probe::kDeep;
  // The most a model that was trained independently of all references is
  // matched with any.
  double alpha = 1e-4;
  std::vector<std::string> except;  // references that are left out
  bool keep_sighting = true;        // note in the library what was found
};

// A reference beside the target.
struct ReferenceMatch {
  std::string name;
  std::string family;
  bool has_same_tensors = false;
  // Of weights; absent: heads of another shape have none in common.
  struct Weights {
    double z = 0;
    double log_p = 0;  // ln of the bound on a false match
    uint32_t num_units = 0;
    double mean_cosine = 0;
    // Layers that go together, of the reference and of the target.
    std::vector<uint32_t> reference_layers;
    std::vector<uint32_t> target_layers;
  };
  std::optional<Weights> weights;
  // Of states; absent: of another challenge set, or not among the closest: the
  // ten best candidates, and the ten of the fewest different bits.
  struct States {
    uint32_t num_positions = 0;
    double mean_cka = 0;
    double different_bits = 0;  // share, of hypervectors
    std::vector<double> cka;    // of each sketched depth of the reference
    // Of models of as many layers: the depth where numbers first differ, and
    // where CKA says so; 0: the embeddings.
    std::optional<uint32_t> first_other_bits;
    std::optional<uint32_t> first_apart;
  };
  std::optional<States> states;
};

struct IdentifyReport {
  FingerprintSummary target;  // of a light probe without digests and states
  std::optional<ReferenceMatch> match;     // absent: unknown
  std::vector<ReferenceMatch> candidates;  // best first, the match included
  std::vector<UnreadReference> unread;     // not compared with
  double alpha = 0;
  double z_needed = 0;  // of this many references
  // References of families that users named, identified among those of the
  // other such families: how many were matched, and the 95 % limit of the rate,
  // were they independent.
  uint64_t num_left_out = 0;
  uint64_t num_false_matches = 0;
  double false_match_limit = 1;
};

Result<IdentifyReport> Identify(const IdentifyOptions& options);

struct LibraryReport {
  struct Reference {
    std::string name;
    std::string family;
    bool is_family_named = false;  // by the user
    std::string enrolled_utc;
    std::string defect;  // why its fingerprint cannot be read; empty: it can
    FingerprintSummary fingerprint;  // of one that can
  };
  struct Sighting {
    std::string seen_utc;
    std::string target;
    std::string tensor_root;
    std::string match;  // empty: unknown
    std::string nearest;
    double log_p = 0;
    double mean_cka = 0;
  };
  std::string library;
  std::vector<Reference> references;
  std::vector<Sighting> sightings;  // the newest first
};

struct LibraryOptions {
  std::string library;
  bool references = true;
  bool sightings = true;
  int64_t max_sightings = 1000;
};

Result<LibraryReport> ListLibrary(const LibraryOptions& options);

}  // namespace revlm
