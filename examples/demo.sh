#!/usr/bin/env bash
# examples/demo.sh REVLM: runs the program REVLM on two small real models that
# lie beside this file, showing each command and its own output.
set -euo pipefail
revlm=$(realpath "$1")
cd "$(dirname "$0")/.."
runs=build/demo
rm -rf "$runs"

show() {
  local word shown=revlm
  for word in "$@"; do
    [[ $word != *' '* ]] || word="\"$word\""
    shown+=" $word"
  done
  printf '\n$ %s\n' "$shown"
  "$revlm" "$@"
}

prompts=(
  --prompt "The first thing to know about a language model is"
  --prompt "def main(argv):"
  --prompt "ls - list directory contents"
)
show inspect examples/models/aster-s0
show run examples/models/aster-s0 "${prompts[@]}" --max-tokens 12 \
  --output-dir "$runs/aster-s0"
# A fine-tune of the first: the same questions, other answers.
show run examples/models/aster-s0-ft-quotes "${prompts[@]}" --max-tokens 12 \
  --output-dir "$runs/aster-s0-ft-quotes"
