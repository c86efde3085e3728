#pragma once

#include <google/protobuf/util/message_differencer.h>

#include <string>

namespace windtunnel::analysis::samples {

// Empty if both are equal, else what differs.
inline std::string difference(const google::protobuf::Message& a,
                              const google::protobuf::Message& b) {
  std::string text;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&text);
  return differencer.Compare(a, b) ? "" : text;
}

}  // namespace windtunnel::analysis::samples
