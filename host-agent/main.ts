import { CommanderError } from 'commander';
import { describeFailure, exitCodeOf } from '../shared/service/failure.ts';
import { createProgram } from './cli/program.ts';

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 64;
  else {
    process.stderr.write(describeFailure('keyturn-agent', error));
    process.exitCode = exitCodeOf(error);
  }
}
// Everything is told and closed. A check that did not hear the stop must not keep the process, as nothing waits for it.
setTimeout(() => process.exit(), 2_000).unref();
