# find_package(oncue) from an install: the rooms as oncue::messages … oncue::actors, and the program.
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY ONCUE_ROOMS)
install(TARGETS ${rooms} EXPORT oncue-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT oncue-targets NAMESPACE oncue:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/oncue)
get_filename_component(CAF_INSTALL_PREFIX_HINT "${CAF_DIR}/../../.." ABSOLUTE)
configure_package_config_file(cmake/oncue-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/oncue-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/oncue)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/oncue-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/oncue-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/oncue-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/oncue)
install(TARGETS oncue DESTINATION ${CMAKE_INSTALL_BINDIR})
