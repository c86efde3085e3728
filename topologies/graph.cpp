#include "topologies/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/dominator_tree.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <boost/graph/strong_components.hpp>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "topologies/names.hpp"
#include "topologies/reflect.hpp"

namespace windtunnel {

namespace {

struct Edge {
  std::string path;  // the setting: "calls.0.to"
  bool asynchronous = false;
  bool work = true;  // requests and messages go this way
};

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS,
                                    boost::no_property, Edge>;
using Vertex = boost::graph_traits<Graph>::vertex_descriptor;

constexpr Vertex none = static_cast<Vertex>(-1);

// Where a component's instances are.
struct Spread {
  std::vector<std::string> zones;         // none: bound to no zone
  std::optional<std::int64_t> instances;  // none: not counted

  bool single() const { return zones.size() == 1 || instances == 1; }
};

bool carries_work(const Reference& reference) {
  static const std::set<std::string> messaging = {"message_target", "queue", "stream", "function",
                                                  "callable"};
  return !reference.asynchronous || messaging.contains(reference.port);
}

bool is_client(const ComponentSettings& component) {
  return component.model_options().category() == "load";
}

// Fewer instances than zones take the first ones, a zone named by a `_az` setting before the
// others.
Spread spread_of(const Topology& topology, const ComponentSettings& component) {
  const ComponentSettings& host = topology.host_of(component);
  Spread spread{topology.zones_of(host), host.instances()};
  for (const TextValue& value : text_values(*host.settings)) {
    const auto zone = std::find(spread.zones.begin(), spread.zones.end(), value.text);
    if (!value.field->name().ends_with("_az") || zone == spread.zones.end()) continue;
    std::rotate(spread.zones.begin(), zone, zone + 1);
  }
  const auto used =
      static_cast<std::size_t>(std::max<std::int64_t>(1, spread.instances.value_or(INT64_MAX)));
  if (used < spread.zones.size()) spread.zones.resize(used);
  return spread;
}

class GraphCheck {
 public:
  GraphCheck(const Topology& topology, Diagnostics& diagnostics)
      : topology_(topology),
        components_(topology.components),
        source_(components_.size()),
        graph_(components_.size() + 1),
        diagnostics_(diagnostics) {
    for (Vertex v = 0; v < components_.size(); ++v) by_name_[components_[v].name] = v;
    for (Vertex v = 0; v < components_.size(); ++v) {
      if (is_client(components_[v])) boost::add_edge(source_, v, graph_);
      for (const Reference& reference : components_[v].references()) {
        const Vertex other = by_name_.at(reference.target);
        boost::add_edge(reference.feeds ? other : v, reference.feeds ? v : other,
                        Edge{reference.path, reference.asynchronous, carries_work(reference)},
                        graph_);
      }
      spreads_.push_back(spread_of(topology, components_[v]));
    }
  }

  void run() {
    reached_ = reachable(source_, {});
    unused_and_unreachable();
    cycles();
    find_stores();
    find_goals();
    dominators();
    zones();
  }

 private:
  const std::string& name(Vertex v) const { return components_[v].name; }

  // From there, when the components in `down` are not there.
  std::vector<bool> reachable(Vertex from, const std::set<Vertex>& down) const {
    const auto up = [&](Vertex v) { return !down.contains(v); };
    const boost::filtered_graph<Graph, boost::keep_all, std::function<bool(Vertex)>> rest(
        graph_, boost::keep_all(), up);
    const std::size_t vertices = boost::num_vertices(graph_);
    std::vector<bool> reached(vertices, false);
    std::vector<boost::default_color_type> colors(vertices);
    const auto color =
        boost::make_iterator_property_map(colors.begin(), boost::get(boost::vertex_index, graph_));
    boost::breadth_first_search(rest, from, boost::color_map(color));
    for (Vertex v = 0; v < vertices; ++v) reached[v] = colors[v] == boost::black_color;
    return reached;
  }

  void unused_and_unreachable() {
    if (boost::out_degree(source_, graph_) == 0) {
      diagnostics_.warning(topology_.place, "no client: nothing calls these components");
      return;
    }
    for (Vertex v = 0; v < components_.size(); ++v) {
      if (reached_[v] || components_[v].model_options().observer()) continue;
      const bool named = boost::in_degree(v, graph_) > 0;
      diagnostics_.warning(components_[v].place,
                           fmt::format("{}: {}", name(v),
                                       named ? "unreachable: no client leads to it"
                                             : "unused: no component names it"));
    }
  }

