import { CommanderError } from 'commander';
import { describeFailure, EXIT_CODES, exitCodeOf, failureJson } from '../../shared/service/failure.ts';
import { createProgram } from './program.ts';

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  process.exitCode = end(error);
}

/** Commander has printed its own errors already; help and version are no errors. */
function end(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_CODES.usage;
  if (process.argv.includes('--json')) process.stdout.write(failureJson(error));
  process.stderr.write(describeFailure('keyturn', error));
  return exitCodeOf(error);
}
