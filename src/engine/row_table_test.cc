#include "engine/row_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <vector>

#include "engine/engine_testing.h"

namespace revlm::engine {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kRows = 700;
constexpr int64_t kColumns = 33;

// Of four threads.
class Scratch {
 public:
  std::function<std::byte*(int)> Of() {
    return [this](int thread_idx) { return shares_[thread_idx].bytes; };
  }

 private:
  struct alignas(base::kMaxDirectAlignment) Share {
    std::byte bytes[4 * base::kMaxDirectAlignment];
  };
  static_assert(sizeof(Share) >= kColumns * 4 + 2 * base::kMaxDirectAlignment);
  std::unique_ptr<Share[]> shares_ = std::make_unique<Share[]>(4);
};

uint64_t RowBytes(ElementType type) {
  return kColumns * (type == ElementType::kF32 ? 4 : 2);
}

// Random bits would be NaN now and then, which do not compare.
std::string TableBytes(ElementType type) {
  std::string bytes = RandomBytes(kRows * RowBytes(type), 5);
  const size_t step = type == ElementType::kF32 ? 4 : 2;
  for (size_t i = step - 1; i < bytes.size(); i += step) bytes[i] &= 0x3f;
  return bytes;
}

TEST(RowTableTest, RowsAreTheFilesNumbers) {
  const TempFolder folder;
  ThreadPool pool(4);
  Scratch scratch;
  const Kernels& kernels = BestKernels();
  const std::vector<int32_t> ids = {3, 699, 3, 0, 256, 255, 511, 512, 3, 699};
  for (const ElementType type :
       {ElementType::kF32, ElementType::kF16, ElementType::kBf16}) {
    const std::string bytes = TableBytes(type);
    std::vector<float> expected(ids.size() * kColumns);
    for (size_t i = 0; i < ids.size(); ++i) {
      kernels.widen(type,
                    bytes.data() + static_cast<size_t>(ids[i]) * RowBytes(type),
                    kColumns, expected.data() + i * kColumns);
    }
    for (const size_t offset : {0, 1, 13, 4095, 4096}) {
      const std::string path = folder.Path("table");
      ASSERT_TRUE(
          base::WriteFileAtomically(path, std::string(offset, 'x') + bytes));
      for (const auto caching :
           {base::Caching::kDirect, base::Caching::kPageCache}) {
        const base::File file = base::OpenFile(path, caching).value();
        RowTable table(file,
                       {.file_offset = offset,
                        .num_rows = kRows,
                        .num_columns = kColumns,
                        .type = type},
                       pool, kernels);
        auto expect_rows = [&] {
          std::vector<float> rows(ids.size() * kColumns, -1);
          const Status status = table.Gather(ids, scratch.Of(), rows.data());
          ASSERT_TRUE(status) << status.error().message;
          EXPECT_EQ(rows, expected);
          EXPECT_TRUE(table.Gather({}, scratch.Of(), nullptr));
        };
        expect_rows();
      }
    }
  }
}

TEST(RowTableTest, FileCutAfterOpeningIsAnError) {
  const TempFolder folder;
  ThreadPool pool(2);
  const std::string path = folder.Path("table");
  ASSERT_TRUE(base::WriteFileAtomically(path, TableBytes(ElementType::kF32)));
  const base::File file = base::OpenFile(path, base::Caching::kDirect).value();
  ASSERT_EQ(truncate(path.c_str(), 200 * RowBytes(ElementType::kF32)), 0);
  RowTable table(file, {.num_rows = kRows, .num_columns = kColumns}, pool,
                 BestKernels());
  std::vector<float> rows(3 * kColumns);
  Scratch scratch;
  EXPECT_TRUE(
      table.Gather(std::vector<int32_t>{1, 2, 100}, scratch.Of(), rows.data()));
  const Status status =
      table.Gather(std::vector<int32_t>{1, 600, 2}, scratch.Of(), rows.data());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(status.error().message, HasSubstr(path));
}

}  // namespace
}  // namespace revlm::engine
