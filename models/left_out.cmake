# Writes OUTPUT, the C++ behind left_out.hpp, from the opening comments of the HEADERS:
#   cmake -DOUTPUT=left_out.cpp -DHEADERS="a.hpp;b.hpp" -P left_out.cmake
set(cases "")
foreach(header ${HEADERS})
  get_filename_component(model ${header} NAME_WE)
  file(STRINGS ${header} lines)
  set(text "")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "^//")
      break()
    endif()
    string(REGEX REPLACE "^// ?" "" line "${line}")
    string(APPEND text "${line} ")
  endforeach()
  if(text MATCHES "[Ll]eft out:? (.*)$")
    string(STRIP "${CMAKE_MATCH_1}" text)
    string(APPEND cases "    {\"${model}\", R\"text(${text})text\"},\n")
  endif()
endforeach()
file(WRITE ${OUTPUT}.new "#include \"models/left_out.hpp\"

#include <array>
#include <utility>

namespace windtunnel {

std::string left_out(std::string_view model) {
  static constexpr std::pair<std::string_view, std::string_view> all[] = {
${cases}    {\"\", \"\"}};
  for (const auto& [name, text] : all) {
    if (name == model) return std::string(text);
  }
  return {};
}

}  // namespace windtunnel
")
file(COPY_FILE ${OUTPUT}.new ${OUTPUT} ONLY_IF_DIFFERENT)
