#include "groups.hpp"
#include "products/systems.hpp"

namespace bench {

void register_products() {
  register_eigen();
#if defined(BENCH_ONEDNN)
  register_onednn();
#endif
#if defined(BENCH_GGML)
  register_ggml();
#endif
  register_packed();
}

}  // namespace bench
