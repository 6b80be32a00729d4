# Run by CPack on the staged files: what Debian's policy wants of every package, a copyright file, a compressed changelog
# and compressed manual pages.
foreach(component_package "program/adze" "development/libadze-dev")
  string(REGEX REPLACE "/.*" "" component ${component_package})
  string(REGEX REPLACE ".*/" "" package ${component_package})
  set(usr ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr)
  set(doc ${usr}/share/doc/${package})
  file(MAKE_DIRECTORY ${doc})
  file(COPY_FILE ${CPACK_ADZE_SOURCE_DIR}/packaging/copyright ${doc}/copyright)
  file(COPY_FILE ${CPACK_ADZE_SOURCE_DIR}/CHANGELOG.md ${doc}/changelog)
  file(REMOVE ${doc}/LICENSE)  # the copyright file names Debian's copy of it
  file(GLOB pages ${usr}/share/man/man1/*.1)
  execute_process(COMMAND gzip -9n ${doc}/changelog ${pages} COMMAND_ERROR_IS_FATAL ANY)
  # Debian's zsh reads the completions of packages from here.
  if(EXISTS ${usr}/share/zsh/site-functions)
    file(RENAME ${usr}/share/zsh/site-functions ${usr}/share/zsh/vendor-completions)
  endif()
endforeach()
