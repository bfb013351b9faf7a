# The kernels: the same loops compiled once per instruction set, each file with
# its own flags. Always optimised, and products fused only where the source says
# so: the bits of a result depend on neither the build type nor the compiler.
set(REVLM_KERNEL_FLAGS
  -O3 -ffp-contract=off -fno-math-errno -Wno-psabi)

add_library(revlm_engine_kernels STATIC
  ${CMAKE_CURRENT_LIST_DIR}/kernels.cc
  ${CMAKE_CURRENT_LIST_DIR}/kernels_baseline.cc)
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/kernels_baseline.cc
  PROPERTIES COMPILE_OPTIONS "${REVLM_KERNEL_FLAGS}")
target_link_libraries(revlm_engine_kernels PUBLIC revlm_options)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_sources(revlm_engine_kernels PRIVATE
    ${CMAKE_CURRENT_LIST_DIR}/kernels_avx2.cc
    ${CMAKE_CURRENT_LIST_DIR}/kernels_avx512.cc)
  set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/kernels_avx2.cc
    PROPERTIES COMPILE_OPTIONS "${REVLM_KERNEL_FLAGS};-mavx2;-mfma")
  set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/kernels_avx512.cc
    PROPERTIES COMPILE_OPTIONS
    "${REVLM_KERNEL_FLAGS};-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mfma")
endif()
