#include "run/needs.h"

#include <algorithm>
#include <string>

#include "base/channel.h"
#include "base/heap_size.h"
#include "run/metrics.h"
#include "run/process_heap.h"

namespace revlm::run {
namespace {

// The heap that an operation's result takes until the run is over.
uint64_t ResultBytes(const Operation& operation, const RunOptions& options) {
  constexpr uint64_t kTokenBytes = 96;  // a token, its text and its numbers
  const uint64_t scored =
      static_cast<uint64_t>(std::max(operation.prompt->max_tokens, 0)) +
      (options.prompt_logprobs ? operation.token_ids.size() : 0);
  const auto alternatives =
      static_cast<uint64_t>(std::max(options.num_logprobs, 0));
  return sizeof(OperationResult) + 512 + operation.prompt->text.size() +
         4 * operation.token_ids.size() +
         scored * (kTokenBytes + alternatives * kTokenBytes / 2);
}

uint64_t LargestResultBytes(const ModelWork& work, const RunOptions& options) {
  uint64_t largest = 0;
  for (const Operation& operation : work.operations) {
    largest = std::max(largest, ResultBytes(operation, options));
  }
  return largest;
}

// The heap of what a worker said about its model, and of an account of it.
uint64_t HeapBytes(const ModelDescription& description) {
  constexpr uint64_t kModelBytes = 8 << 10;
  constexpr uint64_t kFileBytes = 512;
  return kModelBytes + kFileBytes * (description.small_files.size() +
                                     description.weight_files.size() +
                                     description.process.image.files.size());
}

// Of messages from workers beside the first one's, which is counted with what
// is kept: each may be on its way at once, and its buffer grows.
uint64_t OtherMessagesBytes(int32_t num_workers,
                            uint64_t largest_result_bytes) {
  constexpr uint64_t kMessageCopies = 3;
  return static_cast<uint64_t>(num_workers - 1) *
         (kMessageCopies * largest_result_bytes + base::Channel::kKeptBytes);
}

}  // namespace

uint64_t GivenBytes(const RunOptions& options) {
  constexpr uint64_t kTextCopies = 6;  // of a prompt on the command line
  uint64_t heap = 0;
  for (const std::string& text : options.prompts) {
    heap += kTextCopies * base::HeapBlockBytes(text.size());
  }
  return heap;
}

uint64_t ProgramBytes(const Preparation& prepared, int32_t num_workers) {
  // Writing a result down takes a line of text that grows, beside the message
  // that it came in.
  constexpr uint64_t kLineShare = 4;
  uint64_t heap = Metrics::HeapBytes(prepared.work.size()) +
                  prepared.given_bytes + base::HeapBytes(prepared.prompts);
  for (const PlannedPrompt& prompt : prepared.prompts) {
    heap += base::HeapBytes(prompt.id) + base::HeapBytes(prompt.text) +
            base::HeapBytes(prompt.text_sha256) +
            base::HeapBytes(prompt.variant);
  }
  uint64_t result_bytes = 0;
  uint64_t largest = 0;
  for (const ModelWork& work : prepared.work) {
    heap += HeapBytes(work.description) + base::HeapBytes(work.operations);
    for (const Operation& operation : work.operations) {
      heap +=
          base::HeapBytes(operation.key) + base::HeapBytes(operation.token_ids);
      result_bytes += ResultBytes(operation, prepared.options);
    }
    largest = std::max(largest, LargestResultBytes(work, prepared.options));
  }
  return prepared.image.size_bytes() +
         PrivateBytes(HeapInUse(heap) + result_bytes + kLineShare * largest +
                      OtherMessagesBytes(num_workers, largest));
}

uint64_t WorkerBytes(const ModelWork& work, const Preparation& prepared) {
  // A result, and the message that it goes out in, which grows.
  constexpr uint64_t kResultCopies = 3;
  uint64_t heap = work.description.process.heap_bytes +
                  kResultCopies * LargestResultBytes(work, prepared.options);
  for (const Operation& operation : work.operations) {
    heap += sizeof(engine::Request) + sizeof(std::string) +
            base::HeapBytes(operation.key) +
            base::HeapBytes(operation.token_ids);
  }
  const engine::MemoryNeed& need = work.description.need;
  return memory::BytesBeside(work.description.process.image, prepared.image) +
         need.thread_bytes + need.library_bytes + PrivateBytes(heap);
}

uint32_t MaxMessageBytes(const ModelWork& work, const RunOptions& options) {
  constexpr uint64_t kLeastBytes = uint64_t{16} << 20;
  constexpr uint64_t kResultShare = 4;
  return static_cast<uint32_t>(std::min<uint64_t>(
      std::max(kLeastBytes, kResultShare * LargestResultBytes(work, options)),
      kMaxMessageBytes));
}

}  // namespace revlm::run
