#include "models/mechanisms/hash_key.hpp"

#include <boost/uuid/detail/md5.hpp>

namespace windtunnel {

HashKey hash_key_of(std::string_view partition_key) {
  boost::uuids::detail::md5 md5;
  md5.process_bytes(partition_key.data(), partition_key.size());
  boost::uuids::detail::md5::digest_type digest;  // four words, the first is the highest
  md5.get_digest(digest);
  return (HashKey{digest[0]} << 32) | digest[1];
}

HashRange HashRange::even(std::uint32_t part, std::uint32_t parts) {
  __extension__ using Wide = unsigned __int128;
  const auto start = [parts](std::uint32_t i) {
    return static_cast<HashKey>((Wide{i} << 64) / parts);
  };
  return {start(part), part + 1 == parts ? ~HashKey{0} : start(part + 1) - 1};
}

}  // namespace windtunnel
