#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/io/safetensors/writer.hpp>

#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace {

using namespace bitgauge;

// Catches weights that are replaced by what quantizing leaves of them, under whatever name the file is known.
TEST(open_sink, leaves_the_source_alone) {
  const test::temporary_directory folder;
  const auto in = folder / "w.safetensors", link = folder / "link.safetensors";
  io::safetensors_writer(in).commit();
  std::filesystem::create_hard_link(in, link);
  const io::tensor_file source(in);
  for (const auto& path : {in, link})
    EXPECT_EQ(
        test::message_of<io_error>([&] { io::open_sink(path, source); }),
        std::filesystem::path(path).string() +
            ": expected an output beside the input, found the input itself, whose weights would be lost");
  EXPECT_EQ(test::message_of<io_error>([&] { io::open_sink(folder / "out.safetensors", source); }),
            "no error");
}

// Catches an ending that is taken for another's.
TEST(open_sink, other_endings_are_refused) {
  EXPECT_EQ(test::message_of<io_error>([] { io::open_sink("model.bin"); }),
            "model.bin: expected an output ending in .safetensors or .gguf");
}

}  // namespace
