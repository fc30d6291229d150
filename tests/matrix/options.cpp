#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/matrix/answers/options.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

/// Rows that are read in place, 32 at a time.
const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> w =
    test::random_matrix(200, 96, 5);

/// Quantizes with a listener: what it heard must grow up to the number of elements, and the result must be
/// that without one.
template <class... Answers>
void expect_progress(const Answers&... answers) {
  for (const int threads : {1, 3}) {
    std::vector<std::pair<index_t, index_t>> heard;
    const auto listen = [&](index_t done, index_t total) { heard.emplace_back(done, total); };
    const auto q = quantize(w, answers..., options{.threads = threads, .progress = listen});
    EXPECT_EQ(q, quantize(w, answers..., options{.threads = 1}));
    ASSERT_FALSE(heard.empty());
    for (std::size_t i = 0; i < heard.size(); ++i) {
      EXPECT_EQ(heard[i].second, w.size());
      EXPECT_GE(heard[i].first, i == 0 ? 0 : heard[i - 1].first);
    }
    EXPECT_GT(heard.size(), 3u);
    EXPECT_LT(heard.front().first, w.size() / 2);
    EXPECT_EQ(heard.back().first, w.size());
  }
}

// Catches a pass over the matrix that is not counted, or counted twice: each kind of group, scales that need
// a pass of their own, error feedback with and without groups that are fitted beforehand.
TEST(options, progress_reaches_the_number_of_elements) {
  hessian h(w.cols());
  h.accumulate(test::random_matrix(50, w.cols(), 6));
  expect_progress(affine<4>{}, per_group{32});
  expect_progress(affine<4>{}, per_column{});
  expect_progress(affine<4>{}, per_tensor{}, mse_range{effort::fast});
  expect_progress(nf4{}, per_group{32}, double_quantized{16});
  expect_progress(symmetric<4>{}, per_column{}, double_quantized{16}, stochastic_rounding{3});
  expect_progress(affine<4>{}, per_group{32}, gptq(h));
  expect_progress(affine<4>{}, per_column{}, gptq(h));
  expect_progress(nf4{}, per_group{32}, double_quantized{16}, gptq(h));
}

// Catches work that goes on after the caller has asked for its end, an error of another type, a request that
// is asked for once only, and anything that a cancelled call leaves behind.
TEST(options, cancel_ends_the_work) {
  hessian h(w.cols());
  h.accumulate(test::random_matrix(50, w.cols(), 6));
  const auto expect_cancelled = [&](const auto&... answers) {
    const auto expected = quantize(w, answers..., options{.threads = 1});
    for (const int threads : {1, 3})
      for (const int asked_before : {0, 1, 4}) {
        std::atomic<int> asked = 0;
        const auto stop = [&] { return asked++ >= asked_before; };
        EXPECT_EQ(test::message_of<cancelled>(
                      [&] { quantize(w, answers..., options{.threads = threads, .cancel = stop}); }),
                  "cancelled by the caller (options::cancel)");
        EXPECT_GT(asked, asked_before);
        EXPECT_EQ(quantize(w, answers..., options{.cancel = [] { return false; }}), expected);
      }
  };
  expect_cancelled(affine<4>{}, per_group{32});
  expect_cancelled(affine<4>{}, per_column{});
  expect_cancelled(nf4{}, per_group{32}, double_quantized{16});
  expect_cancelled(affine<4>{}, per_group{32}, gptq(h));
  expect_cancelled(affine<4>{}, per_column{}, gptq(h));
}

// Catches an exception of the listener that ends the program or is swallowed, and a listener that is called
// from two threads at once.
TEST(options, the_listener_is_called_by_one_thread_at_a_time) {
  const auto fail = [](index_t, index_t) { throw std::runtime_error("heard enough"); };
  EXPECT_EQ(test::message_of<std::runtime_error>(
                [&] { quantize(w, options{.threads = 3, .progress = fail}, affine<4>{}); }),
            "heard enough");
  std::atomic<int> inside = 0;
  const auto listen = [&](index_t, index_t) {
    EXPECT_EQ(inside++, 0);
    --inside;
  };
  quantize(w, affine<4>{}, options{.threads = 4, .progress = listen});
}

// Catches a listener that is called about nothing, and a division of nothing.
TEST(options, an_empty_matrix_has_no_progress) {
  int calls = 0;
  quantize(Eigen::MatrixXf(0, 4), options{.progress = [&](index_t, index_t) { ++calls; }});
  quantize(Eigen::MatrixXf(4, 0), options{.progress = [&](index_t, index_t) { ++calls; }});
  EXPECT_EQ(calls, 0);
}

// README's lines.
TEST(options, readme) {
  const Eigen::MatrixXf W = w;
  std::atomic<bool> stop = false;
  bitgauge::index_t percent = 0;
  const auto listen = [&](bitgauge::index_t done, bitgauge::index_t total) { percent = 100 * done / total; };
  const auto q = bitgauge::quantize(
      W, bitgauge::nf4{},
      bitgauge::options{.threads = 2, .progress = listen, .cancel = [&] { return stop.load(); }});
  EXPECT_EQ(percent, 100);
  EXPECT_EQ(q.rows(), W.rows());
}

}  // namespace
