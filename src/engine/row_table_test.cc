#include "engine/row_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

#include "engine/engine_testing.h"

namespace revlm::engine {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kRows = 700;
constexpr int64_t kColumns = 33;

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

TEST(RowTableTest, RowsOfTheFileAndOfMemoryAreTheSameNumbers) {
  const TempFolder folder;
  ThreadPool pool(4);
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
          const Status status = table.Gather(ids, rows.data());
          ASSERT_TRUE(status) << status.error().message;
          EXPECT_EQ(rows, expected);
          EXPECT_TRUE(table.Gather({}, nullptr));
        };
        expect_rows();
        // Attached in tiles of 256, the last one shorter; with some missing the
        // file goes on being read.
        std::vector<std::string> tiles;
        for (int64_t first = 0; first < kRows; first += 256) {
          const int64_t count = std::min<int64_t>(256, kRows - first);
          tiles.push_back(
              bytes.substr(static_cast<size_t>(first) * RowBytes(type),
                           static_cast<size_t>(count) * RowBytes(type)));
        }
        for (size_t i = 0; i < tiles.size(); ++i) {
          table.Attach(static_cast<int64_t>(i) * 256,
                       static_cast<int64_t>(tiles[i].size() / RowBytes(type)),
                       base::AsBytes(tiles[i]).data());
          expect_rows();
        }
        ASSERT_EQ(truncate(path.c_str(), 0), 0);  // memory alone is read now
        expect_rows();
        ASSERT_TRUE(
            base::WriteFileAtomically(path, std::string(offset, 'x') + bytes));
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
  EXPECT_TRUE(table.Gather(std::vector<int32_t>{1, 2, 100}, rows.data()));
  const Status status =
      table.Gather(std::vector<int32_t>{1, 600, 2}, rows.data());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(status.error().message, HasSubstr(path));
}

}  // namespace
}  // namespace revlm::engine
