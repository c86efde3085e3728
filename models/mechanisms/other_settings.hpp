// A look at another component's settings, of whatever service, by the names of its fields: for
// checks that span services.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace windtunnel {

// Paths are dotted. Whether the field is there and set.
bool has_setting(const google::protobuf::Message* settings, const std::string& path);
// An integer (durations are nanoseconds); nothing: there is no such field, or it is absent.
std::optional<std::int64_t> integer_setting(const google::protobuf::Message* settings,
                                            const std::string& path);
std::string text_setting(const google::protobuf::Message* settings, const std::string& path);
// Whether a reference to this port, wherever it stands in the settings, names the component.
bool refers_to(const google::protobuf::Message* settings, std::string_view port,
               const std::string& component);

}  // namespace windtunnel
