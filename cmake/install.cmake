# What `cmake --install` puts where, in two components: `program` and `development` (the Debian packages adze and
# libadze-dev, made by `cpack -G DEB`).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Manual pages and completions come from the program itself, so they are what --help says.
set(pages ${PROJECT_BINARY_DIR}/share)
add_custom_command(OUTPUT ${pages}/man/man1/adze.1
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${pages}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${pages}/bash-completion/completions ${pages}/zsh/site-functions
    ${pages}/fish/vendor_completions.d
  COMMAND adze completion bash > ${pages}/bash-completion/completions/adze
  COMMAND adze completion zsh > ${pages}/zsh/site-functions/_adze
  COMMAND adze completion fish > ${pages}/fish/vendor_completions.d/adze.fish
  COMMAND adze man --out ${pages}/man/man1
  DEPENDS adze COMMENT "Manual pages and completions" VERBATIM)
add_custom_target(adze_pages ALL DEPENDS ${pages}/man/man1/adze.1)

install(TARGETS adze RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(DIRECTORY ${pages}/ DESTINATION ${CMAKE_INSTALL_DATADIR} COMPONENT program)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

# One archive with all that the C interface needs. It calls no other library.
set(objects "")
foreach(folder base numerics ops kernels runtime ir formats passes lower api)
  list(APPEND objects $<TARGET_OBJECTS:adze_${folder}>)
endforeach()
add_library(adze_archive STATIC ${objects})
set_target_properties(adze_archive PROPERTIES OUTPUT_NAME adze EXPORT_NAME adze LINKER_LANGUAGE CXX)
target_link_libraries(adze_archive INTERFACE Threads::Threads)
target_compile_features(adze_archive INTERFACE cxx_std_11)
target_include_directories(adze_archive INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS adze_archive EXPORT adze ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY include/adze DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/adze)
install(EXPORT adze NAMESPACE adze:: FILE adzeTargets.cmake DESTINATION ${package} COMPONENT development)
configure_package_config_file(cmake/adzeConfig.cmake.in adzeConfig.cmake INSTALL_DESTINATION ${package}
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(adzeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/adzeConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/adzeConfigVersion.cmake
  DESTINATION ${package} COMPONENT development)

set(CPACK_PACKAGE_NAME adze)
set(CPACK_PACKAGE_CONTACT "The adze authors <adze@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "makes trained neural networks small and fast")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME adze)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "Reads a float ONNX network, quantizes it on your data, writes the int8
network, runs both, and says what it cost.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libadze-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS "g++, cmake")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "The static library that the adze program runs networks with: its C header,
a C++ header over it, and a CMake package.")
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/debian_docs.cmake)
set(CPACK_ADZE_SOURCE_DIR ${PROJECT_SOURCE_DIR})
include(CPack)
