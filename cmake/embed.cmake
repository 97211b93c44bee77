# Write FILES (paths joined by |) as the arrays that src/rule/embedded.h declares to OUT.
# A NUL, not counted in the length, ends each array.
cmake_minimum_required(VERSION 3.22)
string(REPLACE "|" ";" paths "${FILES}")

set(entries "")
foreach(path IN LISTS paths)
  cmake_path(GET path FILENAME name)
  list(APPEND entries "${name}|${path}")
endforeach()
list(SORT entries COMPARE STRING)

set(arrays "")
set(table "")
set(count 0)
foreach(entry IN LISTS entries)
  string(REPLACE "|" ";" entry "${entry}")
  list(GET entry 0 name)
  list(GET entry 1 path)
  file(READ "${path}" hex HEX)
  string(LENGTH "${hex}" len)
  math(EXPR len "${len} / 2")
  string(REGEX REPLACE "(................................)" "\\1\n\t" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " hex "${hex}")
  string(APPEND arrays "static const unsigned char file_${count}[] = {\n\t${hex}0x00,\n};\n\n")
  string(APPEND table "\t{ \"${name}\", file_${count}, ${len} },\n")
  math(EXPR count "${count} + 1")
endforeach()

file(WRITE "${OUT}" "/* Made by cmake/embed.cmake; do not edit. */
#include \"rule/embedded.h\"

${arrays}const struct ifx_embedded ifx_embedded_files[] = {
${table}\t{ NULL, NULL, 0 },
};
const size_t ifx_embedded_count = ${count};
")
