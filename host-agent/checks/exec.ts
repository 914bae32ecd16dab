import { type ExecObservation, type ExecParams, execKind, type TestsSeen } from '../../shared/ledger/kinds/exec.ts';
import { readTestCounts } from '../../shared/release/test-counts.ts';
import { paramsOf, timeoutMsOf } from './check-params.ts';
import { matchText } from './match-pattern.ts';
import { type CheckContext, type CheckOutcome, observed } from './observe.ts';
import { type ProcessRun, runProcess } from './process-check.ts';

/** Runs a command of the plan in the installed tree, and sees how it ended, what it wrote and which tests it counted. */
export async function observeExec(context: CheckContext): Promise<CheckOutcome> {
  const params = paramsOf(execKind, context.check);
  const { argv, cwd, env, network, secrets } = params;
  const run = await runProcess(context, {
    argv,
    cwd,
    env,
    network,
    secrets,
    timeoutMs: timeoutMsOf(execKind, context.check),
  });
  if (run.did === 'end-the-check') return run.outcome;
  return { ...observed(observationOf(run, params)), capsule: run.capsule };
}

function observationOf({ seen, stdout, stderr }: ProcessRun, { expect }: ExecParams): ExecObservation {
  return {
    process: seen,
    tests: expect.tests && testsIn(stdout, stderr),
    stdout: expect.stdout && matchText(expect.stdout.matches, stdout),
    stderr: expect.stderr && matchText(expect.stderr.matches, stderr),
  };
}

function testsIn(stdout: string, stderr: string): TestsSeen | undefined {
  const counts = readTestCounts(stdout, stderr);
  if (!counts) return undefined;
  const { runner, ran, passed, failed, errors, skipped } = counts;
  return { runner, ran, passed, failed, errors, skipped };
}
