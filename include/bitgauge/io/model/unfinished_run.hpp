#pragma once

/// \file
/// Work on a model that goes on where it ended, whatever ended it.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/folder_lock.hpp>
#include <bitgauge/io/model/unfinished_files.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/model/plan/finished_tensors.hpp>
#include <bitgauge/model/plan/model_options.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/run/run_identity.hpp>
#include <bitgauge/model/tensors/tensor_sink.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace bitgauge::io {

/// Keeps finished tensors in the folder OUTPUT.unfinished until OUTPUT is there:
///
///     io::unfinished_run run("q.gguf");
///     quantize_model(source, p, *io::open_sink("q.gguf", source), {.finished = &run});
///
/// The same lines after a failure, a signal or a power cut give the bytes that they would have given at once; a
/// tensor whose files were damaged is done again, and all where what tells whose they are is. The folder holds what decides the bytes as fingerprints
/// (run_identity()), and of each tensor its data and report; it goes once all is done, and where nothing was
/// finished. It is locked as long as this lives: of two runs with one output the second is refused, where the
/// system has flock(). Cost: the source is read once more, and the output is written twice.
class unfinished_run final : public finished_tensors {
 public:
  /// Raises io_error where the folder cannot be made, and where another run has it.
  explicit unfinished_run(const std::filesystem::path& output)
      : output_(output), folder_(output.string() + ".unfinished"), lock_(folder_) {
    remove_partial();
  }
  ~unfinished_run() override {
    if (!is_complete_ && tensor_files().empty()) remove();
  }

  /// Where what is finished is kept.
  const std::filesystem::path& folder() const noexcept { return folder_; }
  /// Tensors that were taken from an earlier run.
  std::size_t resumed() const noexcept { return resumed_; }

  // --- finished_tensors ---

  void begin(const tensor_source& source, const quantization_plan& p, const model_options& o) override {
    note_partial();  // what follows reads the whole source
    const run_identity own = identity_of(source, p, o);
    const std::string text = detail::identity_json(own);
    const std::optional<std::string> earlier =
        tensor_files().empty() ? std::nullopt : detail::checked_text(identity_file());
    if (earlier) {
      const std::vector<std::string> others = detail::differences(own, *earlier);
      if (!others.empty()) raise(data_error(refusal(others)));
    }
    if (!earlier) {
      remove_tensors();
      detail::write_checked(identity_file(), text);
    }
  }

  std::optional<kept> find(const quantization_plan& p, std::size_t place) override {
    const std::optional<std::string> text = detail::checked_text(report_of(place));
    if (!text) return std::nullopt;
    const auto [report, data] = detail::read_kept(*text);
    const std::filesystem::path file = data_of(p, place);
    if (detail::fingerprint_of(file) != data) return std::nullopt;
    ++resumed_;
    return kept{std::make_unique<tensor_file>(file), report};
  }

  std::unique_ptr<tensor_sink> open(const quantization_plan& p, std::size_t place) override {
    const planned_tensor& row = p.tensors[place];
    latest_ = data_of(p, place);
    std::unique_ptr<tensor_sink> sink = open_sink(latest_);
    if (row.entry) {
      sink->declare_codes(*row.entry);
    } else {
      sink->declare_blocks(row.name, *row.to.type(), row.shape);
    }
    sink->begin();
    return sink;
  }
  void keep(std::size_t place, const tensor_report& report) override {
    detail::write_checked(report_of(place), detail::kept_json(report, detail::fingerprint_of(latest_)));
  }
  void complete() override {
    remove();
    is_complete_ = true;
  }

 private:
  std::filesystem::path identity_file() const { return folder_ / "identity.json"; }
  std::filesystem::path partial_list() const { return folder_ / "partial.txt"; }
  std::filesystem::path report_of(std::size_t place) const {
    return folder_ / (std::to_string(place) + ".json");
  }
  std::filesystem::path data_of(const quantization_plan& p, std::size_t place) const {
    return folder_ / (std::to_string(place) + (p.tensors[place].entry ? ".safetensors" : ".gguf"));
  }

  std::string refusal(const std::vector<std::string>& others) const {
    std::string list;
    for (const std::string& other : others) list += (list.empty() ? "" : ", ") + other;
    return folder_.string() + ": expected an unfinished run with the same " + list +
           ", found another: repeat what it was begun with, or remove this folder to begin anew";
  }

  /// What a run that was killed had written of the output, which nobody else removes.
  void remove_partial() const {
    std::error_code ignored;
    if (const std::optional<std::string> path = detail::checked_text(partial_list()))
      std::filesystem::remove(*path, ignored);
    for (const auto& each : std::filesystem::directory_iterator(folder_, ignored))
      if (each.path().extension() == ".partial") std::filesystem::remove(each.path(), ignored);
  }
  void note_partial() const {
    const std::string path = detail::partial_file_of(output_);
    if (!path.empty()) detail::write_checked(partial_list(), path);
  }

  /// Data and reports. Whatever else is in the folder stays, and the folder with it.
  std::vector<std::filesystem::path> tensor_files() const {
    std::error_code ignored;
    std::vector<std::filesystem::path> found;
    for (const auto& each : std::filesystem::directory_iterator(folder_, ignored)) {
      const std::string stem = each.path().stem().string();
      if (stem.find_first_not_of("0123456789") == std::string::npos) found.push_back(each.path());
    }
    return found;
  }
  void remove_tensors() const {
    std::error_code ignored;
    for (const auto& each : tensor_files()) std::filesystem::remove(each, ignored);
  }
  void remove() {
    std::error_code ignored;
    std::filesystem::remove(identity_file(), ignored);  // first: the rest is nothing without it
    remove_tensors();
    std::filesystem::remove(partial_list(), ignored);
    lock_.remove();
    std::filesystem::remove(folder_, ignored);
  }

  std::filesystem::path output_, folder_, latest_;
  detail::folder_lock lock_;
  std::size_t resumed_ = 0;
  bool is_complete_ = false;
};

}  // namespace bitgauge::io
