# if_built.sh PROGRAM ARGUMENTS...: runs it, or says what builds it; 99 is ctest's skip.
[ -x "$1" ] || { echo "there is no $1: ./dev test builds it"; exit 99; }
exec "$@"
