#pragma once

/// \file
/// What the option --table prints.

#include <iosfwd>

namespace bench {

/// The products measured so far as tables in markdown: of each scheme the fraction of the limit that binds and, as
/// multiples, the rates of peers. Nothing where nothing was measured.
void print_product_table(std::ostream& out);

}  // namespace bench
