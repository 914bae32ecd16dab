import { createProgram } from './program.ts';
import { runProgram } from './run-program.ts';

for (const stream of [process.stdout, process.stderr]) stream.on('error', tolerateClosedPipe);
process.exitCode = await runProgram(createProgram(), process.argv.slice(2));

/** Whoever reads may stop reading, as `head` does; what the command has to do is done all the same. */
function tolerateClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
