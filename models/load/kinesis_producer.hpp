// Machines that put records into a stream. With the SDK a machine gathers records for a while,
// sends them by PutRecords, 500 a call, and sends those that were refused again after a backoff, by
// which time newer ones of the same key may have passed (rule 32). The Kinesis Producer Library
// packs user records of a shard into Kinesis records of up to 50 KiB, keeps to 150 % of each
// shard's limit by itself, sends what was refused again without any backoff, and drops what is
// older than 30 s (rule 36). A call that timed out may have been taken: its records are put twice.
//
// Records of one key that a machine sends together travel as one message with a count: see
// kinesis_data_stream.hpp. Each record counts as a request of the run: good if it was put.
//
// Left out: faults of the machines and of their zones; a map of the shards that is out of date; the
// order of different keys within a call; a bound of what waits in a machine's memory.
#pragma once

#include <optional>
#include <vector>

#include "models/mechanisms/arrivals.hpp"
#include "models/mechanisms/connector.hpp"
#include "models/mechanisms/key_popularity.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "models/mechanisms/retry.hpp"
#include "models/mechanisms/token_bucket.hpp"

namespace windtunnel {

namespace settings {
class KinesisProducer;
}
class SettingsCheck;

class KinesisProducer final : public sim::Component {
 public:
  KinesisProducer(sim::Simulation& sim, const std::string& name,
                  const settings::KinesisProducer& settings);
  ~KinesisProducer() override;
  static void check(const settings::KinesisProducer& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void start() override;
  void report(sim::RunLog& log) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter received{set, "UserRecordsReceived", "user records that came to be"};
    sim::Counter put{set, "UserRecordsPut", "user records that the stream took"};
    sim::Counter kinesis_records{set, "KinesisRecordsPut", "records of the stream they made"};
    sim::Counter errors{set, "AllErrors", "user records in a refusal or a failed call, each time"};
    sim::Counter dropped{set, "UserRecordsDropped", "user records given up"};
    sim::Counter twice{set, "UserRecordsPutTwice",
                       "put again after a timeout although the stream had taken them"};
    sim::Counter calls{set, "PutRecordsCalls", "calls sent"};
    sim::Level pending{set, "UserRecordsPending", "Count", "user records not put yet"};
    sim::Histogram put_time{set, "PutTime", "from a record's coming to be to its put"};
  };
  Metrics metric{metric_set_};

 private:
  struct Record {
    std::uint32_t key;
    std::uint32_t shard;  // where the KPL believes that it goes
    sim::Time sent;
  };
  struct ShardPace {
    TokenBucket records, bytes;
  };
  struct Host {
    std::unique_ptr<Connector> connector;
    std::vector<Record> fresh{};    // since its last turn
    std::vector<Message> ready{};   // to be sent
    std::vector<ShardPace> pace{};  // KPL, by shard
    std::uint32_t calls = 0;        // under way
  };
  struct Retry {  // SDK: waits for its backoff
    std::uint32_t host, attempt;
    std::vector<Message> messages;
  };

  void gather();
  void on_turn();
  void pack(Host& host);
  void pack_by_key(Host& host);
  void pack_by_shard(Host& host);
  void send_ready(std::uint32_t host, std::uint32_t attempt);
  void send_at_pace(std::uint32_t host);
  void send(std::uint32_t host, std::uint32_t attempt, std::vector<Message>& messages);
  void on_retry_due(std::uint64_t retry);
  void ended(std::uint32_t host, std::uint32_t attempt, Batch* batch, bool unknown);
  void try_again(std::uint32_t host, std::uint32_t attempt);
  void drop(const Message& message);
  void count_end(const Message& message, bool success);

  std::string stream_name_;
  bool kpl_, aggregation_;
  std::uint32_t record_size_, connections_, max_attempts_;
  std::uint64_t aggregation_size_;
  sim::Duration linger_, ttl_, network_, longest_;
  double rate_limit_;
  Backoff backoff_;
  Connector::Settings connection_;
  KeyPopularity keys_;
  Arrivals arrivals_;
  sim::Time next_arrival_{};
  sim::Stream key_chance_, host_chance_, backoff_chance_;
  sim::Lane lane_;
  Messages& batches_;
  StreamPort* stream_ = nullptr;
  std::vector<Host> hosts_;
  std::uint32_t turn_ = 0;  // whose it is
  std::uint64_t contents_ = 0;
  std::vector<Retry> retries_;
  std::vector<std::uint32_t> free_retries_;
  std::vector<Message> kept_, failed_;
};

}  // namespace windtunnel
