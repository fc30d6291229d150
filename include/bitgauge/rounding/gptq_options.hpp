#pragma once

/// \file
/// The settings of GPTQ rounding, and what it says about its work.

#include <bitgauge/base/config.hpp>
#include <bitgauge/effort.hpp>

#include <vector>

namespace bitgauge {

/// What error feedback did to one layer. Errors are ||(W - Q) X||^2 over the samples of the Hessian, damping
/// left out; divided by `energy` they are relative.
struct gptq_report {
  double energy = 0;         ///< ||W X||^2
  double nearest_error = 0;  ///< of rounding to nearest, same scheme
  double gptq_error = 0;     ///< after error feedback
  double error = 0;          ///< of the result: after refinement, where there was one
  /// Sum over groups and columns of step^2 / 12 times what feedback cannot remove from that column: the error
  /// to expect of feedback with all codes far from clipping, damping included. Integer grids only, else 0.
  double predicted_error = 0;
  double damping = 0;                 ///< what was added to the Hessian's diagonal
  int damping_raised = 0;             ///< how often it had to be raised for the factorisation to succeed
  std::vector<index_t> dead_columns;  ///< inputs that were always zero; their weights are taken as 0
};

/// How GPTQ rounds.
struct gptq_options {
  bool act_order = false;  ///< columns in the order of falling Hessian diagonal
  /// True: parameters of all groups come from the original weights, before any error is fed back. False:
  /// groups may take them from weights with errors fed back, and each row keeps what leaves it the least
  /// error (efforts normal and best), at most that of the authors' program: parameters of the original
  /// weights, of the up-to-date weights when the group is reached, and, where they differ, of the weights at
  /// the start of the batch; in act_order, of the original weights and of those that its columns came to.
  /// Two or three times the rounding. Groups that span rows, and rows of one group, are always static.
  bool static_groups = false;
  /// Added to the Hessian's diagonal, as a fraction of its mean; from 0 up.
  double damping = 0.01;
  /// Columns whose updates are gathered before they are applied to the rest: the block size of the authors'
  /// program.
  index_t batch = 128;
  /// reference: as the authors' program, whose groups take their parameters from weights that are stale by up
  /// to a batch. fast: once, with parameters of the up-to-date weights, or of the original ones with
  /// static_groups or act_order. normal: the best of several parameters. best: GPTQ from several starts, then
  /// a search over codes and scales for the least error on samples to come: the fewer were seen, the more the
  /// Hessian's diagonal counts beside the rest (see shrinkage.hpp; not where hessian::samples() is 0, not
  /// known). It never raises the damped error of a row on the samples seen; some hundred times slower.
  bitgauge::effort effort = bitgauge::effort::normal;
  gptq_report* report = nullptr;  ///< filled in where given; costs about twice the rounding again
};

}  // namespace bitgauge
