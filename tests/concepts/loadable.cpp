// Catches a load<Matrix>() that is offered for what no file holds.
#include <bitgauge/io/load.hpp>

using namespace bitgauge;

static_assert(io::loadable<quantized_matrix> && io::loadable<gguf::block_matrix>);
static_assert(!io::loadable<Eigen::MatrixXf> && !io::loadable<const quantized_matrix> && !io::loadable<int>);
