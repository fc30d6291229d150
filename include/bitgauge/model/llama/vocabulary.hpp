#pragma once

/// \file
/// From text to tokens and back.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/model/llama/model.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bitgauge::llama {

/// The pieces that tokens stand for, as SentencePiece has them: a space is written U+2581, and what is in no
/// other piece becomes bytes, "<0x41>".
class vocabulary {
 public:
  /// How tokens are made of a text.
  struct options {
    bool add_space_prefix = true;  ///< a text begins with a space
    bool add_begin = false;        ///< and with the token `begin`
    token begin = 1, end = 2;
  };

  /// One score a piece; those of greater scores are put together first. Raises data_error where there are not as
  /// many, or pieces for bytes are missing.
  vocabulary(std::vector<std::string> pieces, std::vector<float> scores, options o)
      : pieces_(std::move(pieces)), scores_(std::move(scores)), options_(o) {
    if (scores_.size() != pieces_.size())
      bitgauge::detail::raise_message<data_error>(
          {"vocabulary: expected a score for each of ", pieces_.size(), " pieces, found ", scores_.size()});
    for (std::size_t i = 0; i < pieces_.size(); ++i) places_.emplace(pieces_[i], static_cast<token>(i));
    for (int byte = 0; byte < 256; ++byte) {
      const auto found = places_.find(byte_piece(byte));
      if (found == places_.end())
        bitgauge::detail::raise_message<data_error>(
            {"vocabulary: expected the piece ", byte_piece(byte), ", found none"});
      bytes_.push_back(found->second);
    }
  }
  /// 260 tokens: `<unk>`, `<s>`, `</s>`, the 256 bytes, and a space.
  static vocabulary bytes() {
    std::vector<std::string> pieces{"<unk>", "<s>", "</s>"};
    for (int byte = 0; byte < 256; ++byte) pieces.push_back(byte_piece(byte));
    pieces.emplace_back(space);
    std::vector<float> scores(pieces.size());
    return {std::move(pieces), std::move(scores), {.add_space_prefix = false}};
  }

  index_t size() const noexcept { return static_cast<index_t>(pieces_.size()); }
  token end() const noexcept { return options_.end; }

  /// The tokens of a text: its characters, of which those that make the piece of the greatest score are put
  /// together, the first of equals, as long as any do (SentencePiece's byte-pair encoding). Cost: n log n.
  std::vector<token> tokens_of(std::string_view text) const {
    std::vector<symbol> symbols = characters(text);
    std::priority_queue<merge> open;
    const auto offer = [&](std::ptrdiff_t left) {
      if (left < 0 || symbols[at(left)].next < 0) return;
      const symbol &a = symbols[at(left)], &b = symbols[at(symbols[at(left)].next)];
      const auto found = places_.find(a.text + b.text);
      if (found == places_.end()) return;
      open.push({scores_[static_cast<std::size_t>(found->second)], left, a.text.size() + b.text.size()});
    };
    for (std::size_t i = 0; i < symbols.size(); ++i) offer(static_cast<std::ptrdiff_t>(i));
    while (!open.empty()) {
      const merge best = open.top();
      open.pop();
      symbol& a = symbols[at(best.left)];
      if (a.text.empty() || a.next < 0) continue;
      symbol& b = symbols[at(a.next)];
      if (a.text.size() + b.text.size() != best.size) continue;  // one of them has grown since
      a.text += b.text;
      b.text.clear();
      a.next = b.next;
      if (a.next >= 0) symbols[at(a.next)].previous = best.left;
      offer(a.previous);
      offer(best.left);
    }
    std::vector<token> tokens;
    if (options_.add_begin) tokens.push_back(options_.begin);
    for (std::ptrdiff_t i = symbols.empty() ? -1 : 0; i >= 0; i = symbols[at(i)].next)
      append(symbols[at(i)].text, tokens);
    return tokens;
  }

  /// The text of a token; nothing for `<unk>`, `<s>` and `</s>`. Raises data_error for one that is not there.
  std::string text_of(token t) const {
    if (t < 0 || t >= size())
      bitgauge::detail::raise_message<data_error>({"token: expected 0 to ", size() - 1, ", found ", t});
    const std::string& piece = pieces_[static_cast<std::size_t>(t)];
    if (t == options_.begin || t == options_.end || piece == "<unk>") return {};
    const auto byte = std::find(bytes_.begin(), bytes_.end(), t);
    if (byte != bytes_.end()) return {static_cast<char>(byte - bytes_.begin())};
    std::string text;
    for (std::size_t i = 0; i < piece.size();) {
      const bool is_space = std::string_view(piece).substr(i).starts_with(space);
      text += is_space ? ' ' : piece[i];
      i += is_space ? space.size() : 1;
    }
    return text;
  }

 private:
  static constexpr std::string_view space = "\xE2\x96\x81";  // U+2581

  /// A part of the text, linked to its neighbours; empty once it has become part of the one before.
  struct symbol {
    std::string text;
    std::ptrdiff_t previous, next;
  };
  struct merge {
    float score;
    std::ptrdiff_t left;
    std::size_t size;
    bool operator<(const merge& other) const {
      return score != other.score ? score < other.score : left > other.left;
    }
  };
  static std::size_t at(std::ptrdiff_t i) { return static_cast<std::size_t>(i); }

  static std::string byte_piece(int byte) {
    constexpr char digits[] = "0123456789ABCDEF";
    return {'<', '0', 'x', digits[byte / 16], digits[byte % 16], '>'};
  }
  /// Bytes of the UTF-8 character that a text begins with; 1 where it begins with none.
  static std::size_t character_size(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF8 ? 4 : 1;
    for (std::size_t i = 1; i < size; ++i)
      if (i >= text.size() || (static_cast<unsigned char>(text[i]) & 0xC0u) != 0x80u) return 1;
    return size;
  }
  /// UTF-8 characters; a byte that begins none is one of its own.
  std::vector<symbol> characters(std::string_view text) const {
    std::string prepared;
    if (options_.add_space_prefix) prepared += space;
    for (const char c : text) c == ' ' ? prepared += space : prepared += c;
    std::vector<symbol> symbols;
    for (std::size_t i = 0; i < prepared.size();) {
      const std::size_t size = character_size(std::string_view(prepared).substr(i));
      const auto count = static_cast<std::ptrdiff_t>(symbols.size());
      symbols.push_back({prepared.substr(i, size), count - 1, count + 1});
      i += size;
    }
    if (!symbols.empty()) symbols.back().next = -1;
    return symbols;
  }
  void append(const std::string& piece, std::vector<token>& tokens) const {
    const auto found = places_.find(piece);
    if (found != places_.end()) return tokens.push_back(found->second), void();
    for (const char c : piece) tokens.push_back(bytes_[static_cast<unsigned char>(c)]);
  }

  std::vector<std::string> pieces_;
  std::vector<float> scores_;
  options options_;
  std::unordered_map<std::string, token> places_;
  std::vector<token> bytes_;
};

}  // namespace bitgauge::llama
