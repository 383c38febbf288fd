# What every target of ours has in common, and what a room is: one library with one include root of its own, which sees
# only the rooms that it links. That is what makes a forbidden #include fail to compile.

add_library(oncue_options INTERFACE)
target_compile_features(oncue_options INTERFACE cxx_std_20)
target_compile_options(oncue_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
  -Wno-restrict) # gcc 12 at -O3 sees overlaps in std::string that are not there (gcc bug 105651)
if(ONCUE_WARNINGS_AS_ERRORS)
  target_compile_options(oncue_options INTERFACE -Werror)
endif()
if(ONCUE_SANITIZERS)
  target_compile_options(oncue_options INTERFACE -fsanitize=${ONCUE_SANITIZERS} -fno-omit-frame-pointer
    -fno-sanitize-recover=all
    # False alarms of gcc 12 in instrumented code: std::function in <regex>, Asio's fences.
    -Wno-maybe-uninitialized -Wno-tsan)
  target_link_options(oncue_options INTERFACE -fsanitize=${ONCUE_SANITIZERS})
endif()

# oncue_room(NAME SOURCES file... ROOMS room... USES target...): ROOMS are the rooms to the left of the arrow.
function(oncue_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;ROOMS;USES" ${ARGN})
  add_library(oncue_${name} STATIC ${ARG_SOURCES})
  add_library(oncue::${name} ALIAS oncue_${name})
  set_target_properties(oncue_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
  target_compile_features(oncue_${name} PUBLIC cxx_std_20)
  target_include_directories(oncue_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  foreach(room IN LISTS ARG_ROOMS)
    target_link_libraries(oncue_${name} PUBLIC oncue::${room})
  endforeach()
  target_link_libraries(oncue_${name} PUBLIC ${ARG_USES} PRIVATE $<BUILD_INTERFACE:oncue_options>)
  set_property(GLOBAL APPEND PROPERTY ONCUE_ROOMS oncue_${name})
  install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endfunction()
