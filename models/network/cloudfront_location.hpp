// A place where CloudFront keeps objects: an edge, which viewers reach, or a regional edge cache,
// which edges ask. Whoever has no copy that is still good asks the next one up, the last one asks
// the origin. Requests for an object that is being fetched wait for that one fetch.
//
// A copy expires at the date that the origin's answer gave it, at every location alike (Age).
// What fails is kept for the error caching minimum TTL; a location that has an expired copy answers
// that for as long instead.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/mechanisms/object_cache.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "models/network/cloudfront_origin.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class CloudFrontDistribution;
struct CloudFrontBehavior;

class CloudFrontLocation final : public sim::Entity {
 public:
  // `parent`: the regional edge cache of an edge; nullptr: it is one itself.
  CloudFrontLocation(CloudFrontDistribution& distribution, const std::string& place,
                     sim::ZoneId zone, double capacity, CloudFrontLocation* parent);

  // Once the origins are known.
  void wire();

  void on_connect(sim::Call& call, sim::Handle handle) override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call&) override {}

  // It is silent to whoever asks it; what it has asked for itself still comes.
  void set_lost(bool lost) { lost_ = lost; }

  // A changed distribution has come here: a behaviour has another target.
  void set_target(std::size_t behavior, std::uint16_t target) { targets_[behavior] = target; }

  const std::string& place() const { return place_; }
  sim::ZoneId zone() const { return zone_of(0); }
  const ObjectCache& cache() const { return cache_; }
  std::size_t fetches_under_way() const { return in_flight_.size(); }

 private:
  // What a request is answered with.
  struct Answer {
    sim::Outcome outcome = sim::Outcome::ok;
    bool out_of_cache = false;
    bool dated = false;  // it has the following
    sim::Time expires{}, good_until{};
  };
  struct Fetch {
    ObjectCache::Key key = 0;
    std::uint16_t request_class = 0;
    std::uint16_t target = 0;  // of the behaviour: origin or group
    std::uint16_t origin = 0;  // that is asked now
    std::uint8_t attempts = 0;
    bool asks_location = false;  // not an origin
    bool failed_over = false;
    bool shared = false;  // others may wait for it, and the answer is kept
    bool write = false;
    sim::Handle first, last;  // requests that wait for it
  };

  bool is_edge() const { return parent_ != nullptr; }
  void on_viewer_request(sim::Call& call, sim::Handle handle);
  void serve(ObjectCache::Key key, sim::Call& call, sim::Handle handle);
  static Answer answer_of(const ObjectCache::Entry& copy);
  void reply(sim::Handle handle, const Answer& answer);

  void begin_fetch(ObjectCache::Key key, const sim::Call& call, sim::Handle waiting, bool shared);
  void wait_for(Fetch& fetch, sim::Handle waiting);
  CloudFrontLocation* next_up(const Fetch& fetch) const;
  void ask(CloudFrontLocation& location, sim::Handle handle, Fetch& fetch);
  void run_function(sim::Handle handle, Fetch& fetch);
  void on_function_done(sim::Handle handle);
  void on_function_timed_out(sim::Handle handle);
  void choose_origin(sim::Handle handle, Fetch& fetch);
  void try_origin(sim::Handle handle, Fetch& fetch);
  void send_to_origin(sim::Handle handle, const Fetch& fetch, const sim::Address& address);
  void attempt_failed(sim::Handle handle, Fetch& fetch, const sim::Call& call);
  void origin_failed(sim::Handle handle, Fetch& fetch, sim::Outcome outcome, int status);
  void finish(sim::Handle handle, Answer answer);
  Answer keep(const Fetch& fetch, Answer answer);
  const CloudFrontBehavior& behavior_of(ObjectCache::Key key) const;
  std::uint16_t nearest(const std::vector<std::uint16_t>& targets);

  CloudFrontDistribution& distribution_;
  std::string place_;
  CloudFrontLocation* parent_;
  bool lost_ = false;
  ObjectCache cache_;
  TtlCache<sim::Handle> in_flight_;  // fetches by object; their end ends them, no date
  sim::Pool<Fetch> fetches_;
  std::vector<std::unique_ptr<CloudFrontOriginLink>> links_;  // by origin
  std::vector<std::uint16_t> targets_;                        // by behaviour
  std::vector<std::uint16_t> nearest_;                        // by behaviour; unknown: none
  struct Functions {
    std::int64_t running = 0;
    TokenBucket rate;
  };
  std::vector<Functions> functions_;  // by behaviour that has one
  sim::Stream object_chance_, function_chance_;
};

}  // namespace windtunnel
