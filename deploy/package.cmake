# `cpack` in a release build directory makes crier_VERSION_ARCHITECTURE.deb, for the release of
# Debian or Ubuntu it is made on, and a package of its symbols. Needs dpkg-dev, for dpkg-shlibdeps,
# and file.
#
# `cmake --install` installs the daemon alone: everything else is in the component `package`
# and goes where a Debian package has it.
set(debian ${CMAKE_CURRENT_LIST_DIR}/debian)
set(package COMPONENT package EXCLUDE_FROM_ALL)

install(FILES ${CMAKE_CURRENT_LIST_DIR}/systemd/crier.service
  ${CMAKE_CURRENT_LIST_DIR}/systemd/crier-http.socket
  ${CMAKE_CURRENT_LIST_DIR}/systemd/crier-publish.socket
  DESTINATION lib/systemd/system ${package})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/systemd/crier.sysusers
  DESTINATION lib/sysusers.d RENAME crier.conf ${package})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/crier.json DESTINATION /etc/crier ${package})
install(FILES ${debian}/copyright ${CMAKE_CURRENT_LIST_DIR}/CHANGELOG.md
  DESTINATION share/doc/crier ${package})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/systemd/README.md RENAME README.systemd.md
  DESTINATION share/doc/crier ${package})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/operating.md RENAME README.operating.md
  DESTINATION share/doc/crier ${package})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/runbook.md DESTINATION share/doc/crier ${package})
install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/bpftrace DESTINATION share/crier ${package})
install(FILES ${debian}/examples.md RENAME README.md
  DESTINATION share/doc/crier/examples ${package})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/crier.schema.json
  ${CMAKE_CURRENT_LIST_DIR}/examples/page.html
  DESTINATION share/doc/crier/examples ${package})
install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/systemd/drop-ins ${CMAKE_CURRENT_LIST_DIR}/proxies
  ${CMAKE_CURRENT_LIST_DIR}/cluster
  ${CMAKE_CURRENT_LIST_DIR}/prometheus ${CMAKE_CURRENT_LIST_DIR}/grafana
  DESTINATION share/doc/crier/examples ${package})
# Manual pages and completions: what the daemon prints of itself.
install(CODE "execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND sh ${debian}/generate.sh
  \"$<TARGET_FILE:crier>\" \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\"
  \"\$ENV{DESTDIR}/etc\")" ${package})

set(CPACK_GENERATOR DEB)
set(CPACK_INSTALL_CMAKE_PROJECTS
  "${CMAKE_BINARY_DIR};crier;Unspecified;/;${CMAKE_BINARY_DIR};crier;package;/")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
# The binary is stripped, and its symbols are in crier-dbgsym_VERSION_ARCHITECTURE.ddeb.
set(CPACK_STRIP_FILES OFF)
set(CPACK_DEBIAN_DEBUGINFO_PACKAGE ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_PACKAGE_NAME crier)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Server-Sent-Events broadcast daemon")
set(CPACK_PACKAGE_DESCRIPTION
  "Programs on a host publish events to crier over a local socket; it fans each
event out, by topic, to every browser and client that holds a stream open.
Streams that reconnect or fall behind continue from the history, without gap
or duplicate. An idle stream costs 64 bytes of memory.
.
It runs under systemd and is watched through Prometheus.")
set(CRIER_MAINTAINER "crier's maintainers <maintainers@crier.invalid>" CACHE STRING
  "Who maintains the packages that cpack makes")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${CRIER_MAINTAINER})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# passwd: for postinst without systemd-sysusers. procps: kill, for the unit's ExecReload.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "passwd, procps")
# Loaded only for journal.kind nats, so that dpkg-shlibdeps does not see it.
file(REAL_PATH ${NATS_LIBRARY} nats_file)
execute_process(COMMAND dpkg-query -S ${nats_file} OUTPUT_VARIABLE nats_package ERROR_QUIET)
string(REGEX REPLACE ":.*" "" CPACK_DEBIAN_PACKAGE_SUGGESTS "${nats_package}")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
