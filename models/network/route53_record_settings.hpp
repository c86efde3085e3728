// A name's records as they are written.
#pragma once

#include <string>
#include <vector>

#include "models/network/route53_record.hpp"
#include "models/network/route53_record.pb.h"

namespace windtunnel {

Route53Record::Shape route53_shape_of(const settings::Route53Record& settings);

// What is written of each record under the name, whatever the policy, and where.
struct WrittenAnswer {
  std::string path;  // "weighted.0", "failover.primary"
  const settings::Route53Record::Answer* answer;
};
std::vector<WrittenAnswer> answers_of(const settings::Route53Record& settings);

}  // namespace windtunnel
