# Compiles SOURCE by COMPILE into PROGRAM, with LIBRARY if any, runs it (by EMULATOR, if any), keeps what it prints in
# PROGRAM.txt, and compares that with REFERENCE.txt, which the reference itself writes.
execute_process(COMMAND ${LAUNCHER} ${COMPILE} -c ${SOURCE} -o ${PROGRAM}.o COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${COMPILE} ${PROGRAM}.o ${LIBRARY} -o ${PROGRAM} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${EMULATOR} ${PROGRAM} RESULT_VARIABLE result OUTPUT_VARIABLE output)
if(NOT result EQUAL 0 OR output STREQUAL "")
  message(FATAL_ERROR "${PROGRAM}: ${result}\n${output}")
endif()
file(WRITE ${PROGRAM}.txt "${output}")
file(READ ${REFERENCE}.txt expected)
if(NOT output STREQUAL expected)
  message(FATAL_ERROR "expected:\n${expected}\nfound:\n${output}")
endif()
