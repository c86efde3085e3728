// "endpoint_group_changes": an accelerator whose endpoint groups can be changed while it runs, by
// whoever operates it. A change is made at the control plane; the edges have it some time later
// (rule 42).
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace windtunnel {

// Of one group; what is absent stays.
struct EndpointGroupChange {
  struct Weight {
    std::string endpoint;
    double weight;
  };
  std::string region;
  std::optional<double> traffic_dial;
  std::vector<Weight> weights;
};

class EndpointGroupChanges {
 public:
  virtual ~EndpointGroupChanges() = default;
  // UpdateEndpointGroup. Nothing: it is IN_PROGRESS, DEPLOYED after a while. Else the refusal's
  // words.
  virtual std::optional<std::string> update_endpoint_group(const EndpointGroupChange& change) = 0;
};

}  // namespace windtunnel
