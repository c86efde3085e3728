// Texts as traces: their rows, kept, or what is wrong with them.
#pragma once

#include <zlib.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "models/traces/formats.hpp"

namespace windtunnel::traces::test {

// A row whose texts stay.
struct Kept {
  Row row;
  std::string method, host, path, target;
  std::size_t line;
  std::string at() const { return format_date(row.at); }
};

inline std::vector<Kept> rows_of(const std::string& text, const Options& options = {}) {
  const Opened opened = open_trace(open_bytes(text), options);
  std::vector<Kept> rows;
  for (Row row; opened.reader->next(row);) {
    rows.push_back({row, std::string(row.method), std::string(row.host), std::string(row.path),
                    std::string(row.target), opened.reader->line()});
  }
  return rows;
}

inline std::string format_of(const std::string& text) {
  return open_trace(open_bytes(text)).format->name;
}

// "3:1: what is wrong"; throws where nothing is.
inline std::string wrong_with(const std::string& text, const Options& options = {}) {
  const Reading reading = read_all(text, options);
  if (!reading.bad) throw std::runtime_error("was read");
  return std::to_string(reading.bad->line) + ":" + std::to_string(reading.bad->column) + ": " +
         reading.bad->text;
}

inline std::string gzipped(const std::string& text) {
  z_stream state{};
  if (deflateInit2(&state, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("no zlib");
  std::string packed(deflateBound(&state, text.size()) + 64, '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = static_cast<uInt>(packed.size());
  deflate(&state, Z_FINISH);
  packed.resize(state.total_out);
  deflateEnd(&state);
  return packed;
}

}  // namespace windtunnel::traces::test
