# if_built.sh PROGRAM ARGUMENTS...: runs it, or says what builds it; 77 is ctest's skip.
[ -x "$1" ] || { echo "there is no $1: ./dev test builds it"; exit 77; }
exec "$@"
