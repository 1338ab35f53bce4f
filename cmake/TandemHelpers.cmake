# How every target of the project is built: C++20, warnings are errors, sanitizers, one output folder.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()

find_program(TANDEM_CCACHE ccache)
if(TANDEM_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${TANDEM_CCACHE})
    # Precompiled headers need these two sloppinesses, or ccache never hits.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
                                    ${TANDEM_CCACHE})
endif()
find_program(TANDEM_MOLD mold)
if(TANDEM_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_link_options(-fuse-ld=mold)
endif()

if(TANDEM_SANITIZE STREQUAL "address")
    add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
    add_link_options(-fsanitize=address,undefined)
elseif(TANDEM_SANITIZE STREQUAL "thread")
    add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
    add_link_options(-fsanitize=thread)
endif()

# Warnings for our own code; foreign headers come in as SYSTEM.
function(tandem_warnings target)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                             -Woverloaded-virtual -Wnull-dereference -Werror)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # False alarms of GCC 12 inside the standard library at -O2.
        target_compile_options(${target} PRIVATE -Wno-null-dereference -Wno-stringop-overflow -Wno-array-bounds
                                                 -Wno-maybe-uninitialized -Wno-restrict)
    endif()
endfunction()

# tandem_add_library(NAME [SHARED|STATIC] SOURCES... ) : sources are listed, headers are found through the root.
function(tandem_add_library name kind)
    add_library(${name} ${kind} ${ARGN})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    tandem_warnings(${name})
endfunction()

# tandem_add_test(NAME SOURCES file... LIBRARIES lib... [LABELS label...] [TIMEOUT s]) : one GoogleTest program,
# or, where GoogleTest is missing, one of the small header in tests/support/gtest_fallback.
function(tandem_add_test name)
    cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
    add_executable(${name} ${T_SOURCES})
    tandem_warnings(${name})
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
    target_compile_definitions(${name} PRIVATE
        TANDEM_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data" TANDEM_SHARED_DATA="${TANDEM_SHARED_DATA}"
        TANDEM_BINARY_DIR="${CMAKE_BINARY_DIR}" TANDEM_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    target_link_libraries(${name} PRIVATE ${T_LIBRARIES} tandem_gtest)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    if(NOT T_TIMEOUT)
        set(T_TIMEOUT 300)
    endif()
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}"
                                            SKIP_RETURN_CODE 77)
endfunction()

# The large set of real scans that tests use when it lies beside the checkout; tests say that they skip without it.
set(TANDEM_SHARED_DATA "${CMAKE_SOURCE_DIR}/../shared/data" CACHE PATH "Folder with pairs.csv; may be missing")
get_filename_component(TANDEM_SHARED_DATA "${TANDEM_SHARED_DATA}" REALPATH)
