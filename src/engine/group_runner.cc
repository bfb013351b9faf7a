#include "engine/group_runner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/sampler.h"

namespace revlm::engine {
namespace {

// The alternatives of a row with logprobs for their logits.
std::vector<Alternative> Alternatives(const HeadRow& row) {
  std::vector<Alternative> alternatives = row.best_few;
  for (Alternative& alternative : alternatives) {
    alternative.logprob = row.LogProb(alternative.logprob);
  }
  return alternatives;
}

void ScorePromptRow(const HeadRow& row, Sequence& sequence) {
  Completion& completion = sequence.completion;
  const Request& request = *sequence.request;
  if (request.want_prompt_logprobs && row.known_next >= 0) {
    completion.prompt_scores.push_back({.id = row.known_next,
                                        .logprob = row.LogProb(row.known_logit),
                                        .alternatives = Alternatives(row)});
  }
  if (request.want_prompt_logits) {
    completion.prompt_logits.insert(completion.prompt_logits.end(),
                                    row.logits.begin(), row.logits.end());
  }
}

// Ends a sequence whose numbers cannot be told apart from noise.
void FailNotFinite(Sequence& sequence) {
  sequence.completion = {};
  sequence.completion.error = {
      ErrorCode::kCorrupt,
      "the model's output is not a number or infinite: its weights are "
      "damaged, or too large for what it computes in; check the files, or try "
      "--dtype f32"};
  sequence.is_finished = true;
}

bool HasFiniteStates(const Sequence& sequence) {
  return std::ranges::all_of(sequence.completion.hidden_states,
                             [](float x) { return std::isfinite(x); });
}

}  // namespace

std::vector<Sequence> GroupRunner::MakeSequences(
    std::span<const PlannedRequest> requests) const {
  std::vector<Sequence> sequences;
  uint64_t kv_offset = 0;
  for (const PlannedRequest& planned : requests) {
    Sequence& sequence = sequences.emplace_back();
    sequence.request_idx = planned.request_idx;
    sequence.request = planned.request;
    sequence.ids = planned.request->prompt;
    sequence.max_length = planned.shape.max_length();
    if (sequence.generates()) {
      sequence.kv_offset = kv_offset;
      kv_offset += pages_.SequenceBytes(sequence.max_length);
    } else if (planned.request->max_new_tokens > 0) {
      sequence.completion.finish_reason = FinishReason::kContext;
    }
  }
  for (size_t b = 0; b < store_.blocks.size(); ++b) {
    const std::vector<size_t>& columns = store_.blocks[b].requests;
    for (size_t i = 0; i < columns.size(); ++i) {
      sequences[columns[i]].kv_block = b;
      sequences[columns[i]].kv_column = static_cast<int64_t>(i);
    }
  }
  return sequences;
}

void GroupRunner::HandOver(std::vector<Sequence*>& live) {
  std::erase_if(live, [&](Sequence* sequence) {
    if (!sequence->is_finished) return false;
    if (!HasFiniteStates(*sequence)) FailNotFinite(*sequence);
    ++progress_.num_complete;
    hooks_.on_complete(sequence->request_idx, std::move(sequence->completion));
    return true;
  });
}

Status GroupRunner::Run(const GroupShape& group,
                        std::span<const PlannedRequest> requests,
                        bool is_last) {
  requests = requests.subspan(group.begin, group.end - group.begin);
  std::vector<RequestShape> shapes;
  for (const PlannedRequest& request : requests) {
    shapes.push_back(request.shape);
  }
  store_ = workspace_.StoreOf(group, shapes, pages_);
  std::vector<Sequence> sequences = MakeSequences(requests);
  std::vector<Sequence*> live;
  std::vector<Sequence*> prompts;
  for (size_t i = 0; i < group.prompt_passes.size(); ++i) {
    const PassShape& shape = group.prompt_passes[i];
    prompts.clear();
    for (size_t r = shape.begin; r < shape.end; ++r) {
      prompts.push_back(&sequences[r - group.begin]);
    }
    const bool another_follows = !is_last || group.num_decode_passes > 0 ||
                                 i + 1 < group.prompt_passes.size();
    REVLM_TRY(RunPass(Progress::Phase::kPrefill, prompts, another_follows));
    HandOver(prompts);
    live.insert(live.end(), prompts.begin(), prompts.end());
  }
  if (is_last && group.num_decode_passes > 0) workspace_.BeginLastDecoding();
  while (!live.empty()) {
    // Whether a stop token will end all sequences is not known before the pass
    // is over; reading ahead supposes that it will not.
    const bool another_follows =
        !is_last || std::any_of(live.begin(), live.end(), [](Sequence* s) {
          return s->max_length > static_cast<int64_t>(s->ids.size()) + 1;
        });
    REVLM_TRY(RunPass(Progress::Phase::kDecode, live, another_follows));
    HandOver(live);
  }
  return {};
}

// A sequence's rows of the pass, and those of them that are scored.
void GroupRunner::AddRows(Progress::Phase phase, Sequence& sequence, Pass& pass,
                          std::vector<ScoredPosition>& scored) {
  const Request& request = *sequence.request;
  Segment segment = {.sequence = &sequence,
                     .first_row = num_rows_,
                     .first_pos = sequence.num_done};
  segment.num_rows =
      static_cast<int64_t>(sequence.ids.size()) - sequence.num_done;
  const bool scores_prompt =
      phase == Progress::Phase::kPrefill && ScoresPrompt(request);
  for (int64_t i = 0; i < segment.num_rows; ++i) {
    const bool is_end = i + 1 == segment.num_rows;
    if (!scores_prompt && !(is_end && sequence.generates())) continue;
    HeadRow row = {.pass_row = num_rows_ + i,
                   .num_alternatives = request.num_top_logprobs};
    row.keep_logits = (scores_prompt && request.want_prompt_logits) ||
                      (is_end && request.sampling.temperature > 0);
    if (!is_end) {
      row.known_next =
          sequence.ids[static_cast<size_t>(segment.first_pos + i + 1)];
    }
    pass.head_rows.push_back(std::move(row));
    scored.push_back({&sequence, segment.first_pos + i});
  }
  num_rows_ += segment.num_rows;
  pass.segments.push_back(segment);
}

Status GroupRunner::RunPass(Progress::Phase phase, std::span<Sequence*> live,
                            bool another_follows) {
  Pass pass = {.kv = &store_, .another_follows = another_follows};
  std::vector<ScoredPosition> scored;
  num_rows_ = 0;
  for (Sequence* sequence : live) AddRows(phase, *sequence, pass, scored);
  REVLM_TRY(workspace_.passes().Run(
      pass, hooks_.stop, [&](int32_t done, int32_t total) {
        progress_.phase = phase;
        progress_.slab_idx = done;
        progress_.num_slabs = total;
        progress_.read_bytes = workspace_.stream().read_bytes();
        if (hooks_.on_progress) hooks_.on_progress(progress_);
      }));
  progress_.tokens_done += num_rows_;
  for (size_t i = 0; i < scored.size(); ++i) {
    const HeadRow& row = pass.head_rows[i];
    Sequence& sequence = *scored[i].sequence;
    if (!row.is_finite()) FailNotFinite(sequence);
    if (sequence.completion.error) continue;
    if (phase == Progress::Phase::kPrefill) ScorePromptRow(row, sequence);
    const bool is_end =
        scored[i].position + 1 == static_cast<int64_t>(sequence.ids.size());
    if (is_end && sequence.generates()) AddToken(row, sequence);
  }
  for (const Segment& segment : pass.segments) {
    segment.sequence->num_done += segment.num_rows;
    if (!segment.sequence->generates()) segment.sequence->is_finished = true;
  }
  return {};
}

void GroupRunner::AddToken(const HeadRow& row, Sequence& sequence) const {
  const Request& request = *sequence.request;
  Completion& completion = sequence.completion;
  TokenScore token = {.id = row.best, .alternatives = Alternatives(row)};
  float logit = row.best_logit;
  if (request.sampling.temperature > 0) {
    token.id =
        SampleToken(row.logits, request.sampling, completion.tokens.size());
    logit = row.logits[static_cast<size_t>(token.id)];
  }
  token.logprob = row.LogProb(logit);
  sequence.ids.push_back(token.id);
  completion.tokens.push_back(std::move(token));
  const bool stops =
      !request.ignore_stop_tokens &&
      std::binary_search(spec_.stop_tokens.begin(), spec_.stop_tokens.end(),
                         sequence.ids.back());
  if (stops) {
    completion.finish_reason = FinishReason::kStop;
  } else if (static_cast<int32_t>(completion.tokens.size()) ==
             request.max_new_tokens) {
    completion.finish_reason = FinishReason::kLength;
  } else if (static_cast<int64_t>(sequence.ids.size()) == sequence.max_length) {
    completion.finish_reason = FinishReason::kContext;
  } else {
    return;
  }
  sequence.is_finished = true;
}

}  // namespace revlm::engine
