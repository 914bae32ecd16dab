# The host's half of the script: all gates in their order, none begun before the one in front of it has passed, as Keyturn
# has it. Within G5, commands run side by side that do not depend on each other.
. "$INCOMING/gates.sh"

gate_g3
gate_g4_received
gate_g4_extract
gate_g4_promote
gate_g4_installed
(gate_g5_compile && gate_g5_import) & first=$!
gate_g5_unit & second=$!
wait $first
wait $second
gate_g5_inert
gate_g6
gate_g7
gate_g8