  // A synchronous cycle would wait for itself; one that messages go round may have no end.
  void cycles() {
    Graph calls(components_.size()), work(components_.size());
    for (const auto edge : boost::make_iterator_range(boost::edges(graph_))) {
      const Vertex from = boost::source(edge, graph_), to = boost::target(edge, graph_);
      if (from == source_ || !graph_[edge].work) continue;
      boost::add_edge(from, to, graph_[edge], work);
      if (!graph_[edge].asynchronous) boost::add_edge(from, to, graph_[edge], calls);
    }
    const bool waits_for_itself = each_cycle(calls, [this](Vertex v, const std::string& cycle) {
      diagnostics_.error(components_[v].place,
                         fmt::format("{}: synchronous cycle: {}", name(v), cycle));
    });
    if (waits_for_itself) return;
    each_cycle(work, [this](Vertex v, const std::string& cycle) {
      diagnostics_.warning(components_[v].place,
                           fmt::format("{}: asynchronous cycle: nothing here ends a message's way "
                                       "round: {}",
                                       name(v), cycle));
    });
  }

  // Each strongly connected part is told once, by a shortest cycle of it; true if there is any.
  template <typename Tell>
  bool each_cycle(const Graph& calls, Tell&& tell) const {
    std::vector<int> part(components_.size() + 1);
    boost::strong_components(calls, boost::make_iterator_property_map(
                                        part.begin(), boost::get(boost::vertex_index, calls)));
    std::set<int> told;
    for (Vertex v = 0; v < components_.size(); ++v) {
      if (told.contains(part[v])) continue;
      const std::string cycle = shortest_cycle(calls, v);
      if (cycle.empty()) continue;
      told.insert(part[v]);
      tell(v, cycle);
    }
    return !told.empty();
  }

  // "a (next) -> b (calls.0.to) -> a"; empty if no cycle passes through `start`.
  std::string shortest_cycle(const Graph& calls, Vertex start) const {
    std::vector<Vertex> before(components_.size(), none);
    std::vector<Vertex> queue{start};
    for (std::size_t next = 0; next < queue.size() && before[start] == none; ++next) {
      for (const auto edge : boost::make_iterator_range(boost::out_edges(queue[next], calls))) {
        const Vertex to = boost::target(edge, calls);
        if (before[to] != none) continue;
        before[to] = queue[next];
        queue.push_back(to);
      }
    }
    if (before[start] == none) return "";
    std::string text = name(start);
    Vertex v = start;
    do {
      const std::string& setting = calls[boost::edge(before[v], v, calls).first].path;
      v = before[v];
      text = fmt::format("{} ({}) -> {}", name(v), setting, text);
    } while (v != start);
    return text;
  }

  void find_stores() {
    std::vector<Vertex> sinks;
    for (Vertex v = 0; v < components_.size(); ++v) {
      if (!reached_[v]) continue;
      const schema::Model& model = components_[v].model_options();
      if (provides(model, "store")) stores_.push_back(v);
      const std::vector<Reference> references = components_[v].references();
      const bool calls = std::any_of(references.begin(), references.end(),
                                     [](const auto& one) { return one.port != "fleet"; });
      if (provides(model, "callable") && !calls) sinks.push_back(v);
    }
    if (stores_.empty()) stores_ = sinks;
  }

  // Stores to which some of a component's alternatives lead and others do not: each can take the
  // place of the others, for those who come this way.
  std::set<Vertex> stand_in_for_each_other(Vertex v) {
    std::vector<std::vector<bool>> ways;
    for (const Reference& reference : components_[v].references()) {
      if (!reference.alternative) continue;
      ways.push_back(reachable(by_name_.at(reference.target), {v}));
      const bool to_any = std::any_of(stores_.begin(), stores_.end(),
                                      [&](Vertex store) { return ways.back()[store]; });
      if (!to_any) ways.pop_back();
    }
    if (ways.size() < 2) return {};
    const std::vector<bool> around = reachable(source_, {v});
    std::set<Vertex> found;
    for (const Vertex store : stores_) {
      const bool by_all = std::all_of(ways.begin(), ways.end(),
                                      [&](const std::vector<bool>& way) { return way[store]; });
      const bool by_any = std::any_of(ways.begin(), ways.end(),
                                      [&](const std::vector<bool>& way) { return way[store]; });
      if (!by_any || by_all) continue;
      found.insert(store);
      if (around[store]) for_themselves_.insert(store);
    }
    return found;
  }

