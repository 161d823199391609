# What is installed, and Debian's package of it (./dev package).

# made_file(NAME COMMAND...): a file that a command writes to its standard output.
set(package_files "${PROJECT_BINARY_DIR}/package_files")
set(made_files)
function(made_file name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "COMMAND;DEPENDS")
  add_custom_command(OUTPUT "${package_files}/${name}"
    COMMAND ${arg_COMMAND} > "${package_files}/${name}" DEPENDS ${arg_DEPENDS} VERBATIM)
  set(made_files ${made_files} "${package_files}/${name}" PARENT_SCOPE)
endfunction()

file(WRITE "${package_files}/conffiles" "/etc/cgmon/agent.yaml\n")
execute_process(COMMAND git -C "${PROJECT_SOURCE_DIR}" show -s --format=%cD HEAD
  OUTPUT_VARIABLE CGMON_PACKAGE_DATE OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT CGMON_PACKAGE_DATE)
  string(TIMESTAMP CGMON_PACKAGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
endif()
configure_file("${PROJECT_SOURCE_DIR}/deploy/debian/changelog.in" "${package_files}/changelog" @ONLY)

# The program tells what it can: manual and completions cannot differ from it.
made_file(cgmon-agent.8 COMMAND agent man DEPENDS agent)
made_file(cgmon-agent.bash COMMAND agent completion bash DEPENDS agent)
made_file(_cgmon-agent COMMAND agent completion zsh DEPENDS agent)
made_file(cgmon-agent.fish COMMAND agent completion fish DEPENDS agent)
made_file(cgmon-agent.8.gz
  COMMAND gzip -9nc "${package_files}/cgmon-agent.8" DEPENDS "${package_files}/cgmon-agent.8")
made_file(changelog.gz
  COMMAND gzip -9nc "${package_files}/changelog" DEPENDS "${package_files}/changelog")
made_file(CHANGELOG.md.gz COMMAND gzip -9nc "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
  DEPENDS "${PROJECT_SOURCE_DIR}/CHANGELOG.md")
add_custom_command(OUTPUT "${package_files}/cgmon-agent" COMMAND
  "${CMAKE_STRIP}" --strip-unneeded -R .comment -o "${package_files}/cgmon-agent"
  "$<TARGET_FILE:agent>" DEPENDS agent VERBATIM)
add_custom_target(package_files DEPENDS ${made_files} "${package_files}/cgmon-agent")

install(PROGRAMS "${package_files}/cgmon-agent" DESTINATION bin)
install(FILES "${PROJECT_SOURCE_DIR}/config/agent.yaml" DESTINATION /etc/cgmon)
install(FILES "${PROJECT_SOURCE_DIR}/deploy/systemd/cgmon-agent.service"
  DESTINATION /lib/systemd/system)
install(FILES "${PROJECT_SOURCE_DIR}/deploy/systemd/names.conf" DESTINATION share/cgmon-agent)
install(FILES "${package_files}/cgmon-agent.8.gz" DESTINATION share/man/man8)
install(FILES "${package_files}/cgmon-agent.bash"
  DESTINATION share/bash-completion/completions RENAME cgmon-agent)
install(FILES "${package_files}/_cgmon-agent" DESTINATION share/zsh/vendor-completions)
install(FILES "${package_files}/cgmon-agent.fish" DESTINATION share/fish/vendor_completions.d)
install(FILES "${PROJECT_SOURCE_DIR}/deploy/debian/copyright" "${package_files}/changelog.gz"
  "${package_files}/CHANGELOG.md.gz" DESTINATION share/doc/cgmon-agent)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME cgmon-agent)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "The authors of cgmon <maintainers@cgmon.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "resource usage of containers and units for Prometheus")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Reads CPU, memory, tasks, I/O and pressure of every container and systemd unit
from the kernel's cgroup files, v1, v2 or both at once, and serves them to
Prometheus under the names that cAdvisor uses. It asks no container engine and
runs without privileges.")
# Configuration and unit have absolute places, which go into a package by DESTDIR alone.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.52)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${package_files}/conffiles"
  "${PROJECT_SOURCE_DIR}/deploy/debian/postinst"
  "${PROJECT_SOURCE_DIR}/deploy/debian/prerm"
  "${PROJECT_SOURCE_DIR}/deploy/debian/postrm")
include(CPack)
