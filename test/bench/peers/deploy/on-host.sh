# The host's half of the script: all gates in their order. The four commands of G5 and the two of G6 do not depend on
# each other and run side by side, as somebody in a hurry would let them.
. "$INCOMING/gates.sh"

gate_g3
gate_g4_received
gate_g4_extract
gate_g4_promote
gate_g4_installed
(gate_g5_compile && gate_g5_import) & first=$!
gate_g5_unit & second=$!
gate_g6 & third=$!
wait $first
wait $second
wait $third
gate_g5_inert
gate_g7
gate_g8
