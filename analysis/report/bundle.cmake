# Writes OUTPUT, the C++ behind report_bundle.hpp: the page's program and style, bundled by node in FOLDER
# from the sources in SOURCE. Without npm, or where its packages can't be had, an empty one: the
# report then has numbers and no pictures, and says so.
#   cmake -DSOURCE=... -DFOLDER=... -DOUTPUT=... -DNPM=npm -DNODE=node -P bundle.cmake
function(write_empty why)
  message(NOTICE "the report will have no pictures: ${why}")
  file(WRITE ${OUTPUT} "#include \"analysis/report_bundle.hpp\"
namespace windtunnel::analysis {
std::string report_script() { return {}; }
std::string report_style() { return {}; }
}  // namespace windtunnel::analysis
")
endfunction()

if(NOT NPM OR NOT NODE)
  write_empty("npm is not here")
  return()
endif()
file(GLOB sources ${SOURCE}/*.js ${SOURCE}/*.mjs ${SOURCE}/*.css ${SOURCE}/*.json ${SOURCE}/.npmrc)
file(COPY ${sources} DESTINATION ${FOLDER})
# Packages are fetched again only when the lock has changed.
file(SHA256 ${FOLDER}/package-lock.json lock)
set(stamp "")
if(EXISTS ${FOLDER}/installed)
  file(READ ${FOLDER}/installed stamp)
endif()
if(NOT stamp STREQUAL lock)
  execute_process(COMMAND ${NPM} ci --no-progress --loglevel=error WORKING_DIRECTORY ${FOLDER}
    RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(failed)
    write_empty("npm ci failed: ${said}")
    return()
  endif()
  file(WRITE ${FOLDER}/installed ${lock})
endif()
execute_process(COMMAND ${NODE} build.mjs ${OUTPUT} WORKING_DIRECTORY ${FOLDER}
  RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(failed)
  write_empty("${said}")
endif()
