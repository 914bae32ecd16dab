import { runProgram } from '../../shared/service/run-program.ts';
import { endedWith } from './output.ts';
import { createProgram } from './program.ts';

for (const stream of [process.stdout, process.stderr]) stream.on('error', tolerateClosedPipe);
// What waits for a control plane that has vanished may be the only thing left, and alone it keeps no process from ending.
const waiting = setInterval(() => {}, 2 ** 30);
const program = createProgram();
process.exitCode = await runProgram(program, { argv: process.argv.slice(2), endedWith: () => endedWith(program) });
clearInterval(waiting);

/** Whoever reads may stop reading, as `head` does; what the command has to do is done all the same. */
function tolerateClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
