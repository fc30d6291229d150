#include <bitgauge/io/bytes/byte_source.hpp>
#include <bitgauge/io/bytes/mapped_file.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace {

using bitgauge::io::mapped_file;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Catches a map of the wrong length, and an empty file (which mmap refuses) being taken for a failure.
TEST(mapped_file, gives_the_bytes) {
  const test::temporary_directory folder;
  for (const std::size_t size : {0u, 1u, 4096u, 70001u}) {
    std::string text(size, 'x');
    if (size > 0) text.back() = 'y';
    test::write_file(folder / "f", text);
    EXPECT_EQ(text_of(mapped_file(folder / "f").bytes()), text) << size;
  }
}

// Catches a mapping that is unmapped twice, or with the object it was moved out of.
TEST(mapped_file, survives_moves_and_deletion_of_the_file) {
  const test::temporary_directory folder;
  test::write_file(folder / "f", "abc");
  mapped_file first(folder / "f");
  mapped_file second(std::move(first));
  test::write_file(folder / "g", "defg");
  mapped_file third(folder / "g");
  third = std::move(second);
  std::filesystem::remove(folder / "f");
  EXPECT_EQ(text_of(third.bytes()), "abc");
}

#if defined(__linux__)
/// Bytes of files that this process has in memory.
long mapped_bytes() {
  std::ifstream statm("/proc/self/statm");
  long size = 0, resident = 0, shared = 0;
  statm >> size >> resident >> shared;
  return shared * sysconf(_SC_PAGESIZE);
}

// Catches pages that stay, those of the neighbours that go wrong, and memory of the program itself, which would be
// zeros then.
TEST(mapped_file, gives_memory_back) {
  const test::temporary_directory folder;
  constexpr long size = 16 << 20;
  std::string text(size, 'x');
  for (std::size_t i = 0; i < text.size(); i += 4096) text[i] = static_cast<char>('a' + i / 4096 % 26);
  test::write_file(folder / "f", text);
  const mapped_file file(folder / "f");
  EXPECT_EQ(text_of(file.bytes()), text);
  const long before = mapped_bytes();
  file.forget(file.bytes().subspan(100, size - 1000));
  EXPECT_LT(mapped_bytes(), before - size / 2);
  EXPECT_EQ(text_of(file.bytes()), text);
  file.forget(std::as_bytes(std::span(text)));
  EXPECT_EQ(text_of(file.bytes()), text);
}
#endif

// Catches a pipe being read as an empty file: its size is 0 to fstat.
TEST(mapped_file, reads_what_cannot_be_mapped) {
  const test::temporary_directory folder;
  const auto pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::string text(200'000, 'z');
  std::thread writer([&] { test::write_file(pipe, text); });
  const mapped_file file(pipe);
  writer.join();
  EXPECT_EQ(text_of(file.bytes()), text);
}

// Catches a failure without the path or the system's reason.
TEST(mapped_file, tells_the_reason) {
  const test::temporary_directory folder;
  const auto missing = folder / "missing";
  EXPECT_EQ(test::failure_of<bitgauge::io_error>([&] { mapped_file file(missing); }),
            missing.string() + ": cannot open: No such file or directory");
  EXPECT_EQ(test::failure_of<bitgauge::io_error>([&] { mapped_file file(folder.path()); }),
            folder.path().string() + ": cannot read: Is a directory");
}

// Catches a copy of a source whose mapping ends with the original.
TEST(byte_source, shares_the_mapping) {
  const test::temporary_directory folder;
  test::write_file(folder / "f", "abc");
  std::optional<bitgauge::io::byte_source> first(folder / "f");
  const bitgauge::io::byte_source second = *first;
  first.reset();
  EXPECT_EQ(text_of(second.bytes()), "abc");
  EXPECT_EQ(second.name(), (folder / "f").string());
}

}  // namespace
