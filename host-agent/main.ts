import { describeFailure, exitCodeOf } from '../shared/service/failure.ts';
import { stateOfPlainRun } from './cli/plain-run.ts';

try {
  const argv = process.argv.slice(2);
  const state = stateOfPlainRun(argv);
  if (state === undefined) process.exitCode = await (await import('./cli/program.ts')).runCommandLine(argv);
  else await (await import('./cli/run.ts')).runAgent(state);
} catch (error) {
  process.stderr.write(describeFailure('keyturn-agent', error));
  process.exitCode = exitCodeOf(error);
}
// Everything is told and closed. A check that did not hear the stop must not keep the process, as nothing waits for it.
setTimeout(() => process.exit(), 2_000).unref();
