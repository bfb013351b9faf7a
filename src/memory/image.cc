#include "memory/image.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>

#include "base/file.h"
#include "memory/populate.h"

namespace revlm::memory {
namespace {

// A line of maps: "BEGIN-END rwxp OFFSET DEVICE INODE   PATH".
struct Mapping {
  MappedRange range;
  std::string_view rights;
  std::string_view file;  // "DEVICE INODE   PATH"
  bool is_file = false;
};

std::optional<uint64_t> ParseAddress(std::string_view text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, 16);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

// What precedes the next space, which is taken off.
std::string_view TakeField(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

std::optional<Mapping> ParseMapping(std::string_view line) {
  const std::string_view addresses = TakeField(line);
  const size_t dash = addresses.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto begin = ParseAddress(addresses.substr(0, dash));
  const auto end = ParseAddress(addresses.substr(dash + 1));
  if (!begin || !end || *begin >= *end) return std::nullopt;
  Mapping mapping = {.range = {*begin, *end}};
  mapping.rights = TakeField(line);
  TakeField(line);  // offset
  mapping.file = line;
  const size_t path = line.find_first_of("/[");
  // A memfd has a path as if it were a file, but its memory is its owner's.
  mapping.is_file = path != std::string_view::npos && line[path] == '/' &&
                    !line.substr(path).starts_with("/memfd:");
  if (mapping.rights.size() < 3) return std::nullopt;
  return mapping;
}

// The entry of `name`, made when there is none.
ImageFile& FileOf(std::string_view name, Image& image) {
  for (ImageFile& file : image.files) {
    if (file.name == name) return file;
  }
  return image.files.emplace_back(ImageFile{.name = std::string(name)});
}

// What two images both map of a file.
uint64_t MappedByBoth(const ImageFile& file, const Image& other) {
  for (const ImageFile& theirs : other.files) {
    if (theirs.name == file.name) {
      return std::min(file.mapped_bytes, theirs.mapped_bytes);
    }
  }
  return 0;
}

}  // namespace

Image ImageOf(std::string_view maps) {
  std::vector<Mapping> mappings;
  std::set<std::string_view> executable;
  while (!maps.empty()) {
    const size_t end = std::min(maps.find('\n'), maps.size());
    const auto mapping = ParseMapping(maps.substr(0, end));
    maps.remove_prefix(std::min(end + 1, maps.size()));
    if (!mapping || !mapping->is_file) continue;
    mappings.push_back(*mapping);
    if (mapping->rights[2] == 'x') executable.insert(mapping->file);
  }
  Image image;
  const Mapping* previous = nullptr;
  for (const Mapping& mapping : mappings) {
    if (!executable.contains(mapping.file)) continue;
    const uint64_t size_bytes = mapping.range.end - mapping.range.begin;
    ImageFile& file = FileOf(mapping.file, image);
    if (mapping.rights[0] == 'r') {
      image.ranges.push_back(mapping.range);
      file.mapped_bytes += size_bytes;
    }
    if (mapping.rights[1] == 'w') {
      file.copied_bytes += size_bytes;
      // What the loader wrote to and then made read-only lies before it.
      if (previous != nullptr && previous->file == mapping.file &&
          previous->range.end == mapping.range.begin &&
          previous->rights.starts_with("r--")) {
        file.copied_bytes += previous->range.end - previous->range.begin;
      }
    }
    previous = &mapping;
  }
  for (const ImageFile& file : image.files) {
    image.mapped_bytes += file.mapped_bytes;
    image.copied_bytes += file.copied_bytes;
  }
  return image;
}

Image ReadImage() {
  return ImageOf(base::ReadSystemFile("/proc/self/maps").value_or(""));
}

uint64_t SharedBytes(const Image& image, const Image& other) {
  uint64_t bytes = 0;
  for (const ImageFile& file : image.files) {
    const uint64_t mapped = MappedByBoth(file, other);
    bytes += mapped - std::min(mapped, file.copied_bytes);
  }
  return bytes;
}

uint64_t BytesBeside(const Image& image, const Image& other) {
  uint64_t bytes = 0;
  for (const ImageFile& file : image.files) {
    bytes += file.mapped_bytes - MappedByBoth(file, other) + file.copied_bytes;
  }
  return bytes;
}

void Populate(const Image& image) {
  for (const MappedRange& range : image.ranges) {
    PopulatePages(reinterpret_cast<std::byte*>(range.begin),
                  range.end - range.begin, Access::kRead);
  }
}

}  // namespace revlm::memory