  // Every store is a goal; those that stand in for each other are one.
  void find_goals() {
    std::vector<std::set<Vertex>> together;
    for (Vertex v = 0; v < components_.size(); ++v) {
      std::set<Vertex> one = stand_in_for_each_other(v);
      std::erase_if(together, [&](const std::set<Vertex>& other) {
        const bool shares = std::any_of(other.begin(), other.end(),
                                        [&](Vertex store) { return one.contains(store); });
        if (shares) one.insert(other.begin(), other.end());
        return shares;
      });
      if (!one.empty()) together.push_back(std::move(one));
    }
    std::set<Vertex> done;
    for (const Vertex store : stores_) {
      const auto with = std::find_if(together.begin(), together.end(),
                                     [&](const auto& set) { return set.contains(store); });
      if (with == together.end() || for_themselves_.contains(store)) {
        goals_.push_back({store, name(store)});
      }
      if (with == together.end() || done.contains(store)) continue;
      std::vector<std::string> names;
      const Vertex behind = boost::add_vertex(graph_);
      for (const Vertex one : *with) {
        boost::add_edge(one, behind, graph_);
        names.push_back(name(one));
      }
      goals_.push_back({behind, listed(names, "or")});
      done.insert(with->begin(), with->end());
    }
  }

  void dominators() {
    std::vector<Vertex> dominator(boost::num_vertices(graph_), none);
    boost::lengauer_tarjan_dominator_tree(
        graph_, source_,
        boost::make_iterator_property_map(dominator.begin(),
                                          boost::get(boost::vertex_index, graph_)));
    std::map<Vertex, std::vector<std::string>> behind;  // the goals behind a component
    for (const Goal& goal : goals_) {
      for (Vertex v = goal.at; v != none && v != source_; v = dominator[v]) {
        if (v < source_ && !is_client(components_[v])) behind[v].push_back(goal.name);
      }
    }
    for (const auto& [v, goals] : behind) tell_dominator(v, goals);
  }

  void tell_dominator(Vertex v, const std::vector<std::string>& goals) {
    const Spread& spread = spreads_[v];
    const bool is_store = goals == std::vector<std::string>{name(v)};
    const std::string role = is_store ? "the clients depend on it"
                                      : fmt::format(
                                            "every path from the clients to {} passes "
                                            "through it",
                                            listed(goals));
    const ComponentSettings& host = topology_.host_of(components_[v]);
    const std::string on = host.name == name(v) ? "" : fmt::format(" (on {})", host.name);
    if (spread.single()) {
      const std::string& zone = spread.zones.empty() ? name(v) : spread.zones.front();
      std::string how = fmt::format("lives in {} alone", zone);
      if (spread.instances == 1) how = "is one instance";
      if (spread.instances == 1 && !spread.zones.empty()) how += ", in " + zone;
      diagnostics_.warning(
          components_[v].place,
          fmt::format("{}: single point of failure: {}, and it {}{}", name(v), role, how, on));
    } else if (!is_store) {
      const std::string where = spread.zones.empty()
                                    ? "is bound to no zone"
                                    : fmt::format("is spread over {} zones", spread.zones.size());
      diagnostics_.note(components_[v].place,
                        fmt::format("{}: {}; it {}{}", name(v), role, where, on));
    }
  }

  void zones() {
    for (const RegionSettings& region : topology_.regions) {
      for (const std::string& zone : region.zones()) without(zone, region);
    }
  }

  void without(const std::string& zone, const RegionSettings& region) {
    std::set<Vertex> down;
    for (Vertex v = 0; v < components_.size(); ++v) {
      if (spreads_[v].zones == std::vector<std::string>{zone}) down.insert(v);
    }
    const std::vector<bool> still = reachable(source_, down);
    std::vector<std::string> lost, alone;
    for (const Goal& goal : goals_) {
      if (!still[goal.at]) lost.push_back(goal.name);
    }
    for (const Vertex v : down) alone.push_back(name(v));
    if (lost.empty()) return;
    diagnostics_.warning(region.place,
                         fmt::format("{}: single point of failure: without this zone no client "
                                     "reaches {} (only there: {})",
                                     zone, listed(lost), listed(alone)));
  }

  // Where clients want to get to.
  struct Goal {
    Vertex at;  // a store, or a vertex behind several
    std::string name;
  };

  const Topology& topology_;
  const std::vector<ComponentSettings>& components_;
  std::map<std::string, Vertex> by_name_;
  const Vertex source_;  // stands before all clients
  Graph graph_;
  Diagnostics& diagnostics_;
  std::vector<Spread> spreads_;
  std::vector<bool> reached_;
  std::vector<Vertex> stores_;
  std::set<Vertex> for_themselves_;  // stores that somebody reaches past their alternatives
  std::vector<Goal> goals_;
};

}  // namespace

void check_graph(const Topology& topology, Diagnostics& diagnostics) {
  GraphCheck(topology, diagnostics).run();
}

}  // namespace windtunnel
