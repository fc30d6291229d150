#include <bitgauge/io/bytes/atomic_file.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using bitgauge::io::atomic_file;
using test::bytes_of;

/// Forbids files above `bytes` while it lives: the nearest to a full disk that needs no privilege.
class file_size_limit {
 public:
  explicit file_size_limit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~file_size_limit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

// Catches a file that appears before it is finished, or a temporary file that stays.
TEST(atomic_file, appears_on_commit) {
  const test::temporary_directory folder;
  atomic_file file(folder / "out");
  file.write(bytes_of("abc"));
  file.write_zeros(130);
  EXPECT_EQ(file.size(), 133u);
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  file.commit();
  EXPECT_EQ(test::read_file(folder / "out"), "abc" + std::string(130, '\0'));
  EXPECT_EQ(folder.entries(), 1u);
}

// Catches an abandoned write that damages the target or leaves its temporary file.
TEST(atomic_file, leaves_the_old_file_without_commit) {
  const test::temporary_directory folder;
  test::write_file(folder / "out", "old");
  {
    atomic_file file(folder / "out");
    file.write(bytes_of("new"));
    atomic_file moved(std::move(file));
    moved.write(bytes_of("er"));
  }
  EXPECT_EQ(test::read_file(folder / "out"), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

// Catches a failed write (here at fwrite, as more than a buffer is written) that goes unnoticed or leaves a
// file.
TEST(atomic_file, reports_a_failed_write) {
  const test::temporary_directory folder;
  const auto path = folder / "out";
  test::write_file(path, "old");
  const std::string large(3 << 20, 'x');
  const file_size_limit limit(1 << 20);
  EXPECT_EQ(test::failure_of<bitgauge::io_error>([&] { atomic_file(path).write(bytes_of(large)); }),
            path.string() + ": cannot write: File too large");
  EXPECT_EQ(folder.entries(), 1u);
  EXPECT_EQ(test::read_file(path), "old");
}

// Catches a failure that shows only when the buffer is flushed, after every write seemed to succeed.
TEST(atomic_file, reports_a_failed_flush) {
  const test::temporary_directory folder;
  const auto path = folder / "out";
  const file_size_limit limit(10);
  EXPECT_EQ(test::failure_of<bitgauge::io_error>([&] {
              atomic_file file(path);
              file.write(bytes_of("more than ten bytes"));
              file.commit();
            }),
            path.string() + ": cannot write: File too large");
  EXPECT_EQ(folder.entries(), 0u);
}

// Catches ENOSPC on a device, which a rename would have replaced.
TEST(atomic_file, reports_a_full_disk) {
  const test::temporary_directory folder;
  std::filesystem::create_symlink("/dev/full", folder / "full");
  EXPECT_EQ(test::failure_of<bitgauge::io_error>([&] {
              atomic_file file(folder / "full");
              file.write(bytes_of("abc"));
              file.commit();
            }),
            (folder / "full").string() + ": cannot write: No space left on device");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  EXPECT_EQ(folder.entries(), 1u);
}

// Catches a half-written final file when the program is killed in the middle.
TEST(atomic_file, a_killed_program_leaves_the_old_file) {
  const test::temporary_directory folder;
  test::write_file(folder / "out", "old");
  const pid_t child = fork();
  if (child == 0) {
    atomic_file file(folder / "out");
    const std::string large(3 << 20, 'x');
    file.write(bytes_of(large));
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(test::read_file(folder / "out"), "old");
}

// Catches a symbolic link being replaced by a file instead of followed.
TEST(atomic_file, follows_a_link) {
  const test::temporary_directory folder;
  std::filesystem::create_directory(folder / "there");
  test::write_file(folder / "there/out", "old");
  std::filesystem::create_symlink("there/out", folder / "link");
  atomic_file file(folder / "link");
  file.write(bytes_of("new"));
  file.commit();
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(test::read_file(folder / "there/out"), "new");
}

// Catches a failure without the path or the reason, and use after the end.
TEST(atomic_file, tells_the_reason) {
  const test::temporary_directory folder;
  const auto inside_nothing = folder / "missing/out";
  EXPECT_EQ(test::failure_of<bitgauge::io_error>([&] { atomic_file file(inside_nothing); }),
            inside_nothing.string() + ": cannot create: No such file or directory");
  EXPECT_EQ(test::failure_of<bitgauge::io_error>([&] { atomic_file file(folder.path()); }),
            folder.path().string() + ": cannot write: Is a directory");
  atomic_file file(folder / "out");
  file.commit();
  EXPECT_EQ(test::failure_of<bitgauge::io_error>([&] { file.commit(); }),
            (folder / "out").string() + ": is written after it was finished");
}

// Catches a private file that others may read once it is written anew, and a new one that ignores the umask.
TEST(atomic_file, keeps_permissions) {
  const test::temporary_directory folder;
  const auto mode_after = [&](const char* name) {
    atomic_file file(folder / name);
    file.write(bytes_of("new"));
    file.commit();
    return static_cast<unsigned>(std::filesystem::status(folder / name).permissions());
  };
  const mode_t before = umask(027);
  EXPECT_EQ(mode_after("new"), 0640u);
  for (const unsigned mode : {0600u, 0666u, 0755u, 0440u}) {
    test::write_file(folder / "old", "old");
    std::filesystem::permissions(folder / "old", static_cast<std::filesystem::perms>(mode));
    EXPECT_EQ(mode_after("old"), mode);
    std::filesystem::remove(folder / "old");
  }
  umask(before);
}

// Catches a link to nowhere, or to itself, that is replaced by the file.
TEST(atomic_file, refuses_a_link_that_leads_nowhere) {
  const test::temporary_directory folder;
  for (const char* to : {"missing", "link"}) {
    std::filesystem::create_symlink(to, folder / "link");
    EXPECT_EQ(test::failure_of<bitgauge::io_error>([&] { atomic_file file(folder / "link"); }),
              (folder / "link").string() + ": cannot write: it is a symbolic link to " + to +
                  ", which leads to no file");
    EXPECT_EQ(folder.entries(), 1u);
    std::filesystem::remove(folder / "link");
  }
}

// Catches a temporary name that is longer than names may be where the target's own name is not.
TEST(atomic_file, long_names_work) {
  const test::temporary_directory folder;
  for (const std::string& name : {std::string(255, 'n'), std::string(240, 'n')}) {
    atomic_file file(folder / name);
    file.write(bytes_of("new"));
    file.commit();
    EXPECT_EQ(test::read_file(folder / name), "new");
  }
  EXPECT_EQ(folder.entries(), 2u);
  EXPECT_NE(test::failure_of<bitgauge::io_error>([&] {
              atomic_file file(folder / std::string(256, 'n'));
            }).find("File name too long"),
            std::string::npos);
  EXPECT_EQ(folder.entries(), 2u);
}

// Catches a temporary file that stays when a signal ends the program, one that is removed though it is
// finished, and a list that fills up.
TEST(atomic_file, a_signal_handler_can_remove_what_is_not_finished) {
  const test::temporary_directory folder;
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 40; ++i) atomic_file(folder / "finished").commit();
    std::signal(SIGTERM, [](int number) {
      bitgauge::io::remove_partial_files();
      std::signal(number, SIG_DFL);
      raise(number);
    });
    atomic_file first(folder / "first"), second(folder / "second");
    const atomic_file moved(std::move(first));
    second.write(bytes_of("new"));
    raise(SIGTERM);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  EXPECT_TRUE(std::filesystem::exists(folder / "finished"));
  EXPECT_EQ(folder.entries(), 1u);
}

}  // namespace
