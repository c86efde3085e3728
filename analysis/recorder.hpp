// Records a run while it goes: every metric of every component over time, histograms of latencies,
// the lives of a share of the requests. Looks on and changes nothing.
//
// A request's calls are found by their contexts: a call belongs to what the call served by its
// opener belongs to. Left out: what does not travel as a call within a call (messages in a queue);
// requests that a circuit breaker ends before their first attempt have no number.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "analysis/record.pb.h"
#include "sim/metrics.hpp"
#include "sim/simulation.hpp"

namespace windtunnel::analysis {

// Where a bin of LatencyBins begins, in seconds; the first takes what is shorter than a
// microsecond.
double lower_end_of_bin(std::size_t bin);

// One metric and what it said last; gives its Series.
class Track;

// Follows the calls of requests, each from a client's attempt down.
class RequestFollower {
  using Call = sim::Call;

 public:
  RequestFollower(sim::Simulation& sim, std::uint32_t one_request_in);

  void on_call(sim::CallStep step, sim::Handle handle, sim::Call& call);
  // Follows this request of this client, and no other.
  void follow_only(std::string client, std::uint64_t request);

  std::vector<Span> take_spans() { return std::move(spans_); }

 private:
  // A request's slot at its client, the life it has, its number.
  struct Life {
    std::uint32_t life = 0;
    std::uint64_t request = 0;
    std::uint32_t followed = 0;  // its place in `followed_` and 1; 0: it is not followed
  };
  struct Client {
    std::string name;
    std::uint64_t requests = 0;
    std::vector<Life> by_slot;
  };
  struct Followed {
    std::string client;
    std::uint64_t request = 0;
    std::uint32_t calls = 0;
  };

  void open(sim::Handle handle, const Call& call);
  void open_attempt(Client& client, sim::Handle handle, const Call& call);
  void add_span(std::uint32_t followed, std::uint32_t parent, sim::Handle handle, const Call& call);
  bool is_wanted(const Client& client, std::uint64_t request) const;
  void begin();

  sim::Simulation& sim_;
  std::uint32_t one_request_in_;
  std::string only_client_;
  std::uint64_t only_request_ = 0;
  std::map<std::uint64_t, std::string> names_;  // of components, by the hashes of their names
  std::map<std::uint64_t, Client> clients_;     // likewise
  std::vector<Followed> followed_;
  std::vector<Span> spans_;
  std::vector<std::uint32_t> span_of_;     // by a call's slot: its place in `spans_` and 1, or 0
  std::vector<std::uint32_t> of_request_;  // places in `followed_`, a span each
};

class Recorder final : public sim::Watcher {
 public:
  // After all components have been added to the simulation; starts to watch it.
  Recorder(sim::Simulation& sim, const Recording& recording);
  ~Recorder() override;

  // After the run.
  void fill(ReplicationRecord& record);

  void on_sample(sim::Time date) override;
  void on_metrics_restarted() override;
  void on_call(sim::CallStep step, sim::Handle handle, sim::Call& call) override;

 private:
  void begin();

  sim::Simulation& sim_;
  bool begun_ = false;
  sim::Time last_;
  std::vector<std::unique_ptr<Track>> tracks_;
  RequestFollower follower_;
};

}  // namespace windtunnel::analysis
