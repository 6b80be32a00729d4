# Compiler settings and the two functions every folder uses. A folder is one library; its edges are the architecture
# (docs/architecture.md), checked by tools/check_layers.
find_package(Threads REQUIRED)

# Off for GCC 12: -Wrestrict (GCC bug 105329), -Wmaybe-uninitialized and -Wdangling-pointer give false alarms on
# std::string, std::optional and shared_ptr at -O2; clang's and the sanitizers' checks stay on.
add_library(adze_options INTERFACE)
target_compile_options(adze_options INTERFACE -Wall -Wextra -Wno-missing-field-initializers -Wno-sign-compare
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict$<SEMICOLON>-Wno-maybe-uninitialized$<SEMICOLON>-Wno-dangling-pointer>
  -ffp-contract=off -fno-math-errno)
if(ADZE_WERROR)
  target_compile_options(adze_options INTERFACE -Werror)
endif()
if(ADZE_SANITIZE)
  target_compile_options(adze_options INTERFACE -fsanitize=${ADZE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(adze_options INTERFACE -fsanitize=${ADZE_SANITIZE})
  target_compile_definitions(adze_options INTERFACE ADZE_FORCE_DCHECK)
endif()
target_include_directories(adze_options INTERFACE ${PROJECT_SOURCE_DIR}/src)

# adze_library(<folder> DEPS <folders and packages> [NO_EXCEPTIONS])
# All *.cc of src/<folder> (recursively, without *_test.cc and *_bench.cc) become the library adze_<folder>, slashes as
# underscores. Tests beside the sources become one program adze_<folder>_test. Suffixes pick the compiler flags of a
# kernel variant: _avx2.cc, _avx512vnni.cc.
function(adze_library folder)
  cmake_parse_arguments(ARG "NO_EXCEPTIONS" "" "DEPS" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.cc)
  set(tests ${sources})
  set(benches ${sources})
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  set(deps "")
  foreach(d ${ARG_DEPS})
    if(TARGET ${d})
      list(APPEND deps ${d})
    else()
      list(APPEND deps adze_${d})
    endif()
  endforeach()
  if(sources)
    add_library(adze_${name} STATIC ${sources})
    target_link_libraries(adze_${name} PUBLIC adze_options ${deps})
    if(ARG_NO_EXCEPTIONS)
      target_compile_options(adze_${name} PRIVATE -fno-exceptions)
    endif()
  else()
    add_library(adze_${name} INTERFACE)
    target_link_libraries(adze_${name} INTERFACE adze_options ${deps})
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    foreach(s ${sources})
      if(s MATCHES "_avx2\\.cc$")
        set_source_files_properties(${s} PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-mf16c")
      elseif(s MATCHES "_avx512vnni\\.cc$")
        set_source_files_properties(${s} PROPERTIES COMPILE_OPTIONS
          "-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mavx512vnni")
      endif()
    endforeach()
  endif()
  if(ADZE_TESTS AND tests)
    adze_test(adze_${name}_test SOURCES ${tests} DEPS adze_${name})
  endif()
  if(ADZE_TESTS AND benches)
    adze_bench(adze_${name}_bench SOURCES ${benches} DEPS adze_${name})
  endif()
endfunction()

# adze_test(<target> SOURCES … DEPS …): a GoogleTest program registered with ctest. ADZE_TEST_DATA is tests/.
function(adze_test target)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${target} PRIVATE ADZE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${target} COMMAND ${target})
  set_tests_properties(${target} PROPERTIES TIMEOUT 600)
  if(ADZE_SANITIZE)  # absurd sizes are refused because malloc refuses them
    set_tests_properties(${target} PROPERTIES ENVIRONMENT "ASAN_OPTIONS=allocator_may_return_null=1")
  endif()
endfunction()

# adze_bench(<target> SOURCES … DEPS …): a Google Benchmark program, built only when asked for by name. Skipped where the
# library is not installed.
function(adze_bench target)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  find_package(benchmark QUIET)
  if(benchmark_FOUND)
    add_executable(${target} EXCLUDE_FROM_ALL ${ARG_SOURCES})
    target_link_libraries(${target} PRIVATE ${ARG_DEPS} benchmark::benchmark benchmark::benchmark_main)
  endif()
endfunction()
